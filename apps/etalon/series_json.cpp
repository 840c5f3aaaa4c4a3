#include "series_json.hpp"

namespace etalon::cli {

nlohmann::json summary_json(const std::string& file, const SeriesSummary& s) {
  const SeriesInfo& info = s.info;
  const Geometry& g = info.geometry;
  nlohmann::json j = {{"file", file},
                      {"name", info.name},
                      {"frames", info.frames},
                      {"shape", {g.ny, g.nx}},
                      {"dtype", name_of(info.dtype)},
                      {"is_growing", s.is_growing},
                      {"start_time", info.start_time},
                      {"frame_time_s", info.frame_time_s},
                      {"count_time_s", info.count_time_s},
                      {"wavelength_angstrom", g.wavelength_angstrom},
                      {"distance_m", g.distance_m},
                      {"pixel_size_m", {g.pixel_size_y_m, g.pixel_size_x_m}},
                      {"detector", info.detector},
                      {"panels", g.panels_or_whole().size()},
                      {"masked", s.masked},
                      {"raw_bytes", s.raw_bytes},
                      {"bytes", s.file_bytes}};
  if (g.places.empty()) j["centre"] = {{"x", g.centre_x}, {"y", g.centre_y}};
  if (s.first_number) j["numbers"] = {*s.first_number, *s.last_number};
  if (s.peaks)
    j["peaks"] = {{"all", s.peaks->all},
                  {"least", s.peaks->least},
                  {"median", s.peaks->median},
                  {"most", s.peaks->most}};
  if (s.audit) j["audit"] = {{"frames", s.audit->frames}, {"hits", s.audit->hits}};
  return j;
}

}  // namespace etalon::cli
