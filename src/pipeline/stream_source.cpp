#include "pipeline/stream_source.hpp"

#include <algorithm>
#include <charconv>
#include <future>
#include <mutex>
#include <utility>

#include "base/durations.hpp"
#include "base/stopwatch.hpp"
#include "pipeline/alarms.hpp"
#include "pipeline/event_source.hpp"
#include "pipeline/raw_conversion.hpp"
#include "stream/simplon_mask.hpp"
#include "stream/simplon_receiver.hpp"

namespace etalon {
namespace {

using Clock = std::chrono::steady_clock;

// As series_info() names a series.
std::optional<std::uint64_t> series_id_in(const std::string& name) {
  constexpr std::string_view begin = "series_";
  std::uint64_t id = 0;
  if (!name.starts_with(begin)) return std::nullopt;
  const char* const end = name.data() + name.size();
  const auto [at, error] = std::from_chars(name.data() + begin.size(), end, id);
  return error == std::errc() && at == end ? std::optional(id) : std::nullopt;
}

class StreamSource final : public FrameSource {
 public:
  StreamSource(const Recipe& recipe, SimplonReceiver receiver, const SourceOptions& options)
      : recipe_(recipe),
        receiver_(std::move(receiver)),
        alarms_(options.alarm),
        interrupted_(options.interrupted) {}

  // Waits for the first image, which says what the start may not have said.
  Result<void> begin() {
    ETALON_ASSIGN(auto image, receiver_.next());
    const SimplonSeries& series = receiver_.series();
    const std::string& address = receiver_.address();
    if (!image && series.ended())
      return Error{Errc::malformed, address + ": the series ended without an image"};
    if (!image && interrupted_ != nullptr && interrupted_->load())
      return Error{Errc::interrupted, address + ": interrupted before the first image"};
    if (!image) return Error{Errc::io, address + ": silence, and no image"};
    ETALON_TRY(choose_channel(*image));
    const PackedArray& pixels = image->data[channel_].second;
    const std::string& name = image->data[channel_].first;
    if (series.start()) {
      info_ = series_info(*series.start(), name);
      for (const std::string& remark : series.start()->remarks)
        alarms_.word(address + ": start: " + remark);
    } else {
      info_.name = "series_" + std::to_string(image->series_id);
      alarms_.word(address + ": no start message came: no mask, energy and distance" +
                   (recipe_.find.centre ? "" : ", and the beam is taken to be in the middle"));
    }
    info_.dtype = pixels.dtype;
    info_.geometry.ny = pixels.shape[0];
    info_.geometry.nx = pixels.shape[1];
    if (!series.start()) {
      info_.geometry.centre_y = (static_cast<double>(info_.geometry.ny) - 1) / 2;
      info_.geometry.centre_x = (static_cast<double>(info_.geometry.nx) - 1) / 2;
    }
    if (series.start() && !mask_fits(*series.start(), name, pixels.shape)) {
      info_.pixel_mask.clear();
      alarms_.word(address + ": start: its mask does not fit images of " + to_string(pixels.shape) +
                   ": left out");
    }
    ETALON_ASSIGN(conversion_, raw_conversion(recipe_, address, info_.geometry));
    if (conversion_) conversion_->describe(info_);
    first_ = std::move(image);
    watch();
    return {};
  }

  // The same where a killed process has seen the beginning: no more images may come.
  Result<void> resume(const ResumedSeries& resumed) {
    info_ = resumed.info;
    killed_ = resumed.left_out;
    receiver_.resume(resumed.next, info_.frames, series_id_in(info_.name));
    ETALON_ASSIGN(auto image, receiver_.next());
    ETALON_ASSIGN(conversion_, raw_conversion(recipe_, receiver_.address(), info_.geometry));
    gap_ = receiver_.series().accounts().missing;
    killed_ += gap_;
    if (killed_ != 0)
      alarms_.word(std::to_string(killed_) +
                   " images were not committed before the edge was killed, "
                   "or went by until now (" +
                   receiver_.address() + ")");
    if (image) ETALON_TRY(choose_channel(*image));
    first_ = std::move(image);
    watch();
    return {};
  }

  const SeriesInfo& info() const override { return info_; }

  std::optional<Arrival> next() override {
    if (first_) return arrival_of(*std::exchange(first_, std::nullopt));
    auto image = receiver_.next();
    watch();
    if (!image.ok()) return Arrival(since_, std::move(image).error());
    if (!*image) return std::nullopt;
    return arrival_of(std::move(**image));
  }
  std::vector<std::string> files() const override {
    return conversion_ ? conversion_->files : std::vector<std::string>();
  }
  std::map<std::string, std::uint64_t> lost() const override {
    const SimplonAccounts& a = receiver_.series().accounts();
    std::map<std::string, std::uint64_t> lost;
    for (const auto& [cause, n] : {std::pair("missing", a.missing - std::min(gap_, a.missing)),
                                   {"late", a.late},
                                   {"not_sent", a.not_sent},
                                   {"killed", killed_}})
      if (n != 0) lost[cause] = n;
    return lost;
  }
  double busy_s() const override { return converting_s_ + receiver_.busy_s(); }
  std::optional<Error> cut_short() const override {
    const SimplonSeries& series = receiver_.series();
    if (series.ended()) return std::nullopt;
    return Error{Errc::io, receiver_.address() +
                               (series.superseded() ? ": another series began before this one ended"
                                                    : ": silence, and no end of the series")};
  }

 private:
  Result<void> choose_channel(const SimplonImage& image) {
    const std::string& wanted = recipe_.source.channel;
    std::string there;
    for (channel_ = 0; channel_ < image.data.size(); ++channel_) {
      if (wanted.empty() || image.data[channel_].first == wanted) return {};
      there += (there.empty() ? "" : ", ") + image.data[channel_].first;
    }
    return Error{Errc::usage, receiver_.address() + ": no channel '" + wanted +
                                  "' (source.channel); there are " + there};
  }

  Arrival arrival_of(SimplonImage image) {
    Arrival arrival(since_, Frame{image.image_id, image.start_time.seconds(), {}});
    arrival.packed = std::move(image.data[channel_].second);
    if (!conversion_) return arrival;
    const Stopwatch watch(converting_s_);
    arrival.unpack();
    if (arrival.frame.ok()) arrival.frame = (*conversion_)(std::move(arrival.frame).value());
    return arrival;
  }

  // Says what is new in the accounts.
  void watch() {
    const SimplonAccounts& a = receiver_.series().accounts();
    const std::string from = " (" + receiver_.address() + ")";
    alarms_.count("images missing, does a second client take them?",
                  a.missing - std::min(gap_, a.missing), from);
    alarms_.count("images too late", a.late, from);
    alarms_.count("images announced and not sent", a.not_sent, from);
    alarms_.count("images twice", a.duplicate, from);
    alarms_.count("images out of order", a.out_of_order, from);
    alarms_.count("images after the end", a.after_end, from);
    alarms_.count("images of another series, size or type", a.unexpected, from);
    alarms_.count("messages that cannot be read", a.corrupt,
                  from + ", the last: " + receiver_.series().last_error());
    since_ = receiver_.last_message();
  }

  const Recipe& recipe_;
  SimplonReceiver receiver_;
  Alarms alarms_;
  const std::atomic<bool>* interrupted_;
  std::optional<RawConversion> conversion_;
  SeriesInfo info_;
  std::size_t channel_ = 0;
  std::uint64_t killed_ = 0, gap_ = 0;  // gap_: the part of killed_ that the series counts, too
  double converting_s_ = 0;
  std::optional<SimplonImage> first_;
  Clock::time_point since_;  // the message came that let the image go on
};

Result<std::unique_ptr<FrameSource>> open_one(const Recipe& recipe, const std::string& address,
                                              const SourceOptions& options) {
  if (recipe.source.first != 0 || recipe.source.frames != 0)
    return Error{Errc::usage,
                 recipe.path + ": source.first and source.frames: a stream is taken whole"};
  if (recipe.calibrate.detector == "jungfrau" && recipe.calibrate.constants.empty())
    return Error{Errc::usage, recipe.path + ": calibrate.constants: a stream does not hold them"};
  SimplonReceiverOptions wire;
  wire.address = address;
  wire.bind = recipe.source.bind;
  wire.settle = milliseconds_of(recipe.source.settle_s);
  wire.silence_limit = milliseconds_of(recipe.source.silence_limit_s);
  wire.waits_for_first = options.resumed == nullptr;
  wire.queued = 64;
  wire.interrupted = options.interrupted;
  ETALON_ASSIGN(SimplonReceiver receiver, SimplonReceiver::open(wire));
  if (options.alarm) options.alarm(receiver.address() + ": waiting for a series");
  auto source = std::make_unique<StreamSource>(recipe, std::move(receiver), options);
  ETALON_TRY(options.resumed != nullptr ? source->resume(*options.resumed) : source->begin());
  return std::unique_ptr<FrameSource>(std::move(source));
}

// "tcp://a:1,tcp://b:1": the streams of several detectors, each opened while the others wait.
Result<std::unique_ptr<FrameSource>> open_several(const Recipe& recipe, const std::string& source,
                                                  const SourceOptions& options) {
  if (recipe.calibrate.detector != "none")
    return Error{Errc::usage, recipe.path +
                                  ": calibrate.detector: raw frames of several streams "
                                  "are not converted"};
  if (options.resumed != nullptr)
    return Error{Errc::usage, source + ": a run on several streams cannot be gone on with"};
  std::vector<std::string> names;
  for (std::size_t from = 0; from <= source.size();) {
    const std::size_t comma = std::min(source.find(',', from), source.size());
    names.push_back(source.substr(from, comma - from));
    if (!is_stream(names.back()))
      return Error{Errc::usage, source + ": '" + names.back() + "' is no address of a stream"};
    from = comma + 1;
  }
  auto stop = std::make_shared<std::atomic<bool>>(false);
  SourceOptions part_options = options;
  part_options.interrupted = stop.get();
  part_options.alarm = [say = options.alarm,
                        mutex = std::make_shared<std::mutex>()](const std::string& text) {
    const std::lock_guard lock(*mutex);
    if (say) say(text);
  };
  using Opened = Result<std::unique_ptr<FrameSource>>;
  std::vector<std::future<Opened>> opening;
  for (const std::string& name : names)
    opening.push_back(std::async(std::launch::async, [&recipe, &part_options, name] {
      return open_one(recipe, name, part_options);
    }));
  std::vector<std::unique_ptr<FrameSource>> parts;
  std::optional<Error> failure;
  for (auto& one : opening) {
    while (one.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready)
      if (failure || (options.interrupted != nullptr && options.interrupted->load())) *stop = true;
    Opened opened = one.get();
    if (opened.ok())
      parts.push_back(std::move(opened).value());
    else if (!failure)
      failure = std::move(opened).error();
  }
  if (failure) return *failure;
  return combine_sources(std::move(parts), std::move(names),
                         milliseconds_of(recipe.source.deadline_s), std::move(stop), options);
}

}  // namespace

Result<std::unique_ptr<FrameSource>> open_stream(const Recipe& recipe, const std::string& source,
                                                 const SourceOptions& options) {
  return source.find(',') == std::string::npos ? open_one(recipe, source, options)
                                               : open_several(recipe, source, options);
}

}  // namespace etalon
