// Finds the arrays in files that hold many: .npz, VTK legacy and XML, netCDF classic (Exodus), SU2.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "store/bundle.hpp"

namespace etalon {

struct ScannedArray {
  std::string name;
  Role role = Role::values;
  Array elements;
};

// A file taken apart: rebuild_file makes it again from `segments`, `skeleton` and the arrays.
struct Scan {
  std::string format;
  std::uint8_t packing = 0;
  bool unpacked = false;
  std::vector<Topology> topology;
  std::uint64_t nodes = 0;
  std::vector<ScannedArray> arrays;
  std::vector<Segment> segments;
  Bytes skeleton;
};

// Whether the array of a name must come back with every byte of its text. Others may be printed
// with the fewest digits that say their value.
using MustBeExact = std::function<bool(const std::string& name)>;

// "npz", "vtk", "vtu", "netcdf", "su2" by the bytes a file starts with; empty for all others.
std::string_view scanned_format(ByteSpan start);
// Errc::malformed, naming place and reason, for what is no file of its format.
Result<Scan> scan_file(ByteSpan file, const MustBeExact& exact);

}  // namespace etalon
