// Files whose arrays are found, as bundles.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/file_scan.hpp"
#include "store/validity.hpp"

namespace etalon {

// What becomes of the order of particles: it stays; it changes for good, and the bundle says so; it
// changes and comes back, where its permutation costs less than it saves.
enum class Reorder { none, declared, undone };

struct BundleOptions {
  Bound bound;  // of floating values; integers are exact
  std::vector<std::pair<std::string, Bound>> array_bounds;  // later ones win
  std::vector<std::string> positions;
  Reorder reorder = Reorder::none;
  Validity validity;
  unsigned threads = 1;
  int level = default_level;

  const Bound& bound_of(const std::string& name) const;
};

// Errc::usage for names that no array has.
Result<Bytes> make_bundle(ByteSpan file, const BundleOptions& options);
// The same of what was taken apart already. `original` is what the scan came from.
Result<Bytes> make_bundle(Scan scan, ByteSpan original, const BundleOptions& options);

// An array file as a scan: the elements behind `header`.
Scan scan_of_array(const Array& array, ByteSpan header, std::string format);

// The order that the arrays of these names, as they follow each other in the scan, give.
// Errc::usage for names that are not there.
Result<std::vector<std::uint32_t>> order_of(const Scan& scan,
                                            const std::vector<std::string>& positions);

}  // namespace etalon
