// What an NXmx file may say: the bytes choose which objects are there, of which type and value, and
// the reader must take all of it. HDF5's own parser of damaged files is not ours to fuzz: the file
// is written by HDF5 and well formed, its contents are hostile.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "analyse/hits.hpp"
#include "store/hdf5_write.hpp"
#include "store/series_reader.hpp"
#include "store/series_summary.hpp"

namespace {

using namespace etalon;

struct Input {
  const std::uint8_t* data;
  std::size_t size;
  std::uint8_t byte() {
    if (size == 0) return 0;
    --size;
    return *data++;
  }
  double number() {
    double value = 0;
    const std::size_t n = std::min(size, sizeof value);
    std::memcpy(&value, data, n);
    data += n, size -= n;
    return value;
  }
  std::string text() {
    const std::size_t n = std::min<std::size_t>(size, byte() % 24U);
    std::string text(reinterpret_cast<const char*>(data), std::min(n, size));
    data += text.size(), size -= text.size();
    return text;
  }
};

void put(hid_t file, const std::string& name, Input& in) {
  const std::uint8_t kind = in.byte();
  if (kind % 8 == 0) return;
  if (kind % 8 == 1) {
    static_cast<void>(h5::make_group(file, name, in.text()).ok());
  } else if (kind % 8 == 2) {
    static_cast<void>(h5::write_text(file, name, in.text()).ok());
  } else if (kind % 8 == 3) {
    static_cast<void>(h5::link(file, "/" + in.text(), name).ok());
  } else if (kind % 8 < 6) {
    static_cast<void>(h5::write_number(file, name, in.number(), in.text()).ok());
  } else {
    const std::size_t extents[3] = {in.byte() % 5U, in.byte() % 5U, in.byte() % 5U};
    const auto dtype = static_cast<DType>(1 + in.byte() % 10);
    Array array(dtype, Shape(std::span(extents, in.byte() % 4U)));
    for (std::byte& b : array.mutable_view().bytes()) b = static_cast<std::byte>(in.byte());
    static_cast<void>(h5::write_array(file, name, array.view(), in.text()).ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path = (std::filesystem::temp_directory_path() /
                                   ("etalon_hdf5_fuzz_" + std::to_string(::getpid()) + ".h5"))
                                      .string();
  Input in{data, size};
  auto file = h5::create_file(path);
  if (!file.ok()) std::abort();
  for (const char* name : {"/entry/data/data",
                           "/entry/instrument/detector/distance",
                           "/entry/instrument/detector/x_pixel_size",
                           "/entry/instrument/detector/beam_center_x",
                           "/entry/instrument/detector/pixel_mask",
                           "/entry/instrument/detector/saturation_value",
                           "/entry/instrument/detector/sequence_number",
                           "/entry/instrument/detector/start_time",
                           "/entry/instrument/detector/count_time",
                           "/entry/instrument/detector/module/data_origin",
                           "/entry/instrument/detector/module/data_size",
                           "/entry/instrument/detector/description",
                           "/entry/instrument/beam/incident_wavelength",
                           "/entry/start_time",
                           "/other",
                           "/entry_1/result_1/nPeaks",
                           "/entry_1/result_1/peakXPosRaw",
                           "/entry_1/result_1/peakYPosRaw",
                           "/entry_1/result_1/peakTotalIntensity",
                           "/entry/audit/hit"})
    put(*file, name, in);
  if (!h5::close_file(std::move(*file), path).ok()) std::abort();
  auto series = open_series(path);
  if (series.ok()) {
    const SeriesInfo& info = (*series)->info();
    for (const Panel& p : info.geometry.panels)
      if (p.y1 > info.geometry.ny || p.x1 > info.geometry.nx || p.y0 >= p.y1 || p.x0 >= p.x1)
        std::abort();
    if (!info.pixel_mask.empty() && info.pixel_mask.size() != info.geometry.pixels()) std::abort();
    for (std::uint64_t i = 0; i < info.frames; ++i) static_cast<void>((*series)->read(i).ok());
  }
  static_cast<void>(read_array(path).ok());
  if (const auto summary = summarize_series(path); summary.ok() && summary->peaks)
    if (summary->peaks->least > summary->peaks->most || summary->peaks->all < summary->peaks->most)
      std::abort();
  static_cast<void>(read_peaks(path).ok());
  ::unlink(path.c_str());
  return 0;
}
