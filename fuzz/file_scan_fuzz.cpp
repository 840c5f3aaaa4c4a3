// Any bytes as a file of many arrays: what a scanner takes apart goes together to the same bytes,
// unless it was compressed itself.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "store/file_scan.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace etalon;
  const ByteSpan file(reinterpret_cast<const std::byte*>(data), size);
  for (const bool exact : {true, false}) {
    const auto scan = scan_file(file, [&](const std::string&) { return exact; });
    if (!scan.ok()) continue;
    BundlePlan plan;
    plan.format = scan->format == "npz" ? "" : scan->format;  // its sums may be wrong
    plan.segments = scan->segments;
    plan.skeleton = scan->skeleton;
    std::vector<Array> arrays;
    for (const ScannedArray& a : scan->arrays) arrays.push_back(a.elements);
    const auto again = rebuild_file(plan, arrays);
    if (!again.ok()) std::abort();
    const bool packed = scan->unpacked || scan->packing > 0;
    if (exact && !packed && !std::equal(again->begin(), again->end(), file.begin(), file.end()))
      std::abort();
  }
  return 0;
}
