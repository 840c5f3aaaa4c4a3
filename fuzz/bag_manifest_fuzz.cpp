// A bag's manifest: whatever is read is inside the bag, and is written and read again the same.
#include <cstdlib>
#include <string>

#include "store/bag_format.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace etalon;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto files = parse_manifest(text, bag::payload);
  if (!files.ok()) return 0;
  for (const BagFile& file : *files)
    if (!bag::is_inside(file.name)) std::abort();
  const auto again = parse_manifest(bag::manifest_of(*files, bag::payload), bag::payload);
  if (!again.ok() || again->size() != files->size()) std::abort();
  for (std::size_t i = 0; i < files->size(); ++i)
    if ((*again)[i].name != (*files)[i].name || (*again)[i].hash != (*files)[i].hash) std::abort();
  return 0;
}
