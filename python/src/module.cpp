// etalon._core: what the package's Python calls.
#include <algorithm>
#include <cstring>
#include <thread>

#include "arrays.hpp"
#include "codec/container_pieces.hpp"
#include "codec/hdf5_filter.hpp"
#include "etalon/series.hpp"
#include "etalon/version.hpp"
#include "options.hpp"
#include "series.hpp"

namespace etalon::python {
namespace {

// Without Python's lock, since f may take long.
template <typename F>
auto released(F&& f) {
  const py::gil_scoped_release release;
  return f();
}

// Image by image, each with regions of its own.
Result<Bytes> compress_array(const ArrayView& array, Settings settings) {
  CompressOptions& options = settings.options;
  if (needs_range(options) || settings.regions.need_range()) {
    ValueRange range;
    range.add(array);
    options = with_ranges(std::move(options), range);
    settings.regions.give_range(range);
  }
  ETALON_ASSIGN(options.regions, settings.regions.on(array, options.mask));
  if (settings.target) {
    ETALON_ASSIGN(options.bound, find_bound(array, options, *settings.target));
  }
  return compress(array, options);
}

py::bytes py_compress(const py::object& array, const std::string& bound, const py::object& regions,
                      const py::object& mask, bool dither, std::uint64_t seed,
                      const py::object& chunk, int level, unsigned threads) {
  const Elements elements(array);
  Settings settings = Settings::from(bound, regions, mask, dither, seed, level, threads);
  if (!chunk.is_none()) settings.options.chunk = to_shape(chunk);
  return to_bytes(
      value_of(released([&] { return compress_array(elements.view(), std::move(settings)); })));
}

py::bytes py_encode_chunk(const py::object& array, const std::string& bound,
                          const py::object& regions, const py::object& mask, bool dither,
                          std::uint64_t seed, int level) {
  const Elements elements(array);
  Settings settings = Settings::from(bound, regions, mask, dither, seed, level, 1);
  if (settings.target)
    raise({Errc::usage, "bound " + bound + ": a target is for whole arrays: etalon.compress"});
  return to_bytes(value_of(released([&]() -> Result<Bytes> {
    CompressOptions& options = settings.options;
    ETALON_ASSIGN(options.regions, settings.regions.on(elements.view(), options.mask));
    return encode_chunk(elements.view(), options);
  })));
}

py::array py_decode_chunk(const py::object& data, const py::object& out) {
  const HeldBytes bytes(data);
  const StreamInfo info = value_of(released([&] { return inspect_chunk(bytes.span()); }));
  const Room room(info.dtype, info.shape, out);
  check(released([&] { return decode_chunk_into(bytes.span(), room.view()); }));
  return room.array();
}

Box to_box(const py::object& slices, const Shape& shape) {
  Box box;
  const auto items = py::isinstance<py::tuple>(slices) ? py::tuple(slices) : py::make_tuple(slices);
  if (items.size() > shape.rank())
    raise({Errc::usage, "box: has " + std::to_string(items.size()) + " axes, the array has " +
                            std::to_string(shape.rank())});
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (axis >= items.size()) {
      box.axes.push_back({0, shape[axis]});
      continue;
    }
    const py::slice slice = items[axis];
    std::size_t start = 0, stop = 0, step = 0, length = 0;
    if (!slice.compute(shape[axis], &start, &stop, &step, &length)) throw py::error_already_set();
    if (step != 1) raise({Errc::usage, "box: slices have no step"});
    box.axes.push_back({start, start + length});
  }
  return box;
}

py::array py_decompress(const py::object& data, const py::object& box, unsigned threads,
                        const py::object& out) {
  const HeldBytes bytes(data);
  const auto index = value_of(released([&] { return codec::parse_container(bytes.span()); }));
  if (!box.is_none()) {
    if (!out.is_none()) raise({Errc::usage, "out goes with whole arrays, not with a box"});
    const Box wanted = to_box(box, index.shape);
    return to_numpy(value_of(released([&] { return decompress_box(bytes.span(), wanted); })));
  }
  // Nothing is allocated that the chunks could not hold.
  static_cast<void>(
      value_of(released([&] { return codec::ContainerPieces::create(index, nullptr); })));
  const Room room(index.dtype, index.shape, out);
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  check(released([&] { return decompress_into(bytes.span(), room.view(), threads); }));
  return room.array();
}

py::dict py_info(const py::object& data) {
  const HeldBytes bytes(data);
  const StreamInfo info = value_of(released([&] {
    const ByteSpan all = bytes.span();
    const bool chunk = all.size() >= 3 && std::memcmp(all.data(), "Etc", 3) == 0;
    return chunk ? inspect_chunk(all) : inspect(all);
  }));
  std::uint64_t elements = 0;
  for (const RegionInfo& r : info.regions) elements += r.elements;
  const auto share = [](std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  };
  py::list regions;
  for (const RegionInfo& r : info.regions) {
    py::dict region;
    region["kind"] = r.kind;
    region["bound"] = to_string(r.bound);
    region["elements"] = r.elements;
    region["share"] = share(r.elements, elements);
    region["bytes"] = r.bytes;
    region["max_error"] = r.max_error;
    regions.append(region);
  }
  py::dict out;
  out["format"] = info.format;
  out["dtype"] = to_numpy(info.dtype);
  out["source"] = to_numpy(info.source);
  out["shape"] = to_tuple(info.shape);
  out["chunk_shape"] = to_tuple(info.chunk_shape);
  out["bound"] = to_string(info.bound);
  out["raw_bytes"] = info.raw_bytes;
  out["bytes"] = info.bytes;
  out["ratio"] = share(info.raw_bytes, info.bytes);
  out["chunks"] = info.chunks;
  out["regions"] = regions;
  return out;
}

py::tuple py_cd_values(const std::string& bound, const py::object& dtype, const py::object& chunk,
                       int level, bool dither) {
  if (names_target(bound))
    raise({Errc::usage, "bound " + bound +
                            ": a target needs the whole array, which a filter never sees; "
                            "etalon.compress finds the bound that meets it"});
  FilterSettings settings{to_dtype(dtype), to_shape(chunk), value_of(parse_bound(bound)), level,
                          dither};
  CompressOptions options;
  options.bound = settings.bound;
  if (needs_range(options))
    raise({Errc::usage, "bound " + bound + ": a filter never sees the whole range: give it as " +
                            bound + ",range=A..B"});
  const std::vector<unsigned> values = to_cd_values(settings);
  static_cast<void>(value_of(parse_cd_values(values)));
  py::tuple out(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = values[i];
  return out;
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  using py::arg;
  add_error(module);
  module.attr("version") = std::string(version);
  module.attr("filter_id") = hdf5_filter_id;
  module.def("compress", &py_compress, arg("array"), arg("bound"), arg("regions"), arg("mask"),
             arg("dither"), arg("seed"), arg("chunk"), arg("level"), arg("threads"));
  module.def("decompress", &py_decompress, arg("data"), arg("box"), arg("threads"), arg("out"));
  module.def("encode_chunk", &py_encode_chunk, arg("array"), arg("bound"), arg("regions"),
             arg("mask"), arg("dither"), arg("seed"), arg("level"));
  module.def("decode_chunk", &py_decode_chunk, arg("data"), arg("out"));
  module.def("info", &py_info, arg("data"));
  module.def("dithered_dtype",
             [](const py::object& dtype) { return to_numpy(dithered_dtype(to_dtype(dtype))); });
  module.def("cd_values", &py_cd_values, arg("bound"), arg("dtype"), arg("chunk"), arg("level"),
             arg("dither"));
  add_series(module);
}

}  // namespace etalon::python
