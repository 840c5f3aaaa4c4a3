#include "input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "boxes.hpp"
#include "codec/hdf5_filter.hpp"
#include "store/array_file.hpp"
#include "store/npy.hpp"

namespace etalon::mpi {
namespace {

Result<void> read_at(const Fd& fd, const std::string& path, std::size_t offset,
                     std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t n = ::pread(fd.get(), out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path, "read");
    if (n == 0)
      return Error{Errc::malformed, path + ": byte " + std::to_string(offset) + ": ends early"};
    out = out.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::size_t>(n);
  }
  return {};
}

// The one array of a file, or NeXus's place of the images.
Result<std::string> only_dataset(const h5::File& file) {
  constexpr const char* nexus = "/entry/data/data";
  if (file.exists(nexus)) return std::string(nexus);
  const auto entries = file.entries();
  std::string found;
  for (const h5::Entry& entry : entries) {
    if (!entry.numeric || entry.shape.rank() == 0) continue;
    if (!found.empty())
      return Error{Errc::usage, file.path() + ": holds several arrays; name one with --dataset: " +
                                    h5::list_of(entries)};
    found = entry.path;
  }
  if (found.empty())
    return Error{Errc::malformed,
                 file.path() + ": holds no array; its datasets: " + h5::list_of(entries)};
  return found;
}

}  // namespace

Result<Input> Input::open(const InputOptions& options) {
  Input input;
  const FileKind kind = file_kind(options.path);
  const auto refuse = [&](const std::string& reason) {
    return Error{Errc::usage, options.path + ": " + reason};
  };
  if (kind == FileKind::cbf || kind == FileKind::tiff)
    return refuse("CBF and TIFF are read by etalon compress, not in parallel");
  if (kind != FileKind::hdf5 && !options.dataset.empty())
    return refuse("is no HDF5 file: --dataset " + options.dataset + " has no meaning");
  if (kind != FileKind::raw && !(options.dtype.empty() && options.shape.empty()))
    return refuse("says its type and shape itself: --dtype and --shape are for raw bytes");
  if (kind == FileKind::hdf5)
    ETALON_TRY(input.open_hdf5(options));
  else
    ETALON_TRY(input.open_bytes(options));
  if (input.shape_.rank() == 0 || input.shape_.count() == 0)
    return Error{Errc::malformed, input.place_ + ": " + to_string(input.shape_) +
                                      ": there are no elements to share"};
  return input;
}

Result<void> Input::open_hdf5(const InputOptions& options) {
  ETALON_ASSIGN(file_, h5::File::open(options.path));
  std::string name = options.dataset;
  if (name.empty()) {
    ETALON_ASSIGN(name, only_dataset(*file_));
  }
  ETALON_ASSIGN(dataset_, file_->dataset(name));
  place_ = dataset_->place();
  dtype_ = dataset_->dtype();
  shape_ = dataset_->shape();
  for (const h5::Filter& filter : dataset_->filters())
    if (filter.id == hdf5_filter_id)
      if (const auto settings = parse_cd_values(filter.cd_values); settings.ok())
        bound_ = settings->bound;
  return {};
}

Result<void> Input::open_bytes(const InputOptions& options) {
  place_ = options.path;
  bytes_ = Fd(::open(options.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!bytes_.valid()) return system_error(options.path, "open");
  struct stat status {};
  if (::fstat(bytes_.get(), &status) != 0) return system_error(options.path, "open");
  if (!S_ISREG(status.st_mode))
    return Error{Errc::usage, place_ + ": ranks read files, not pipes, devices or folders"};
  const auto size = static_cast<std::size_t>(status.st_size);
  if (file_kind(options.path) == FileKind::npy) {
    constexpr std::size_t most_header = std::size_t{1} << 20;
    Bytes start(std::min(size, std::size_t{12}));
    ETALON_TRY(read_at(bytes_, place_, 0, start));
    start.resize(std::min({size, npy_header_size(start), most_header}));
    ETALON_TRY(read_at(bytes_, place_, 0, start));
    auto header = parse_npy_header(start);
    if (!header.ok()) return std::move(header).error().in(place_);
    dtype_ = header->dtype;
    shape_ = header->shape;
    skip_ = header->size;
    swap_ = header->swap;
  } else {
    if (options.shape.empty())
      return Error{Errc::usage, place_ + ": raw bytes need --shape (and --dtype, u16 without)"};
    ETALON_ASSIGN(dtype_, parse_dtype(options.dtype.empty() ? "u16" : options.dtype));
    ETALON_ASSIGN(shape_, parse_shape(options.shape));
  }
  std::size_t wanted = 0;
  if (__builtin_mul_overflow(shape_.count(), size_of(dtype_), &wanted) || wanted != size - skip_)
    return Error{Errc::malformed, place_ + ": " + to_string(shape_) + " " +
                                      std::string(name_of(dtype_)) + " are not the " +
                                      std::to_string(size - skip_) + " bytes there are"};
  return {};
}

Shape Input::chunk() const {
  if (dataset_ && dataset_->chunk().rank() == shape_.rank()) return dataset_->chunk();
  return parallel_chunk(dtype_, shape_);
}

Result<Array> Input::read(const Piece& piece) const {
  Array box(dtype_, piece.extent);
  if (box.count() == 0) return box;
  const MutableArrayView out = box.mutable_view();
  if (dataset_) {
    ETALON_TRY(dataset_->read(piece.origin.extents(), piece.extent.extents(), out));
    return box;
  }
  const std::size_t size = size_of(dtype_);
  ETALON_TRY(for_each_run(shape_, piece.origin, piece.extent, [&](const Run& run) {
    return read_at(bytes_, place_, skip_ + run.in_array * size,
                   out.bytes().subspan(run.in_box * size, run.count * size));
  }));
  if (swap_) swap_npy_elements(out);
  return box;
}

}  // namespace etalon::mpi
