#include "verify_sources.hpp"

#include "cli.hpp"
#include "codec/boxes.hpp"
#include "codec/container_format.hpp"

namespace etalon::cli {
namespace {

using codec::ChunkLabels;

Result<void> go_on() {
  if (interrupted) return Error{Errc::interrupted, "verify: interrupted"};
  return {};
}

Array cut(const ArrayView& whole, const codec::ChunkBox& box) {
  Array part(whole.dtype, box.extent);
  codec::copy_box(whole.data, whole.shape, box.origin, part.mutable_view().data, box.extent,
                  codec::zeros(box.extent.rank()), box.extent, size_of(whole.dtype));
  return part;
}

bool same_numbers(const SeriesReader& a, const SeriesReader& b) {
  if (!a.has_source_numbers() || a.info().frames != b.info().frames) return false;
  for (std::uint64_t i = 0; i < a.info().frames; ++i)
    if (a.source_number(i) != b.source_number(i)) return false;
  return true;
}

Shape frame_shape(const SeriesReader& series) {
  return {1, series.info().geometry.ny, series.info().geometry.nx};
}

}  // namespace

std::vector<RegionInfo> Demand::infos() const {
  std::vector<RegionInfo> all = {{"default", bound, 0, 0, 0}};
  for (const Region& r : regions.without_members()) all.push_back({r.kind, r.bound, 0, 0, 0});
  return all;
}

Result<ChunkLabels> Demand::labels(std::size_t image, const ArrayView& elements) const {
  ChunkLabels found{{{"default", bound, elements.count(), 0, 0}}, {}};
  ETALON_ASSIGN(const std::vector<Region> here, regions.of_image(image, elements, good));
  std::size_t covered = 0;
  for (const Region& r : here) covered = std::max(covered, regions.members(r).size());
  found.labels.resize(covered);
  for (const Region& r : here) {
    const std::vector<std::uint8_t> inside = regions.members(r);
    for (std::size_t i = 0; i < covered; ++i)
      if (inside[i % inside.size()] != 0)
        found.labels[i] = static_cast<std::uint8_t>(found.regions.size());
    found.regions.push_back({r.kind, r.bound, 0, 0, 0});
  }
  if (found.labels.empty()) return found;
  const std::size_t planes = elements.count() / found.labels.size();
  found.regions[0].elements = 0;
  for (std::uint8_t label : found.labels) found.regions[label].elements += planes;
  return found;
}

Result<void> same_form(const std::string& reduced, DType a, const Shape& a_shape,
                       const std::string& original, DType b, const Shape& b_shape) {
  if ((a == b || a == dithered_dtype(b)) && a_shape == b_shape) return {};
  return Error{Errc::check, reduced + ": is " + std::string(name_of(a)) + " " + to_string(a_shape) +
                                ", " + original + " is " + std::string(name_of(b)) + " " +
                                to_string(b_shape)};
}

Result<Tally> hold_container(const Array& original, ByteSpan container) {
  ETALON_ASSIGN(const auto index, codec::parse_container(container));
  Tally tally({{"default", index.bound, 0, 0, 0}});
  Progress progress("verify", index.chunks.size(), "chunks");
  for (std::size_t i = 0; i < index.chunks.size(); ++i) {
    ETALON_TRY(go_on());
    const ByteSpan chunk = container.subspan(index.chunks[i].offset, index.chunks[i].size);
    const codec::ChunkBox box = codec::chunk_box(index, i);
    const auto hold = [&]() -> Result<void> {
      ETALON_ASSIGN(const Array piece, decode_chunk(chunk));
      ETALON_ASSIGN(const ChunkLabels labels, codec::chunk_labels(chunk));
      if (piece.dtype() != index.dtype || !(piece.shape() == box.extent))
        return Error{Errc::malformed, "its type or shape is not what the container declares"};
      tally.add(cut(original.view(), box).view(), piece.view(), labels, box.origin);
      return {};
    };
    if (auto held = hold(); !held.ok())
      return std::move(held).error().in("chunk " + std::to_string(i));
    progress.update(i + 1);
  }
  return tally;
}

Result<Tally> hold_array(const Array& original, const Array& reduced, const Demand& demand) {
  Tally tally(demand.infos());
  const Shape& shape = original.shape();
  if (!demand.regions.by_image() || demand.regions.over_array()) {
    ETALON_ASSIGN(const ChunkLabels labels, demand.labels(0, original.view()));
    tally.add(original.view(), reduced.view(), labels, codec::zeros(shape.rank()));
    return tally;
  }
  const Shape extent = image_extent(shape);
  const auto image_at = [&](const Array& array, std::size_t i) {
    const std::size_t size = extent.count() * size_of(array.dtype());
    return ArrayView{array.view().data + i * size, array.dtype(), extent};
  };
  for (std::size_t i = 0; i < images_of(shape); ++i) {
    ETALON_TRY(go_on());
    const ArrayView image = image_at(original, i);
    ETALON_ASSIGN(const ChunkLabels labels, demand.labels(i, image));
    tally.add(image, image_at(reduced, i), labels, image_origin(shape, i));
  }
  return tally;
}

Result<Tally> hold_series(SeriesReader& original, SeriesReader& stored, const Demand& demand,
                          bool own, FrameCount& count) {
  const SeriesInfo &a = original.info(), &b = stored.info();
  const std::string name = stored.files().front();
  if (!own && demand.regions.over_array())
    return Error{Errc::usage,
                 "region active over=array: not of frames that are compared one by one"};
  const Shape frame = frame_shape(original);
  ETALON_TRY(
      same_form(name, b.dtype, frame_shape(stored), original.files().front(), a.dtype, frame));
  const bool in_step = same_numbers(original, stored);
  Tally tally(demand.infos());
  std::optional<ChunkLabels> common;
  std::vector<bool> seen(a.frames);
  count = {a.frames, 0};
  Progress progress("verify", b.frames, "frames");
  for (std::uint64_t i = 0; i < b.frames; ++i) {
    ETALON_TRY(go_on());
    const std::uint64_t number = in_step ? i : stored.source_number(i);
    if (number >= a.frames || seen[number])
      return Error{
          Errc::check,
          name + ": frame " + std::to_string(i) + ": has number " + std::to_string(number) +
              (number < a.frames ? " as one before it"
                                 : ", the original has " + std::to_string(a.frames) + " frames")};
    seen[number] = true;
    ETALON_ASSIGN(Frame from, original.read(number));
    ETALON_ASSIGN(Frame to, stored.read(i));
    ArrayView before = from.image.view(), after = to.image.view();
    before.shape = after.shape = frame;
    ETALON_ASSIGN(const Bytes chunk, own ? stored.stored_chunk(i) : Bytes{});
    if (!chunk.empty()) {
      auto found = codec::chunk_labels(chunk);
      if (!found.ok()) return std::move(found).error().in("frame " + std::to_string(i)).in(name);
      tally.add(before, after, *found, {number, 0, 0});
    } else {
      if (!common || demand.regions.by_image()) {
        ETALON_ASSIGN(common, demand.labels(number, before));
      }
      tally.add(before, after, *common, {number, 0, 0});
    }
    progress.update(++count.compared);
  }
  return tally;
}

}  // namespace etalon::cli
