#include <mutex>

#include "analyse/powder.hpp"
#include "base/thread_pool.hpp"
#include "store/file.hpp"
#include "store/hdf5_write.hpp"

namespace etalon {
namespace {

// Frames [begin, end) into a powder of their own.
Result<Powder> powder_of_range(const std::string& path, std::uint64_t begin, std::uint64_t end,
                               const AnalysisOptions& options, std::atomic<std::uint64_t>& done) {
  ETALON_ASSIGN(const auto reader, open_series(path, options.open));
  auto powder = Powder::create(reader->info());
  if (!powder.ok()) return std::move(powder).error().in(path);
  for (std::uint64_t i = begin; i < end; ++i) {
    if (options.stop && options.stop->load())
      return Error{Errc::interrupted, path + ": interrupted"};
    ETALON_ASSIGN(const Frame frame, reader->read(i));
    if (auto added = powder->add(frame.image.view()); !added.ok())
      return std::move(added).error().in(path);
    const std::uint64_t so_far = ++done;
    if (options.progress) options.progress(so_far);
  }
  return powder;
}

}  // namespace

Result<Powder> powder_of(const std::string& path, const AnalysisOptions& options) {
  std::atomic<std::uint64_t> done = 0;
  std::uint64_t frames = 0;
  {
    ETALON_ASSIGN(const auto reader, open_series(path, options.open));
    frames = reader->info().frames;
  }
  if (options.threads == 1 || frames < 2) return powder_of_range(path, 0, frames, options, done);

  ThreadPool pool(options.threads);
  const std::uint64_t parts = std::min<std::uint64_t>(pool.size(), frames);
  std::vector<std::optional<Result<Powder>>> powders(parts);
  pool.for_each(parts, [&](std::size_t i) {
    powders[i] = powder_of_range(path, frames * i / parts, frames * (i + 1) / parts, options, done);
  });
  Result<Powder> all = std::move(*powders[0]);
  for (std::size_t i = 1; i < parts && all.ok(); ++i) {
    if (!powders[i]->ok()) return std::move(*powders[i]).error();
    if (auto merged = all->merge(**powders[i]); !merged.ok())
      return std::move(merged).error().in(path);
  }
  return all;
}

Result<void> write_powder(const std::string& path, const Powder& powder, bool overwrite) {
  const Shape shape{powder.info().geometry.ny, powder.info().geometry.nx};
  ETALON_ASSIGN(OutputFile output, OutputFile::create_regular(path, overwrite));
  ETALON_ASSIGN(h5::Id file, h5::create_file(output.temporary_path()));
  const auto write = [&]() -> Result<void> {
    const std::string group = "/entry/powder";
    ETALON_ASSIGN(const h5::Id entry, h5::make_group(file, "/entry", "NXentry"));
    ETALON_TRY(h5::set_attribute(entry, "default", "powder"));
    ETALON_ASSIGN(const h5::Id data, h5::make_group(file, group, "NXdata"));
    ETALON_TRY(h5::set_attribute(data, "signal", "mean"));
    const auto image = [&](const std::string& name, const auto& values,
                           std::string_view units) -> Result<void> {
      ETALON_TRY(
          h5::write_array(file, group + "/" + name, view_of(std::span(values), shape), units));
      return {};
    };
    ETALON_TRY(image("sum", powder.sum(), "count"));
    ETALON_TRY(image("mean", powder.mean(), "count"));
    ETALON_TRY(image("max", powder.max(), "count"));
    ETALON_TRY(image("variance", powder.variance(), "count^2"));
    ETALON_TRY(image("mask", powder.mask(), ""));
    ETALON_TRY(
        h5::write_integer(file, group + "/frames", static_cast<std::int64_t>(powder.frames())));
    return {};
  };
  if (auto written = write(); !written.ok()) return std::move(written).error().in(path);
  ETALON_TRY(h5::close_file(std::move(file), path));
  return output.commit();
}

}  // namespace etalon
