#include "store/nxmx_writer.hpp"

#include <algorithm>
#include <optional>

#include "store/audit_columns.hpp"
#include "store/cxi_view.hpp"
#include "store/file.hpp"
#include "store/growing.hpp"
#include "store/nxmx_layout.hpp"

namespace etalon {
namespace {

constexpr std::size_t rows_at_once = 16;
constexpr std::size_t time_size = 40;  // of ISO 8601 in bytes, at most
const std::string results = "/entry/result_1", image_path = "/entry/data/data";
constexpr std::string_view filter_names[] = {"etalon", "deflate", "bslz4"};

}  // namespace

std::string_view name_of(FrameFilter filter) { return filter_names[static_cast<int>(filter)]; }

Result<FrameFilter> parse_frame_filter(std::string_view name) {
  for (const auto f : {FrameFilter::etalon, FrameFilter::deflate, FrameFilter::bitshuffle_lz4})
    if (name_of(f) == name) return f;
  return Error{Errc::usage,
               "filter '" + std::string(name) + "': there are etalon, deflate and bslz4"};
}

struct NxmxWriter::Impl {
  std::string path;
  SeriesInfo info;
  Bound bound;
  OutputFile output;
  h5::Id file, end_time, end_time_estimated;
  std::optional<h5::Growing> images, numbers, times, peak_counts, peak_x, peak_y, peak_intensity;
  std::optional<AuditColumns> audit;
  FrameFilter filter = FrameFilter::etalon;
  bool begun = false, with_peaks = true;
  bool failed = false, live = false;
  double last_time_s = 0;
  // Not written yet, at most rows_at_once.
  std::vector<std::uint64_t> new_numbers;
  std::vector<double> new_times;
  std::vector<std::vector<Peak>> new_peaks;

  Impl(std::string p, const SeriesInfo& i, const Bound& b, OutputFile o)
      : path(std::move(p)), info(i), bound(b), output(std::move(o)) {}

  static Result<std::unique_ptr<Impl>> create(const std::string& path, const SeriesInfo& info,
                                              const Bound& bound, bool overwrite,
                                              h5::Readers readers);

  // Runs an action; a failure names the file, and nothing is written after it.
  template <typename F>
  Result<void> guarded(F&& action) {
    if (failed || !file.ok()) return Error{Errc::io, path + ": an earlier write failed"};
    Result<void> done = action();
    if (done.ok()) return done;
    failed = done.error().code == Errc::io;
    return std::move(done).error().in(path);
  }

  Result<void> check_chunk(std::span<const std::byte> chunk) const {
    ETALON_ASSIGN(const StreamInfo found, inspect_chunk(chunk));
    return fits(found);
  }

  Result<void> fits(const StreamInfo& found) const {
    const Geometry& g = info.geometry;
    if (found.dtype == info.dtype && found.shape.count() == g.pixels()) return {};
    return Error{Errc::usage, "chunk of " + to_string(found.shape) + " " +
                                  std::string(name_of(found.dtype)) + " in a series of " +
                                  to_string(Shape{g.ny, g.nx}) + " " +
                                  std::string(name_of(info.dtype))};
  }

  Result<void> make_images() {
    const Shape chunk{1, info.geometry.ny, info.geometry.nx};
    const FilterSettings settings{info.dtype, chunk, bound};
    h5::Growing::Options options;
    options.deflate = filter == FrameFilter::deflate;
    options.etalon = filter == FrameFilter::etalon ? &settings : nullptr;
    options.bitshuffle = filter == FrameFilter::bitshuffle_lz4;
    ETALON_ASSIGN(images, h5::Growing::create(file, image_path, info.dtype, chunk, options));
    return {};
  }

  // The datasets, made when the first frame shows which kind it is.
  Result<void> begin(FrameFilter kind, bool with_images = true) {
    if (begun) {
      if (filter == kind && images.has_value() == with_images) return {};
      return Error{Errc::usage, with_images ? std::string(name_of(kind)) + " and " +
                                                  std::string(name_of(filter)) +
                                                  " frames do not mix in a file"
                                            : "frames and rows without do not mix in a file"};
    }
    begun = true;
    filter = kind;
    if (with_images) ETALON_TRY(make_images());
    return make_columns();
  }

  Result<void> make_columns() {
    const auto column = [&](std::optional<h5::Growing>& to, const std::string& name, DType type,
                            const Shape& rows, bool deflate, std::string_view units) {
      h5::Growing::Options how;
      how.deflate = deflate;
      how.units = units;
      auto made = h5::Growing::create(file, name, type, rows, how);
      if (!made.ok()) return Result<void>(std::move(made).error());
      to = std::move(made).value();
      return Result<void>();
    };
    const std::string detector = "/entry/instrument/detector/";
    ETALON_TRY(column(numbers, detector + "sequence_number", DType::u64, {1024}, false, ""));
    ETALON_TRY(column(times, detector + "start_time", DType::f64, {1024}, false, "s"));
    if (!info.start_time.empty())
      ETALON_TRY(h5::set_attribute(times->id(), "start", info.start_time));
    if (!with_peaks) return {};
    const Shape list{rows_at_once, 256};
    ETALON_TRY(column(peak_counts, results + "/nPeaks", DType::i32, {1024}, false, ""));
    ETALON_TRY(column(peak_x, results + "/peakXPosRaw", DType::f32, list, true, "pixel"));
    ETALON_TRY(column(peak_y, results + "/peakYPosRaw", DType::f32, list, true, "pixel"));
    ETALON_TRY(column(peak_intensity, results + "/peakTotalIntensity", DType::f32, list, true, ""));
    return {};
  }

  Result<void> flush_rows() {
    const std::size_t rows = new_numbers.size();
    if (rows == 0) return {};
    const std::span<const std::uint64_t> n(new_numbers);
    const std::span<const double> t(new_times);
    ETALON_TRY(numbers->append(view_of(n, {rows})));
    ETALON_TRY(times->append(view_of(t, {rows})));
    if (with_peaks) ETALON_TRY(flush_peaks());
    new_numbers.clear();
    new_times.clear();
    new_peaks.clear();
    return live ? show() : Result<void>();
  }

  Result<void> link_results() { return h5::link(file, results, "/entry_1/result_1"); }

  // NXmx has an end where it is known, and an estimate where the beginning is.
  Result<void> make_end_times() {
    if (info.start_time.empty()) return {};
    if (!add_seconds(info.start_time, 0).empty()) {
      ETALON_ASSIGN(end_time, h5::make_text(file, "/entry/end_time", time_size));
    }
    ETALON_ASSIGN(end_time_estimated, h5::make_text(file, "/entry/end_time_estimated",
                                                    std::max(time_size, info.start_time.size())));
    return {};
  }

  // As far as the series has come.
  Result<void> write_end_times() {
    if (!end_time_estimated.ok()) ETALON_TRY(make_end_times());
    if (!end_time_estimated.ok()) return {};
    const double length_s = last_time_s + std::max(info.frame_time_s, info.count_time_s);
    const std::string end = add_seconds(info.start_time, length_s);
    if (end_time.ok()) ETALON_TRY(h5::set_text(end_time, end));
    return h5::set_text(end_time_estimated, end.empty() ? info.start_time : end);
  }

  // The numbers last: a reader who finds one finds its frame.
  Result<void> show() {
    ETALON_TRY(write_end_times());
    if (audit) ETALON_TRY(audit->show());
    for (const auto* column :
         {&images, &times, &peak_counts, &peak_x, &peak_y, &peak_intensity, &numbers})
      if (*column) ETALON_TRY(h5::show((*column)->id()));
    return {};
  }

  Result<void> make_audit() {
    const FilterSettings settings{info.dtype, Shape{1, info.geometry.ny, info.geometry.nx},
                                  Bound{}};
    ETALON_ASSIGN(audit, AuditColumns::create(file, settings));
    return {};
  }

  Result<void> flush_peaks() {
    const std::size_t rows = new_peaks.size();
    std::size_t width = 0;
    for (const auto& peaks : new_peaks) width = std::max(width, peaks.size());
    Array counts(DType::i32, {rows}), list(DType::f32, {rows, width});
    for (std::size_t i = 0; i < rows; ++i)
      counts.as<std::int32_t>()[i] = static_cast<std::int32_t>(new_peaks[i].size());
    ETALON_TRY(peak_counts->append(counts.view()));
    const auto write = [&](h5::Growing& to, float Peak::*field) {
      const std::span<float> values = list.as<float>();
      std::fill(values.begin(), values.end(), 0.0F);
      for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t k = 0; k < new_peaks[i].size(); ++k)
          values[i * width + k] = new_peaks[i][k].*field;
      return to.append(list.view());
    };
    ETALON_TRY(write(*peak_x, &Peak::x));
    ETALON_TRY(write(*peak_y, &Peak::y));
    return write(*peak_intensity, &Peak::intensity);
  }

  Result<void> add_row(std::uint64_t number, double time_s, const std::vector<Peak>& peaks) {
    last_time_s = std::max(last_time_s, time_s);
    new_numbers.push_back(number);
    new_times.push_back(time_s);
    if (with_peaks) new_peaks.push_back(peaks);
    return new_numbers.size() < rows_at_once ? Result<void>() : flush_rows();
  }

  Result<void> finish() {
    if (!begun) ETALON_TRY(begin(filter));
    ETALON_TRY(flush_rows());
    ETALON_TRY(write_end_times());
    if (with_peaks && !live) ETALON_TRY(link_results());
    audit.reset();
    for (auto* column :
         {&images, &numbers, &times, &peak_counts, &peak_x, &peak_y, &peak_intensity})
      column->reset();
    for (h5::Id* text : {&end_time, &end_time_estimated}) text->reset();
    return {};
  }
};

NxmxWriter::NxmxWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NxmxWriter::~NxmxWriter() = default;
NxmxWriter::NxmxWriter(NxmxWriter&&) noexcept = default;
NxmxWriter& NxmxWriter::operator=(NxmxWriter&&) noexcept = default;

Result<std::unique_ptr<NxmxWriter::Impl>> NxmxWriter::Impl::create(const std::string& path,
                                                                   const SeriesInfo& info,
                                                                   const Bound& bound,
                                                                   bool overwrite,
                                                                   h5::Readers readers) {
  if (info.geometry.pixels() == 0)
    return Error{Errc::usage, path + ": a series of images without pixels"};
  ETALON_ASSIGN(OutputFile output, OutputFile::create_regular(path, overwrite));
  auto impl = std::make_unique<Impl>(path, info, bound, std::move(output));
  ETALON_ASSIGN(impl->file, h5::create_file(impl->output.temporary_path(), readers));
  Impl& i = *impl;
  ETALON_TRY(i.guarded([&]() -> Result<void> {
    ETALON_TRY(write_nxmx_layout(i.file, i.info));
    return write_cxi_view(i.file, i.info);
  }));
  return impl;
}

Result<NxmxWriter> NxmxWriter::create(const std::string& path, const SeriesInfo& info,
                                      const Bound& bound, bool overwrite) {
  ETALON_ASSIGN(auto impl, Impl::create(path, info, bound, overwrite, h5::Readers::when_closed));
  return NxmxWriter(std::move(impl));
}

Result<NxmxWriter> NxmxWriter::create_as(FrameFilter filter, bool with_peaks,
                                         const std::string& path, const SeriesInfo& info,
                                         bool overwrite) {
  ETALON_ASSIGN(auto impl,
                Impl::create(path, info, Bound::lossless(), overwrite, h5::Readers::when_closed));
  impl->filter = filter;
  impl->with_peaks = with_peaks;
  return NxmxWriter(std::move(impl));
}

Result<NxmxWriter> NxmxWriter::create_live(const std::string& path, const SeriesInfo& info,
                                           const Bound& bound, bool overwrite, bool audits) {
  ETALON_ASSIGN(auto impl, Impl::create(path, info, bound, overwrite, h5::Readers::while_written));
  Impl& i = *impl;
  ETALON_TRY(i.guarded([&]() -> Result<void> {
    ETALON_TRY(i.begin(FrameFilter::etalon));
    if (audits) ETALON_TRY(i.make_audit());
    ETALON_TRY(i.make_end_times());
    ETALON_TRY(i.link_results());
    i.live = true;
    return h5::let_readers_in(i.file, i.output.temporary_path());
  }));
  return NxmxWriter(std::move(impl));
}

Result<void> NxmxWriter::append(std::uint64_t number, double time_s,
                                std::span<const std::byte> chunk, const std::vector<Peak>& peaks) {
  auto about = inspect_chunk(chunk);
  if (!about.ok()) return std::move(about).error().in(impl_->path);
  return append_inspected(number, time_s, chunk, *about, peaks);
}

Result<void> NxmxWriter::append_inspected(std::uint64_t number, double time_s,
                                          std::span<const std::byte> chunk, const StreamInfo& about,
                                          const std::vector<Peak>& peaks) {
  return impl_->guarded([&]() -> Result<void> {
    ETALON_TRY(impl_->fits(about));
    ETALON_TRY(impl_->begin(FrameFilter::etalon));
    ETALON_TRY(impl_->images->append_chunk(chunk));
    return impl_->add_row(number, time_s, peaks);
  });
}

Result<void> NxmxWriter::append_audited(std::uint64_t number, double time_s,
                                        std::span<const std::byte> chunk, std::size_t peaks,
                                        bool hit) {
  return impl_->guarded([&]() -> Result<void> {
    ETALON_TRY(impl_->check_chunk(chunk));
    if (!impl_->audit) ETALON_TRY(impl_->make_audit());
    return impl_->audit->append(number, time_s, chunk, static_cast<std::int32_t>(peaks), hit);
  });
}

Result<void> NxmxWriter::append_bitshuffled(std::uint64_t number, double time_s,
                                            std::span<const std::byte> chunk,
                                            const std::vector<Peak>& peaks) {
  return impl_->guarded([&]() -> Result<void> {
    ETALON_TRY(impl_->begin(FrameFilter::bitshuffle_lz4));
    ETALON_TRY(impl_->images->append_chunk(chunk));
    return impl_->add_row(number, time_s, peaks);
  });
}

Result<void> NxmxWriter::append_row(std::uint64_t number, double time_s,
                                    const std::vector<Peak>& peaks) {
  return impl_->guarded([&]() -> Result<void> {
    ETALON_TRY(impl_->begin(impl_->filter, false));
    return impl_->add_row(number, time_s, peaks);
  });
}

Result<void> NxmxWriter::show_pieces(const std::vector<Piece>& pieces) {
  return impl_->guarded([&]() -> Result<void> {
    ETALON_TRY(impl_->begin(impl_->filter, false));
    std::vector<h5::VirtualPiece> rows;
    std::uint64_t first = 0;
    for (const Piece& piece : pieces) {
      rows.push_back({first, piece.frames, 0, piece.file, image_path});
      first += piece.frames;
    }
    const Geometry& g = impl_->info.geometry;
    return h5::write_virtual(impl_->file, image_path, impl_->info.dtype, {first, g.ny, g.nx}, rows);
  });
}

Result<void> NxmxWriter::append_pixels(std::uint64_t number, double time_s,
                                       std::span<const std::byte> pixels,
                                       const std::vector<Peak>& peaks) {
  return impl_->guarded([&]() -> Result<void> {
    const Geometry& g = impl_->info.geometry;
    const ArrayView image{pixels.data(), impl_->info.dtype, {1, g.ny, g.nx}};
    if (pixels.size() != image.size_bytes())
      return Error{Errc::usage, std::to_string(pixels.size()) + " bytes for an image of " +
                                    std::to_string(image.size_bytes())};
    ETALON_TRY(impl_->begin(FrameFilter::deflate));
    ETALON_TRY(impl_->images->append(image));
    return impl_->add_row(number, time_s, peaks);
  });
}

Result<void> NxmxWriter::append_raw(const Frame& frame) {
  return impl_->guarded([&]() -> Result<void> {
    const Geometry& g = impl_->info.geometry;
    const ArrayView image = frame.image.view();
    if (image.dtype != impl_->info.dtype || !(image.shape == Shape{g.ny, g.nx}))
      return Error{Errc::usage, "frame of " + to_string(image.shape) + " " +
                                    std::string(name_of(image.dtype)) + " in a series of " +
                                    to_string(Shape{g.ny, g.nx}) + " " +
                                    std::string(name_of(impl_->info.dtype))};
    if (!impl_->begun && impl_->filter != FrameFilter::deflate) impl_->with_peaks = false;
    ETALON_TRY(impl_->begin(FrameFilter::deflate));
    ETALON_TRY(impl_->images->append({image.data, image.dtype, {1, g.ny, g.nx}}));
    return impl_->add_row(frame.number, frame.time_s, {});
  });
}

Result<void> NxmxWriter::attach(const std::string& dataset, const ArrayView& values,
                                const std::string& units) {
  return impl_->guarded([&]() -> Result<void> {
    ETALON_TRY(h5::write_array(impl_->file, dataset, values, units));
    return {};
  });
}

Result<OutputFile> NxmxWriter::close() {
  Impl& i = *impl_;
  ETALON_TRY(i.guarded([&] { return i.finish(); }));
  if (auto closed = h5::close_file(std::move(i.file), i.path); !closed.ok()) {
    i.failed = true;
    return std::move(closed).error();
  }
  ETALON_TRY(i.output.finish());
  return std::move(i.output);
}

Result<void> NxmxWriter::finish() {
  ETALON_ASSIGN(OutputFile whole, close());
  return whole.commit();
}

}  // namespace etalon
