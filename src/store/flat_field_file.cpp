#include "store/flat_field_file.hpp"

#include "store/series_reader.hpp"

namespace etalon {
namespace {

Result<std::vector<float>> mean_of(const FramesIn& in, std::size_t ny, std::size_t nx) {
  OpenOptions open;
  open.dataset = in.dataset;
  open.any_mask = true;  // the images' own mask counts
  ETALON_ASSIGN(const auto reader, open_series(in.file, open));
  const SeriesInfo& info = reader->info();
  const std::string where = in.file + (in.dataset.empty() ? "" : ": " + in.dataset);
  if (info.geometry.ny != ny || info.geometry.nx != nx)
    return Error{Errc::usage, where + ": frames of " +
                                  to_string(Shape{info.geometry.ny, info.geometry.nx}) +
                                  ", the images are " + to_string(Shape{ny, nx})};
  if (info.frames == 0) return Error{Errc::malformed, where + ": holds no frames"};
  std::vector<double> sum(ny * nx);
  for (std::uint64_t i = 0; i < info.frames; ++i) {
    ETALON_ASSIGN(const Frame frame, reader->read(i));
    visit(frame.image.dtype(), [&](auto zero) {
      const auto values = frame.image.as<decltype(zero)>();
      for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += static_cast<double>(values[k]);
    });
  }
  std::vector<float> mean(sum.size());
  for (std::size_t k = 0; k < sum.size(); ++k)
    mean[k] = static_cast<float>(sum[k] / static_cast<double>(info.frames));
  return mean;
}

}  // namespace

FramesIn frames_in(const std::string& written) {
  const std::size_t colon = written.rfind(":/");
  if (colon == std::string::npos) return {written, ""};
  return {written.substr(0, colon), written.substr(colon + 1)};
}

Result<FlatField> read_flat_field(const FramesIn& dark, const FramesIn& flat, std::size_t ny,
                                  std::size_t nx) {
  ETALON_ASSIGN(const std::vector<float> without, mean_of(dark, ny, nx));
  ETALON_ASSIGN(const std::vector<float> open, mean_of(flat, ny, nx));
  auto made = FlatField::create(without, open);
  if (!made.ok()) return std::move(made).error().in(flat.file);
  return made;
}

}  // namespace etalon
