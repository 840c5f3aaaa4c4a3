#include "verify_salvage.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cli.hpp"
#include "etalon/salvage.hpp"
#include "store/file.hpp"
#include "store/series_reader.hpp"

namespace etalon::cli {
namespace {

std::string as_json(const Salvage& found) {
  nlohmann::json lost = nlohmann::json::array();
  for (std::size_t i = 0; i < found.chunks.size(); ++i)
    if (const SalvagedChunk& c = found.chunks[i]; !c.lost.empty())
      lost.push_back({{"chunk", i}, {"offset", c.offset}, {"reason", c.lost}});
  const nlohmann::json out = {
      {"schema", "etalon.salvage/1"},
      {"chunks", found.chunks.size()},
      {"whole", found.whole()},
      {"index", found.damage.empty()},
      {"lost", lost},
  };
  return out.dump(2) + "\n";
}

std::string as_text(const Salvage& found, const std::string& out) {
  std::string text = out + ": " + std::to_string(found.whole()) + " of " +
                     counted(found.chunks.size(), "chunk") + ", " +
                     std::string(name_of(found.array.dtype())) + " " +
                     to_string(found.array.shape()) + "\n";
  if (!found.damage.empty())
    text += "no index (" + found.damage + "): chunks stand in the order in which they were found\n";
  for (std::size_t i = 0; i < found.chunks.size(); ++i)
    if (const SalvagedChunk& c = found.chunks[i]; !c.lost.empty())
      text += "lost: chunk " + std::to_string(i) + " at offset " + std::to_string(c.offset) + ": " +
              c.lost + "\n";
  return text;
}

}  // namespace

Result<void> salvage_file(const std::string& damaged, const std::string& out, bool overwrite,
                          bool json) {
  ETALON_ASSIGN(const Bytes bytes, read_file(damaged));
  const auto found = salvage(bytes);
  if (!found.ok()) return Error(found.error()).in(damaged);
  ETALON_TRY(write_array(out, found->array.view(), overwrite));
  ETALON_TRY(print(json ? as_json(*found) : as_text(*found, out)));
  const std::uint64_t lost = found->chunks.size() - found->whole();
  if (lost != 0) return Error{Errc::malformed, damaged + ": " + counted(lost, "chunk") + " lost"};
  if (!found->damage.empty()) return Error{Errc::malformed, found->damage}.in(damaged);
  return {};
}

}  // namespace etalon::cli
