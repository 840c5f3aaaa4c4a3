// What the interop scripts need of the store, without the command line.
//   interop_store store IN OUT.h5 BOUND    a series as NXmx with Etalon chunks, a peak a frame
//   interop_store array IN DATASET OUT.npy any array file as .npy; DATASET may be "-"
#include <cstdio>
#include <string>

#include "store/nxmx_writer.hpp"
#include "store/series_reader.hpp"

namespace etalon {
namespace {

// A geometry where the source has none, so that programs that insist on one can read the file.
SeriesInfo completed(SeriesInfo info) {
  Geometry& g = info.geometry;
  if (g.distance_m == 0) {
    g.distance_m = 0.1;
    g.pixel_size_x_m = g.pixel_size_y_m = 75e-6;
    g.centre_x = static_cast<double>(g.nx) / 2;
    g.centre_y = static_cast<double>(g.ny) / 2;
    g.wavelength_angstrom = 1;
    info.start_time = "2026-01-01T00:00:00Z";
    info.count_time_s = info.frame_time_s = 0.1;
    info.saturation_value = 65000;
    info.sensor_material = "Si";
    info.sensor_thickness_m = 450e-6;
  }
  return info;
}

Result<void> store(const std::string& in, const std::string& out, const std::string& bound_text) {
  ETALON_ASSIGN(const Bound bound, parse_bound(bound_text));
  ETALON_ASSIGN(const auto series, open_series(in));
  const SeriesInfo info = completed(series->info());
  CompressOptions options;
  options.bound = bound;
  ETALON_ASSIGN(NxmxWriter writer, NxmxWriter::create(out, info, bound, true));
  for (std::uint64_t i = 0; i < info.frames; ++i) {
    ETALON_ASSIGN(const Frame frame, series->read(i));
    const ArrayView image = frame.image.view();
    const Shape one{1, info.geometry.ny, info.geometry.nx};
    ETALON_ASSIGN(const auto chunk, encode_chunk({image.data, image.dtype, one}, options));
    Peak peak;
    peak.x = static_cast<float>(i) + 0.25F;
    peak.y = static_cast<float>(i) + 0.5F;
    peak.intensity = 100;
    ETALON_TRY(writer.append(2 * i, frame.time_s, chunk, std::vector<Peak>(i % 3, peak)));
  }
  return writer.finish();
}

Result<void> array(const std::string& in, const std::string& dataset, const std::string& out) {
  OpenOptions options;
  if (dataset != "-") options.dataset = dataset;
  ETALON_ASSIGN(const Array values, read_array(in, options));
  return write_array(out, values.view(), true);
}

}  // namespace
}  // namespace etalon

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const std::string verb = argv[1];
  const auto done = verb == "store" ? etalon::store(argv[2], argv[3], argv[4])
                                    : etalon::array(argv[2], argv[3], argv[4]);
  if (done.ok()) return 0;
  std::fprintf(stderr, "%s\n", done.error().message.c_str());
  return etalon::exit_code(done.error().code);
}
