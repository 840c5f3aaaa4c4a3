// What compress, decompress, info and verify do with files of many arrays and with validity masks.
#pragma once

#include <string>
#include <vector>

#include "command_line.hpp"
#include "etalon/codec.hpp"
#include "reduce_input.hpp"

namespace etalon::cli {

// Options of compress that make a bundle.
struct BundleRequest {
  std::vector<std::string> arrays;  // "NAME@BOUND"
  std::string positions, reorder = "none", valid;

  bool any() const { return !arrays.empty() || !positions.empty() || !valid.empty(); }
};
void add_bundle_options(Command& command, BundleRequest& request);

// Whether the input is a file of many arrays, or the request asks for what only bundles do.
bool wants_bundle(const ArrayInput& input, const BundleRequest& request);
bool names_bundle(const std::string& path);

struct BundleOutput {
  std::string path;
  bool overwrite = false, json = false;
  unsigned threads = 1;
};
Result<void> compress_bundle(const ArrayInput& input, const BundleRequest& request,
                             const Bound& bound, int level, const BundleOutput& output);
// The file in its own format; a single array under a mask also as .npy, HDF5 or raw.
Result<void> decompress_bundle(const std::string& input, const BundleOutput& output);
Result<void> info_bundle(const std::string& path, bool json);
// Errc::check, naming array and element, where a bound does not hold.
Result<void> verify_bundle(const ArrayInput& original, const std::string& reduced, bool json);

}  // namespace etalon::cli
