// What compress does with what it read: image by image where that makes the same bytes, as a whole
// where it must see all.
#pragma once

#include <optional>

#include "codec/target.hpp"
#include "etalon/codec.hpp"
#include "reduce_input.hpp"
#include "store/file.hpp"
#include "store/image_source.hpp"

namespace etalon::cli {

struct CompressJob {
  CompressOptions options;       // mask, threads, dither, chunk; no regions
  std::optional<Target> target;  // instead of options.bound
  std::vector<std::string> regions;
  std::string name;  // of the input, for messages
};

struct Compressed {
  Shape shape;
  Bound bound;  // with what a target or the range made of it
  std::uint64_t bytes = 0, chunks = 0;
  std::optional<codec::MetTarget> target;
};

// Writes the container. Arrays of three axes and more are read once and held image by image, twice
// where a rel bound wants their range; with a target, all of them is held. Errc::usage where the
// range of what can be read once only is wanted.
Result<Compressed> compress_images(ImageSource& source, const CompressJob& job, OutputFile& file);

}  // namespace etalon::cli
