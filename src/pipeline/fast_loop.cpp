#include "pipeline/fast_loop.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace etalon {
namespace {

template <typename T>
FrameStatistics statistics_of(std::span<const T> pixels, const Mask& mask, double saturation) {
  // Rows of a few thousand pixels keep the sums of integers exact in 64 bits, and let the compiler
  // count in vectors.
  using Sum = std::conditional_t<std::is_floating_point_v<T>, double, std::int64_t>;
  FrameStatistics out;
  const bool saturates = saturation > 0;
  T max = std::numeric_limits<T>::lowest();
  double sum = 0;
  for (std::size_t from = 0; from < pixels.size(); from += 4096) {
    const std::size_t to = std::min(from + 4096, pixels.size());
    Sum part = 0;
    std::uint32_t good = 0, saturated = 0;
    for (std::size_t i = from; i < to; ++i) {
      const T v = pixels[i];
      const bool counts = mask[i] != 0 && v == v;
      part += counts ? static_cast<Sum>(v) : Sum{0};
      good += counts ? 1 : 0;
      saturated += counts && saturates && static_cast<double>(v) >= saturation ? 1 : 0;
      max = counts && v > max ? v : max;
    }
    sum += static_cast<double>(part);
    out.good_pixels += good;
    out.saturated_pixels += saturated;
  }
  if (out.good_pixels == 0) return out;
  out.mean = sum / static_cast<double>(out.good_pixels);
  out.max = static_cast<double>(max);
  return out;
}

bool of_pixels(const std::string& metric) {
  return metric == "saturated_pixels" || metric == "max_value" || metric == "mean_background";
}

nlohmann::json json_of(const ActionParameters& parameters) {
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [name, value] : parameters)
    std::visit([&, key = name](const auto& x) { out[key] = x; }, value);
  return out;
}

}  // namespace

FrameStatistics frame_statistics(const ArrayView& image, const Mask& mask,
                                 double saturation_value) {
  return visit(image.dtype, [&](auto zero) {
    return statistics_of(image.as<decltype(zero)>(), mask, saturation_value);
  });
}

Result<std::unique_ptr<Publisher>> FastLoop::open_publisher(
    const Recipe& recipe, const std::function<void(const std::string&)>& alarm) {
  std::unique_ptr<Publisher> publisher;
  if (recipe.fast.publish.empty()) return publisher;
  ETALON_ASSIGN(const std::string address, output_path(recipe, recipe.fast.publish));
  ETALON_ASSIGN(publisher, Publisher::bind(address));
  const std::chrono::milliseconds limit(static_cast<std::int64_t>(recipe.fast.wait_s * 1e3));
  if (limit.count() == 0) return publisher;
  ETALON_ASSIGN(const bool heard, publisher->wait_for_listener(limit));
  if (!heard && alarm) alarm(publisher->address() + ": nobody listens to actions yet");
  return publisher;
}

Result<std::unique_ptr<FastLoop>> FastLoop::create(const Recipe& recipe, const Mask& mask,
                                                   std::unique_ptr<Publisher> publisher,
                                                   const Options& options) {
  std::unique_ptr<FastLoop> loop(new FastLoop());
  loop->options_ = options;
  loop->mask_ = mask;
  loop->publisher_ = std::move(publisher);
  for (std::size_t i = 0; i < recipe.fast.rules.size(); ++i) {
    const Recipe::FastRule& written = recipe.fast.rules[i];
    const std::string where = recipe.path + ": [[fast.rule]] " + std::to_string(i + 1);
    if (options.instrument != nullptr) {
      auto known =
          options.instrument->check({written.text.action, written.text.parameters, "", {}});
      if (!known.ok()) return std::move(known).error().in(where);
    }
    auto when = parse_condition(written.text.when);
    if (!when.ok()) return std::move(when).error().in(where);
    for (const Comparison& c : when->comparisons) loop->looks_at_pixels_ |= of_pixels(c.metric);
    loop->rules_.push_back({written.text, std::move(when).value(), written.hold_frames,
                            std::make_unique<std::atomic<std::uint64_t>>(0)});
  }
  return loop;
}

Metrics FastLoop::metrics_of(const Frame& frame, const std::vector<Peak>& peaks,
                             const FrameFigures& figures) const {
  Metrics m;
  m["peaks"] = static_cast<double>(figures.peaks);
  m["score"] = figures.score;
  double max_snr = 0;
  for (const Peak& p : peaks) max_snr = std::max(max_snr, double{p.snr});
  m["max_snr"] = max_snr;
  FrameStatistics s;
  if (looks_at_pixels_) s = frame_statistics(frame.image.view(), mask_, options_.saturation_value);
  m["max_value"] = s.max;
  m["mean_background"] = s.mean;
  m["saturated_pixels"] = static_cast<double>(s.saturated_pixels);
  return m;
}

void FastLoop::recall(const std::vector<FastAction>& actions) {
  for (const FastAction& a : actions) {
    if (a.rule >= rules_.size() || rules_[a.rule].hold_frames == 0) continue;
    const std::uint64_t end = a.frame + rules_[a.rule].hold_frames + 1;
    if (end > rules_[a.rule].rests_to->load()) rules_[a.rule].rests_to->store(end);
  }
}

void FastLoop::apply(const Action& action) {
  if (options_.instrument == nullptr) return;
  const std::lock_guard lock(instrument_mutex_);
  const auto state = options_.instrument->apply(action);
  if (!state.ok() && options_.alarm) options_.alarm("instrument: " + state.error().message);
}

Result<std::vector<FastAction>> FastLoop::consider(const Frame& frame,
                                                   const std::vector<Peak>& peaks,
                                                   const FrameFigures& figures,
                                                   std::chrono::steady_clock::time_point since) {
  std::vector<FastAction> taken;
  if (rules_.empty()) return taken;
  const Metrics metrics = metrics_of(frame, peaks, figures);
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    Rule& rule = rules_[i];
    ETALON_ASSIGN(const bool held, holds(rule.when, metrics));
    if (!held) continue;
    if (rule.hold_frames > 0) {
      std::uint64_t rests_to = rule.rests_to->load();
      if (rests_to != 0 && frame.number < rests_to) continue;
      // Of two frames at once, one acts.
      if (!rule.rests_to->compare_exchange_strong(rests_to, frame.number + rule.hold_frames + 1))
        continue;
    }
    const std::string place = options_.series + ", frame " + std::to_string(frame.number) +
                              ", rule " + std::to_string(i + 1);
    const Action action{
        rule.text.action, rule.text.parameters, place + " holds: " + to_string(rule.when), {}};
    const Hash id = action.id();
    if (publisher_) {
      nlohmann::json seen = nlohmann::json::object();
      for (const Comparison& c : rule.when.comparisons)
        seen[c.metric] = metrics.find(c.metric)->second;
      const std::chrono::duration<double, std::milli> age =
          std::chrono::steady_clock::now() - since;
      const nlohmann::json message = {{"schema", "etalon.action/1"},
                                      {"series", options_.series},
                                      {"frame", frame.number},
                                      {"rule", i + 1},
                                      {"when", to_string(rule.when)},
                                      {"seen", seen},
                                      {"action", rule.text.action},
                                      {"parameters", json_of(rule.text.parameters)},
                                      {"id", id.hex()},
                                      {"latency_ms", age.count()}};
      ETALON_TRY(publisher_->publish(
          message.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
    }
    apply(action);
    taken.push_back({frame.number, i, id});
  }
  return taken;
}

}  // namespace etalon
