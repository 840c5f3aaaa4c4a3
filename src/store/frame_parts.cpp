#include "store/frame_parts.hpp"

#include <algorithm>
#include <filesystem>

namespace etalon {
namespace {

namespace fs = std::filesystem;

Result<void> check_alike(const h5::Dataset& one, const Shape& frame, DType dtype) {
  const Shape& shape = one.shape();
  if (shape.rank() == 3 && one.dtype() == dtype && shape[1] == frame[0] && shape[2] == frame[1])
    return {};
  return Error{Errc::malformed, one.place() + ": " + to_string(shape) + " " +
                                    std::string(name_of(one.dtype())) + " in a series of " +
                                    to_string(frame) + " " + std::string(name_of(dtype))};
}

// HDF5 looks beside the master, whatever the current folder is.
std::string beside(const std::string& master, const std::string& name) {
  if (name == ".") return master;
  const fs::path path(name);
  return path.is_absolute() ? name : (fs::path(master).parent_path() / path).string();
}

constexpr int deepest = 4;

Result<std::vector<FramePart>> parts_of(const h5::File& file, const h5::Dataset& images, int depth);

}  // namespace

std::vector<std::string> numbered_datasets(const h5::File& file, const std::string& group) {
  constexpr std::string_view prefix = "data_";
  std::vector<std::string> names;
  for (const std::string& name : file.members(group))
    if (name.size() == prefix.size() + 6 && name.starts_with(prefix) &&
        std::all_of(name.begin() + prefix.size(), name.end(),
                    [](char c) { return c >= '0' && c <= '9'; }))
      names.push_back(group + "/" + name);
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::vector<FramePart>> parts_of(const h5::File& file,
                                        const std::vector<std::string>& names) {
  std::vector<FramePart> parts;
  std::uint64_t first = 0;
  for (const std::string& name : names) {
    FramePart part;
    ETALON_ASSIGN(part.images, file.dataset(name));
    const h5::Dataset& like = parts.empty() ? part.images : parts.front().images;
    const Shape& shape = like.shape();
    if (shape.rank() != 3)
      return Error{Errc::malformed,
                   like.place() + ": " + to_string(shape) + " is no series of images"};
    ETALON_TRY(check_alike(part.images, {shape[1], shape[2]}, like.dtype()));
    part.first = first;
    part.frames = part.images.shape()[0];
    first += part.frames;
    parts.push_back(std::move(part));
  }
  return parts;
}

Result<std::vector<FramePart>> parts_of(const h5::File& file, const h5::Dataset& images) {
  return parts_of(file, images, 1);
}

Result<h5::Dataset> one_dataset(const h5::File& file, const std::string& name, bool was_named) {
  if (!was_named)
    if (const auto all = numbered_datasets(file, "/entry/data");
        all.size() > 1 && all.front() == name)
      return Error{Errc::usage, file.path() + ": its images are in " + std::to_string(all.size()) +
                                    " datasets, " + all.front() + " to " + all.back() +
                                    ": put them into one with `etalon export`, or name one"};
  ETALON_ASSIGN(h5::Dataset images, file.dataset(name));
  ETALON_TRY(parts_of(file, images));
  return images;
}

namespace {

Result<std::vector<FramePart>> parts_of(const h5::File& file, const h5::Dataset& images,
                                        int depth) {
  std::vector<FramePart> parts;
  ETALON_ASSIGN(const auto pieces, images.virtual_pieces());
  const Shape& whole = images.shape();
  std::uint64_t first = 0;
  bool is_simple = whole.rank() == 3;
  for (const h5::VirtualPiece& piece : pieces) {
    FramePart part{first, piece.rows, piece.source_first, {}, {}};
    auto opened = h5::File::open(beside(file.path(), piece.file));
    if (!opened.ok()) return std::move(opened).error().in(images.place() + " (virtual)");
    ETALON_ASSIGN(part.images, opened->dataset(piece.dataset));
    if (part.images.is_virtual()) {
      if (depth == deepest)
        return Error{Errc::malformed,
                     images.place() + ": virtual more than " + std::to_string(deepest) + " deep"};
      ETALON_TRY(parts_of(*opened, part.images, depth + 1));
      is_simple = false;
    }
    is_simple = is_simple && piece.rows > 0 && piece.first == first;
    if (!is_simple) continue;  // HDF5 will put it together, of what is known to be there
    part.file = std::move(opened).value();
    ETALON_TRY(check_alike(part.images, {whole[1], whole[2]}, images.dtype()));
    if (part.row + part.frames > part.images.shape()[0])
      return Error{Errc::malformed, part.images.place() + ": has " +
                                        std::to_string(part.images.shape()[0]) + " frames; " +
                                        images.place() + " needs " +
                                        std::to_string(part.row + part.frames)};
    first += part.frames;
    parts.push_back(std::move(part));
  }
  if (!is_simple || first != whole[0]) parts.clear();
  return parts;
}

}  // namespace

}  // namespace etalon
