#include "verify_report.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "cli.hpp"

namespace etalon::cli {
namespace {

nlohmann::json number(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json("inf");
}

double share_of(const Measured& m, const Tally& tally) {
  const std::uint64_t all = tally.elements();
  return all == 0 ? 0 : static_cast<double>(m.elements) / static_cast<double>(all);
}

}  // namespace

Result<void> print_json(const Verdict& verdict) {
  const Tally& tally = verdict.tally;
  nlohmann::json regions = nlohmann::json::array();
  for (const Measured& m : tally.regions())
    regions.push_back({{"kind", m.kind},
                       {"bound", to_string(m.bound)},
                       {"elements", m.elements},
                       {"share", share_of(m, tally)},
                       {"max_error", number(m.max_error)},
                       {"violations", m.violations},
                       {"holds", m.violations == 0}});
  nlohmann::json out = {{"schema", "etalon.verify/1"},
                        {"holds", tally.holds()},
                        {"max_error", number(tally.max_error())},
                        {"psnr_db", number(tally.psnr_db())},
                        {"mean_error", tally.mean_error()},
                        {"rms_error", tally.rms_error()},
                        {"regions", regions}};
  if (const auto& frames = verdict.frames)
    out["frames"] = {{"original", frames->original},
                     {"compared", frames->compared},
                     {"left_out", frames->original - frames->compared}};
  if (const auto& first = tally.offender())
    out["first_offender"] = {{"place", first->at},
                             {"region", tally.regions()[first->region].kind},
                             {"error", number(first->error)}};
  if (verdict.statistics)
    out["statistics"] = statistics_json(*verdict.statistics, tally.elements());
  if (verdict.science) out["science"] = science_json(*verdict.science);
  return print(out.dump(2) + "\n");
}

Result<void> print_text(const Verdict& verdict) {
  const Tally& tally = verdict.tally;
  char line[400];
  std::string text;
  if (const auto& frames = verdict.frames)
    text = "frames     " + std::to_string(frames->compared) + " compared, " +
           std::to_string(frames->original - frames->compared) + " of " +
           std::to_string(frames->original) + " left out\n";
  std::size_t widest = 14;
  for (const Measured& m : tally.regions()) widest = std::max(widest, to_string(m.bound).size());
  const int width = static_cast<int>(widest);
  std::snprintf(line, sizeof line, "%-10s %-*s %14s %10s %12s\n", "region", width, "bound",
                "elements", "share", "max error");
  text += line;
  for (const Measured& m : tally.regions()) {
    std::snprintf(line, sizeof line, "%-10s %-*s %14llu %9.4f%% %12g  %s\n", m.kind.c_str(), width,
                  to_string(m.bound).c_str(), static_cast<unsigned long long>(m.elements),
                  100 * share_of(m, tally), m.max_error, m.violations == 0 ? "holds" : "VIOLATED");
    text += line;
  }
  std::snprintf(line, sizeof line, "PSNR %.2f dB, errors of %.4g rms, %+.3g in the mean\n",
                tally.psnr_db(), tally.rms_error(), tally.mean_error());
  text += line;
  if (verdict.statistics) text += statistics_text(*verdict.statistics, tally.elements());
  if (verdict.science) text += science_text(*verdict.science);
  return print(text);
}

}  // namespace etalon::cli
