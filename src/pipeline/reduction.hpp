// A kept frame to a chunk: the regions of the recipe over its background bound.
#pragma once

#include <optional>

#include "etalon/codec.hpp"
#include "frame/series.hpp"
#include "pipeline/recipe.hpp"

namespace etalon {

// Thread-safe once made.
class Reduction {
 public:
  // What a thread keeps from frame to frame: the mask is as large as half a frame.
  using Scratch = CompressOptions;

  static Result<Reduction> create(const Recipe& recipe, const Geometry& geometry, Mask mask);

  // The chunk of shape (1, ny, nx).
  Result<Bytes> encode(const Frame& frame, const std::vector<Peak>& peaks, Scratch& scratch) const;

  // The same without loss, whatever the recipe's bounds are.
  Result<Bytes> encode_whole(const Frame& frame, Scratch& scratch) const;

  // The files that regions were read from.
  const std::vector<Artifact>& files() const { return files_; }

  // Decodes `chunk` and compares every pixel with `frame` against its bound; the decoded frame's
  // sum. Errc::check names the first pixel that is too far off.
  Result<FrameSum> check(const Frame& frame, const std::vector<Peak>& peaks, ByteSpan chunk) const;

 private:
  Reduction() = default;
  Result<void> set_options(const Frame& frame, const std::vector<Peak>& peaks,
                           CompressOptions& options) const;

  Geometry geometry_;
  Mask mask_;
  Bound bound_;
  struct Part {  // peaks, active: where is empty, and made anew for each frame
    bool peaks = false;
    std::size_t half = 0;
    std::optional<RegionSpec> active;
    Region region;
  };
  std::vector<Part> parts_;
  std::vector<Artifact> files_;
};

}  // namespace etalon
