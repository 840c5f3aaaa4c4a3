#include "pipeline/collect_checks.hpp"

namespace etalon {

Result<void> check_conserved(const End& end, const StoredSeries& series, std::uint64_t announced,
                             const std::string& recipe) {
  if (end.complete && announced != 0 && end.received != announced)
    return Error{Errc::check, recipe + ": frames are not conserved: " + std::to_string(announced) +
                                  " announced, received " + std::to_string(end.received)};
  std::uint64_t lost = 0;
  for (const auto& [cause, count] : end.lost) lost += count;
  if (end.received == series.stored() + series.vetoed() + lost && end.kept == series.stored() &&
      end.vetoed == series.vetoed() && end.audited == series.audited())
    return {};
  return Error{Errc::check,
               recipe + ": frames are not conserved: received " + std::to_string(end.received) +
                   ", stored " + std::to_string(series.stored()) + " of " +
                   std::to_string(end.kept) + " kept, vetoed " + std::to_string(series.vetoed()) +
                   " of " + std::to_string(end.vetoed) + ", audited " +
                   std::to_string(series.audited()) + " of " + std::to_string(end.audited) +
                   ", lost " + std::to_string(lost)};
}

Result<void> check_unharmed(const End& end, const StoredSeries& series, const std::string& recipe) {
  const std::pair<const char*, Hash> stored[] = {{"kept", series.kept_root()},
                                                 {"vetoed", series.vetoed_root()},
                                                 {"audited", series.audited_root()},
                                                 {"chunks", series.chunks_root()}};
  for (const auto& [role, root] : stored) {
    const Hash* announced = nullptr;
    for (const Record& record : end.records)
      for (const Artifact& output : record.outputs)
        if (output.role == role) announced = &output.hash;
    if (announced == nullptr)
      return Error{Errc::check, recipe + ": the edge announces no checksum of '" + role + "'"};
    if (*announced != root)
      return Error{Errc::check, recipe + ": '" + role +
                                    "' is not what the edge sent: " + root.hex() + " is stored, " +
                                    announced->hex() + " was announced"};
  }
  return {};
}

}  // namespace etalon
