// What verify measures: the errors of reduced elements, region by region.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "codec/chunk_labels.hpp"
#include "etalon/array.hpp"

namespace etalon::cli {

struct Measured {
  std::size_t place = 0;  // among the regions of its piece; 0 is the default
  std::string kind;
  Bound bound;
  std::uint64_t elements = 0, violations = 0;
  double max_error = 0;
};

class Tally {
 public:
  // The first element that is farther off than its region allows.
  struct Offender {
    std::vector<std::size_t> at;  // in the whole array
    std::size_t region = 0;       // in regions()
    double error = 0;
    std::string place() const;  // "[3,6,8]"
  };

  // Regions that must appear in the report, whether or not a piece has them.
  explicit Tally(const std::vector<RegionInfo>& regions = {});

  // Holds a piece against the original's same elements; shapes are equal, so are dtypes unless
  // the piece was dithered; `origin` is
  // where the piece lies in the whole. Of a piece without a map of its regions (it should be
  // exact), an element that differs counts for the region with the tightest bound.
  void add(const ArrayView& original, const ArrayView& piece, const codec::ChunkLabels& labels,
           const Shape& origin);

  bool holds() const { return !offender_.has_value(); }
  const std::optional<Offender>& offender() const { return offender_; }
  const std::vector<Measured>& regions() const { return regions_; }
  std::uint64_t elements() const;
  double max_error() const;
  // Over elements that are finite in the original; PSNR over their range, infinite when nothing is
  // off. The mean error is of reduced - original.
  double psnr_db() const;
  double rms_error() const;
  double mean_error() const;
  double low() const { return low_; }
  double high() const { return high_; }

 private:
  std::size_t region_at(std::size_t place, const RegionInfo& info);
  template <typename T>
  void add_elements(std::span<const T> original, std::span<const T> piece, const Shape& shape,
                    const codec::ChunkLabels& labels, const std::vector<std::size_t>& regions,
                    const Shape& origin);

  std::vector<Measured> regions_;
  std::optional<Offender> offender_;
  std::uint64_t finite_ = 0;
  double squares_ = 0, signed_ = 0, low_ = std::numeric_limits<double>::infinity(), high_ = -low_;
};

}  // namespace etalon::cli
