// Cases of formats/finders: an image, what to look for, and the peaks that must be found.
#pragma once

#include <string>
#include <vector>

#include "kernels/finder/finder.hpp"

namespace etalon::conformance {

struct Case {
  std::string name, why;
  Geometry geometry;
  Mask mask;
  FinderSettings settings;
  Array image;
  std::vector<Peak> peaks;
};

Result<Case> read_case(const std::string& folder, const std::string& name);
Result<void> write_case(const std::string& folder, const Case& c);

// All cases, made from nothing, with peaks as the reference finds them.
Result<std::vector<Case>> make_cases();

}  // namespace etalon::conformance
