#include "store/container_series.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/posix.hpp"
#include "codec/container_format.hpp"

namespace etalon {
namespace {

// A file's bytes as memory that the kernel pages in and out.
class Mapping {
 public:
  static Result<Mapping> open(const std::string& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status {};
    if (!fd.valid() || ::fstat(fd.get(), &status) != 0) return system_error(path, "open");
    const auto size = static_cast<std::size_t>(status.st_size);
    void* const at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (at == MAP_FAILED) return system_error(path, "map");
    return Mapping(static_cast<const std::byte*>(at), size);
  }
  Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Mapping& operator=(Mapping&&) = delete;
  ~Mapping() {
    if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }
  ByteSpan bytes() const { return bytes_; }

 private:
  Mapping(const std::byte* at, std::size_t size) : bytes_(at, size) {}
  ByteSpan bytes_;
};

class ContainerSeries final : public SeriesReader {
 public:
  ContainerSeries(std::string path, Mapping file, codec::ContainerIndex index)
      : path_(std::move(path)), file_(std::move(file)), index_(std::move(index)) {
    const Shape& shape = index_.shape;
    const std::size_t rank = shape.rank();
    info_.name = std::filesystem::path(path_).stem().string();
    info_.dtype = index_.dtype;
    info_.geometry.ny = shape[rank - 2];
    info_.geometry.nx = shape[rank - 1];
    info_.frames = Shape(shape.extents().first(rank - 2)).count();
  }
  const SeriesInfo& info() const override { return info_; }
  std::vector<std::string> files() const override { return {path_}; }

  Result<Frame> read(std::uint64_t index) override {
    if (index >= info_.frames)
      return Error{Errc::usage, path_ + ": no frame " + std::to_string(index) + "; there are " +
                                    std::to_string(info_.frames)};
    auto image = has_whole_frames() ? from_chunk(index) : from_box(index);
    if (!image.ok()) return std::move(image).error().in("frame " + std::to_string(index)).in(path_);
    return Frame{index, 0, std::move(*image)};
  }
  Result<std::vector<std::byte>> stored_chunk(std::uint64_t index) const override {
    if (!has_whole_frames() || index_.chunk_shape[0] != 1 || index >= info_.frames)
      return std::vector<std::byte>{};
    const ByteSpan chunk = chunk_at(index);
    return std::vector<std::byte>(chunk.begin(), chunk.end());
  }

 private:
  // Whether chunks are some frames each, in order.
  bool has_whole_frames() const {
    return index_.shape.rank() == 3 && index_.chunk_shape[1] == index_.shape[1] &&
           index_.chunk_shape[2] == index_.shape[2];
  }
  ByteSpan chunk_at(std::size_t i) const {
    return file_.bytes().subspan(index_.chunks[i].offset, index_.chunks[i].size);
  }

  Result<Array> from_chunk(std::uint64_t frame) {
    const std::size_t i = frame / index_.chunk_shape[0];
    if (!chunk_ || chunk_number_ != i) {
      chunk_.reset();
      ETALON_ASSIGN(Array decoded, decode_chunk(chunk_at(i)));
      if (decoded.dtype() != index_.dtype ||
          !(decoded.shape() == codec::chunk_box(index_, i).extent))
        return Error{Errc::malformed, "its type or shape is not what the container declares"};
      chunk_ = std::move(decoded);
      chunk_number_ = i;
    }
    Array image(info_.dtype, {info_.geometry.ny, info_.geometry.nx});
    const ByteSpan from = chunk_->view()[frame % index_.chunk_shape[0]].bytes();
    std::copy(from.begin(), from.end(), image.mutable_view().data);
    return image;
  }

  Result<Array> from_box(std::uint64_t frame) const {
    const Shape& shape = index_.shape;
    Box box;
    box.axes.resize(shape.rank());
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
      const bool in_frame = axis + 2 >= shape.rank();
      const std::size_t at = in_frame ? 0 : frame % shape[axis];
      box.axes[axis] = {at, in_frame ? shape[axis] : at + 1};
      if (!in_frame) frame /= shape[axis];
    }
    ETALON_ASSIGN(const Array part, decompress_box(file_.bytes(), box));
    Array image(info_.dtype, {info_.geometry.ny, info_.geometry.nx});
    const ByteSpan from = part.view().bytes();
    std::copy(from.begin(), from.end(), image.mutable_view().data);
    return image;
  }

  std::string path_;
  Mapping file_;
  codec::ContainerIndex index_;
  SeriesInfo info_;
  std::optional<Array> chunk_;  // the last one decoded
  std::size_t chunk_number_ = 0;
};

}  // namespace

bool is_container_file(const std::string& path) {
  std::array<char, codec::container_magic.size()> start{};
  return std::ifstream(path, std::ios::binary).read(start.data(), start.size()) &&
         start == codec::container_magic;
}

Result<std::unique_ptr<SeriesReader>> open_container_series(const std::string& path) {
  ETALON_ASSIGN(Mapping file, Mapping::open(path));
  auto index = codec::parse_container(file.bytes());
  if (!index.ok()) return std::move(index).error().in(path);
  const Shape& shape = index->shape;
  if (shape.rank() < 2)
    return Error{Errc::malformed,
                 path + ": " + to_string(shape) + " is no series of images; two axes or more are"};
  // A declared image takes memory before any chunk is decoded.
  const std::size_t pixels = Shape{shape[shape.rank() - 2], shape[shape.rank() - 1]}.count();
  if (pixels > codec::max_chunk_raw_bytes)
    return Error{Errc::malformed, path + ": images of " + std::to_string(pixels) + " pixels"};
  return std::unique_ptr<SeriesReader>(
      std::make_unique<ContainerSeries>(path, std::move(file), std::move(*index)));
}

}  // namespace etalon
