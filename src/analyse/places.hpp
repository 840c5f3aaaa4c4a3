// Places on the frames of a series that somebody else names: predicted reflections, peaks of
// another program.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "etalon/result.hpp"

namespace etalon {

struct Place {
  double x = 0, y = 0;  // pixels, pixel centres at integers
  bool operator==(const Place&) const = default;
};

class PlaceTable {
 public:
  // CSV whose first line names the columns: x and y, and frame where frames differ; others are not
  // looked at. Blank lines and a "#" before the header are let pass. Errc::malformed names the
  // line.
  static Result<PlaceTable> parse(std::string_view csv);
  // The same in a file; or HDF5 with the reflections of a simulated series' truth
  // (docs/simulator.md). Errors name the file.
  static Result<PlaceTable> read(const std::string& path);

  bool by_frame() const { return by_frame_; }  // else every frame has the same places
  std::uint64_t places() const;
  const std::map<std::uint64_t, std::vector<Place>>& frames() const { return frames_; }
  std::span<const Place> of_frame(std::uint64_t frame) const;

 private:
  bool by_frame_ = false;
  std::map<std::uint64_t, std::vector<Place>> frames_;  // not by frame: 0 has all
};

}  // namespace etalon
