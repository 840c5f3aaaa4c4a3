#include "store/nxmx_reader.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/text.hpp"
#include "codec/hdf5_filter.hpp"
#include "store/frame_parts.hpp"
#include "store/remarks.hpp"

namespace etalon {
namespace {

class Hdf5Series final : public SeriesReader {
 public:
  // `parts` are all frames, and at least one.
  Hdf5Series(h5::File file, std::vector<FramePart> parts)
      : file_(std::move(file)), parts_(std::move(parts)) {}

  const SeriesInfo& info() const override { return info_; }
  std::vector<std::string> files() const override {
    std::vector<std::string> names{file_.path()};
    for (const FramePart& part : parts_)
      if (part.file && part.file->path() != names.back()) names.push_back(part.file->path());
    return names;
  }

  Result<void> prepare(const std::string& dataset, bool any_mask) {
    const h5::Dataset& images = parts_.front().images;
    const Shape& shape = images.shape();
    if (shape.rank() < 2)
      return Error{Errc::malformed, images.place() + ": " + to_string(shape) +
                                        " is no series of images; two axes or more are"};
    info_.name = std::filesystem::path(file_.path()).stem().string();
    info_.dtype = images.dtype();
    info_.geometry.ny = shape[shape.rank() - 2];
    info_.geometry.nx = shape[shape.rank() - 1];
    const Shape frame{info_.geometry.ny, info_.geometry.nx};
    for (FramePart& part : parts_) {
      const Shape& own = part.images.shape();
      if (own.count() > std::numeric_limits<std::size_t>::max() / 16)
        return Error{Errc::malformed, part.images.place() + ": too many elements"};
      ETALON_TRY(part.images.check_size(frame.count() * size_of(info_.dtype)));
    }
    info_.frames = parts_.back().first + parts_.back().frames;
    ETALON_TRY(read_nxmx_metadata(file_, dataset, any_mask, info_));
    const std::string detector = find_detector(file_, dataset);
    const std::size_t limit = std::size_t{1} << 24;
    const auto row = [&](const char* name) {
      auto values = file_.numbers(detector + name, limit).value_or(std::vector<double>{});
      if (values.size() == info_.frames) return values;
      // While a file grows, its rows come one after the other.
      if (!values.empty() && !file_.is_growing())
        remark(file_.path() + ": " + detector + name + ": " + counted(values.size(), "value") +
               " for " + counted(info_.frames, "frame") + ": left out");
      return std::vector<double>{};
    };
    numbers_ = row("sequence_number");
    has_numbers_ = numbers_.size() == info_.frames && file_.exists(detector + "sequence_number");
    times_s_ = row("start_time");
    return {};
  }

  std::uint64_t source_number(std::uint64_t index) const override {
    if (index >= numbers_.size()) return index;
    const double n = numbers_[index];
    return n >= 0 && n < 0x1p53 ? static_cast<std::uint64_t>(n) : index;
  }

  bool has_source_numbers() const override { return has_numbers_; }

  Result<std::vector<std::byte>> stored_chunk(std::uint64_t index) const override {
    ETALON_ASSIGN(const Slab slab, slab_of(index));
    const h5::Dataset& images = slab.part->images;
    if (!has_frame_chunks(images)) return std::vector<std::byte>{};
    return images.read_chunk(std::span(slab.start).first(images.shape().rank()));
  }

  Result<Frame> read(std::uint64_t index) override {
    ETALON_ASSIGN(const Slab slab, slab_of(index));
    const std::size_t rank = slab.part->images.shape().rank();
    Frame frame{
        index,
        index < times_s_.size() ? times_s_[index] : static_cast<double>(index) * info_.frame_time_s,
        Array(info_.dtype, {info_.geometry.ny, info_.geometry.nx})};
    auto read = read_hyperslab(slab.part->images, std::span(slab.start).first(rank),
                               std::span(slab.count).first(rank), frame.image.mutable_view());
    if (!read.ok()) {
      Error why = std::move(read).error();
      why.message += " (frame " + std::to_string(index) + ")";
      return why;
    }
    return frame;
  }

 private:
  // Where a frame lies.
  struct Slab {
    const FramePart* part;
    std::array<std::size_t, Shape::max_rank> start{}, count{};
  };
  Result<Slab> slab_of(std::uint64_t index) const {
    if (index >= info_.frames)
      return Error{Errc::usage, parts_.front().images.place() + ": no frame " +
                                    std::to_string(index) + "; there are " +
                                    std::to_string(info_.frames)};
    const auto after =
        std::upper_bound(parts_.begin(), parts_.end(), index,
                         [](std::uint64_t i, const FramePart& part) { return i < part.first; });
    Slab slab{&*(after - 1)};
    const Shape& shape = slab.part->images.shape();
    index = index - slab.part->first + slab.part->row;
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
      const bool in_frame = axis + 2 >= shape.rank();
      slab.count[axis] = in_frame ? shape[axis] : 1;
      if (in_frame) continue;
      slab.start[axis] = index % shape[axis];
      index /= shape[axis];
    }
    return slab;
  }

  // Chunks of one frame under the Etalon filter alone are decoded here, without HDF5 and its lock.
  bool has_frame_chunks(const h5::Dataset& images) const {
    const Shape& chunk = images.chunk();
    if (chunk.rank() < 2 || images.filters().size() != 1 ||
        images.filters()[0].id != hdf5_filter_id)
      return false;
    return chunk.count() == info_.geometry.pixels() &&
           chunk[chunk.rank() - 2] == info_.geometry.ny &&
           chunk[chunk.rank() - 1] == info_.geometry.nx;
  }

  Result<void> read_hyperslab(const h5::Dataset& images, std::span<const std::size_t> start,
                              std::span<const std::size_t> count, const MutableArrayView& out) {
    if (!has_frame_chunks(images)) return images.read(start, count, out);
    ETALON_ASSIGN(const std::vector<std::byte> chunk, images.read_chunk(start));
    if (chunk.empty()) return images.read(start, count, out);
    auto decoded = [&]() -> Result<void> {
      ETALON_ASSIGN(const StreamInfo about, inspect_chunk(chunk));
      if (about.dtype != out.dtype || about.shape.count() != out.shape.count())
        return Error{Errc::malformed, "chunk of " + to_string(about.shape) + " " +
                                          std::string(name_of(about.dtype))};
      return decode_chunk_into(chunk, {out.data, out.dtype, about.shape});
    }();
    if (!decoded.ok()) return std::move(decoded).error().in(images.place());
    return {};
  }

  h5::File file_;
  std::vector<FramePart> parts_;
  SeriesInfo info_;
  std::vector<double> numbers_, times_s_;  // a value a frame, or empty
  bool has_numbers_ = false;
};

}  // namespace

Result<std::string> find_images(const h5::File& file, const std::string& wanted, bool any_rank) {
  if (!wanted.empty()) return wanted;
  constexpr const char* groups[] = {"/entry/data", "/entry/instrument/detector"};
  for (const std::string group : groups)
    if (file.exists(group + "/data")) return group + "/data";
  if (const auto parts = numbered_datasets(file, "/entry/data"); !parts.empty())
    return parts.front();
  // A link that leads nowhere has to be named: a mask or the like is not to be taken instead.
  for (const std::string group : groups)
    if (std::ranges::count(file.members(group), "data") > 0) return group + "/data";
  const std::vector<h5::Entry> entries = file.entries();
  // The largest that fits, the first of them in name order.
  const auto largest = [&](auto&& fits) {
    const h5::Entry* best = nullptr;
    for (const h5::Entry& e : entries)
      if (e.numeric && fits(e.shape.rank()) &&
          (best == nullptr || e.shape.count() > best->shape.count()))
        best = &e;
    return best;
  };
  const h5::Entry* found = largest([](std::size_t rank) { return rank >= 3; });
  if (found == nullptr) found = largest([](std::size_t rank) { return rank == 2; });
  if (found == nullptr && any_rank) found = largest([](std::size_t) { return true; });
  if (found != nullptr) return found->path;
  return Error{Errc::missing,
               file.path() + ": no dataset of images; this file has " + h5::list_of(entries)};
}

// `found`: nobody asked for this dataset.
static Result<std::vector<FramePart>> frames_of(const h5::File& file, const std::string& name,
                                                bool found) {
  if (found) {
    const auto numbered = numbered_datasets(file, "/entry/data");
    if (!numbered.empty() && numbered.front() == name) return parts_of(file, numbered);
  }
  ETALON_ASSIGN(h5::Dataset images, file.dataset(name));
  ETALON_ASSIGN(std::vector<FramePart> parts, parts_of(file, images));
  if (!parts.empty()) return parts;
  const Shape& shape = images.shape();
  const std::size_t outer = shape.rank() < 2 ? 0 : shape.rank() - 2;
  FramePart all;
  all.frames = Shape(shape.extents().first(outer)).count();
  all.images = std::move(images);
  parts.push_back(std::move(all));
  return parts;
}

Result<std::unique_ptr<SeriesReader>> open_hdf5_series(const std::string& path,
                                                       const OpenOptions& options) {
  ETALON_ASSIGN(h5::File file, h5::File::open(path));
  ETALON_ASSIGN(const std::string name, find_images(file, options.dataset, false));
  ETALON_ASSIGN(std::vector<FramePart> parts, frames_of(file, name, options.dataset.empty()));
  auto series = std::make_unique<Hdf5Series>(std::move(file), std::move(parts));
  ETALON_TRY(series->prepare(name, options.any_mask));
  return std::unique_ptr<SeriesReader>(std::move(series));
}

}  // namespace etalon
