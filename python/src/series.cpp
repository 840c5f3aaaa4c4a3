#include "series.hpp"

#include <atomic>
#include <mutex>
#include <thread>

#include "etalon/series.hpp"
#include "options.hpp"

namespace etalon::python {
namespace {

// One that any thread of Python may push to: calls wait for each other, without Python's lock,
// which the sink needs.
class Series {
 public:
  Series(py::function write, const py::object& dtype, const py::object& frame,
         const std::string& bound, const py::object& regions, const py::object& mask, bool dither,
         std::uint64_t seed, std::size_t frames_per_chunk, const py::object& outer, int level,
         unsigned threads)
      : write_(std::move(write)) {
    settings_ = Settings::from(bound, regions, mask, dither, seed, level, threads);
    if (settings_.target)
      raise({Errc::usage, "bound " + bound + ": a target is for whole arrays: etalon.compress"});
    SeriesSettings series;
    series.dtype = to_dtype(dtype);
    series.frame = to_shape(frame);
    series.outer = to_shape(outer);
    series.frames_per_chunk = frames_per_chunk;
    series.options = settings_.options;
    if (!settings_.regions.by_image()) {
      const ArrayView nothing{nullptr, series.dtype, series.frame};
      series.options.regions = value_of(settings_.regions.on(nothing, series.options.mask));
    } else if (settings_.regions.over_array()) {
      raise({Errc::usage, "region active over=array: a series is never whole"});
    }
    call([&]() -> Result<void> {
      ETALON_ASSIGN(SeriesEncoder made,
                    SeriesEncoder::create(
                        series, [this](std::span<const std::byte> bytes) { return put(bytes); }));
      encoder_ = std::make_unique<SeriesEncoder>(std::move(made));
      return {};
    });
  }
  ~Series() {  // NOLINT(bugprone-exception-escape): giving the lock back throws nothing
    const py::gil_scoped_release release;
    encoder_.reset();  // waits for its threads
  }
  Series(const Series&) = delete;
  Series& operator=(const Series&) = delete;

  void add(const py::object& frame, const py::object& regions) {
    const Elements elements(frame);
    const bool own = !regions.is_none();
    auto used = std::make_shared<Settings>();
    used->options = settings_.options;
    used->regions = own ? Regions::from(regions) : settings_.regions;
    call([&] {
      if (!own && !used->regions.by_image()) return encoder_->push(elements.view());
      return encoder_->push_with(
          elements.view(), [used](const ArrayView& image) -> Result<CompressOptions> {
            CompressOptions options = used->options;
            ETALON_ASSIGN(options.regions, used->regions.on(image, options.mask));
            return options;
          });
    });
  }
  void finish() {
    call([&] { return encoder_->finish(); });
  }
  std::uint64_t frames() { return count(&SeriesEncoder::frames); }
  std::uint64_t chunks() { return count(&SeriesEncoder::chunks); }
  std::uint64_t bytes() { return count(&SeriesEncoder::bytes); }

 private:
  // On the thread that is within `call`.
  Result<void> put(std::span<const std::byte> bytes) {
    const py::gil_scoped_acquire acquire;
    try {
      write_(to_bytes(bytes));
      return {};
    } catch (const py::error_already_set& thrown) {
      thrown_ = std::make_unique<py::error_already_set>(thrown);
      return Error{Errc::io, "series: the sink raised"};
    }
  }
  template <typename F>
  void call(F&& f) {
    Result<void> done;
    std::unique_ptr<py::error_already_set> thrown;
    {
      if (writer_ == std::this_thread::get_id())
        raise({Errc::usage, "series: called from within its own write"});
      const py::gil_scoped_release release;
      const std::lock_guard lock(mutex_);
      writer_ = std::this_thread::get_id();
      done = f();
      writer_ = std::thread::id();
      thrown = std::move(thrown_);
    }
    if (thrown) throw py::error_already_set(*thrown);
    check(done);
  }
  std::uint64_t count(std::uint64_t (SeriesEncoder::*number)() const) {
    if (writer_ == std::this_thread::get_id()) return (*encoder_.*number)();
    const py::gil_scoped_release release;
    const std::lock_guard lock(mutex_);
    return (*encoder_.*number)();
  }

  py::function write_;
  Settings settings_;
  std::atomic<std::thread::id> writer_;  // whose call is under way
  std::mutex mutex_;                     // of what follows
  std::unique_ptr<py::error_already_set> thrown_;
  std::unique_ptr<SeriesEncoder> encoder_;
};

}  // namespace

void add_series(py::module_& module) {
  using py::arg;
  py::class_<Series>(module, "SeriesEncoder")
      .def(py::init<py::function, const py::object&, const py::object&, const std::string&,
                    const py::object&, const py::object&, bool, std::uint64_t, std::size_t,
                    const py::object&, int, unsigned>(),
           arg("write"), arg("dtype"), arg("frame"), arg("bound"), arg("regions"), arg("mask"),
           arg("dither"), arg("seed"), arg("frames_per_chunk"), arg("outer"), arg("level"),
           arg("threads"))
      .def("add", &Series::add, arg("frame"), arg("regions"))
      .def("finish", &Series::finish)
      .def_property_readonly("frames", &Series::frames)
      .def_property_readonly("chunks", &Series::chunks)
      .def_property_readonly("bytes", &Series::bytes);
}

}  // namespace etalon::python
