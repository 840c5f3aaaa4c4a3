#include "find_report.hpp"

#include <charconv>
#include <cstdio>
#include <cstring>

#include "cli.hpp"
#include "etalon/backend.hpp"

namespace etalon::cli {
namespace {

double shortest(float value) {  // so that JSON shows 20.6 and not 20.600000381469727
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  double result = value;
  std::from_chars(text, end, result);
  return result;
}

unsigned long long number(std::uint64_t n) { return n; }

nlohmann::json to_json(const Peak& p) {
  return {
      {"x", shortest(p.x)},     {"y", shortest(p.y)},         {"intensity", shortest(p.intensity)},
      {"max", shortest(p.max)}, {"sigma", shortest(p.sigma)}, {"snr", shortest(p.snr)},
      {"pixels", p.pixels}};
}

nlohmann::json to_json(const PeakParameters& p) {
  return {{"threshold", shortest(p.threshold)},  {"snr", shortest(p.snr)},
          {"min_pixels", p.min_pixels},          {"max_pixels", p.max_pixels},
          {"local_radius", p.local_radius},      {"min_radius", shortest(p.min_radius)},
          {"max_radius", shortest(p.max_radius)}};
}

nlohmann::json to_json(const DispersionParameters& p) {
  return {{"threshold", shortest(p.threshold)},
          {"kernel_size", p.kernel_size},
          {"sigma_background", shortest(p.sigma_background)},
          {"sigma_strong", shortest(p.sigma_strong)},
          {"min_local", p.min_local},
          {"gain", shortest(p.gain)},
          {"min_pixels", p.min_pixels},
          {"max_pixels", p.max_pixels},
          {"max_separation", shortest(p.max_separation)},
          {"min_radius", shortest(p.min_radius)},
          {"max_radius", shortest(p.max_radius)}};
}

std::string to_csv(std::uint64_t frame, const Peak& p) {
  char line[200];
  std::snprintf(line, sizeof line, "%llu,%.4f,%.4f,%.3f,%.3f,%.4f,%.3f,%u\n", number(frame),
                static_cast<double>(p.x), static_cast<double>(p.y),
                static_cast<double>(p.intensity), static_cast<double>(p.max),
                static_cast<double>(p.sigma), static_cast<double>(p.snr), p.pixels);
  return line;
}

}  // namespace

Result<void> FindReport::begin() const {
  if (options_.json) return {};
  return print(options_.csv ? "frame,x,y,intensity,max,sigma,snr,pixels\n" : "   frame   peaks\n");
}

Result<void> FindReport::add(const Found& found) {
  const bool hit = found.peaks.size() >= options_.finder.min_peaks;
  ++frames_;
  hits_ += hit;
  peaks_ += found.peaks.size();
  if (options_.json) {
    nlohmann::json peaks = nlohmann::json::array();
    for (const Peak& peak : found.peaks) peaks.push_back(to_json(peak));
    frames_json_.push_back({{"frame", found.frame}, {"hit", hit}, {"peaks", std::move(peaks)}});
    return {};
  }
  if (options_.csv) {
    std::string text;
    for (const Peak& peak : found.peaks) text += to_csv(found.frame, peak);
    return print(text);
  }
  char line[80];
  std::snprintf(line, sizeof line, "%8llu%8zu%s\n", number(found.frame), found.peaks.size(),
                hit ? "  hit" : "");
  return print(line);
}

Result<void> FindReport::end(double seconds) const {
  const double rate = frames_ > 0 ? static_cast<double>(hits_) / static_cast<double>(frames_) : 0;
  if (options_.json) return print_json(rate);
  char line[200];
  std::snprintf(line, sizeof line, "%llu hits in %llu frames (%.1f %%), %llu peaks\n",
                number(hits_), number(frames_), 100 * rate, number(peaks_));
  if (options_.csv)
    note(std::string_view(line, std::strlen(line) - 1));
  else
    ETALON_TRY(print(line));
  std::snprintf(line, sizeof line, "%.2f s, %.0f frames/s, backend %s", seconds,
                static_cast<double>(frames_) / seconds, backend().c_str());
  note(line);
  return {};
}

Result<void> FindReport::print_json(double hit_rate) const {
  nlohmann::json parameters = settings_.method == FindMethod::peakfinder8
                                  ? to_json(settings_.parameters)
                                  : to_json(settings_.dispersion);
  parameters["centre"] = {geometry_.centre_x, geometry_.centre_y};
  parameters["ice_rings"] = settings_.ice_rings;
  parameters["max_elongation"] = settings_.max_elongation;
  parameters["min_peaks"] = options_.finder.min_peaks;
  const nlohmann::json about = {{"schema", "etalon.find/1"},
                                {"file", options_.file},
                                {"method", options_.finder.method},
                                {"semantics", semantics_of(settings_.method)},
                                {"parameters", std::move(parameters)},
                                {"frames", frames_json_},
                                {"hits", hits_},
                                {"hit_rate", hit_rate}};
  return print(about.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace etalon::cli
