#include "store/crystfel_geometry.hpp"

#include <charconv>
#include <cmath>
#include <set>

#include "store/file.hpp"
#include "store/number_text.hpp"
#include "store/remarks.hpp"

namespace etalon {
namespace {

constexpr std::size_t most_items = 4096;
constexpr std::size_t most_masks = 8;  // that are told of
constexpr double most_pixels = 1 << 20;
constexpr double ev_angstrom = 12398.419843320026;  // h c

Error wrong(const std::string& reason) { return {Errc::malformed, reason}; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// A number at the start of `text`, which is taken off; nothing when there is none.
std::optional<double> take_number(std::string_view& text) {
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || !std::isfinite(value)) return std::nullopt;
  text = trimmed(digits.substr(static_cast<std::size_t>(end - digits.data())));
  return value;
}

struct Unit {
  std::string_view name;
  double factor;
};

// A number with one of these units or none; 0 for what begins as the path of a dataset.
Result<double> quantity(std::string_view text, std::span<const Unit> units) {
  if (text.starts_with('/')) return 0.0;
  std::string_view rest = text;
  const auto value = take_number(rest);
  if (value && rest.empty()) return *value;
  for (const Unit& unit : units)
    if (value && rest == unit.name) return *value * unit.factor;
  return wrong("'" + std::string(text) + "' is no number in a unit that is known");
}

Result<double> number(std::string_view text) { return quantity(text, {}); }

// "+0.99x -0.01y z"
Result<Vector3> direction(std::string_view text) {
  Vector3 out{};
  std::string compact;
  for (const char c : text)
    if (!is_space(c)) compact += c;
  std::string_view rest = compact;
  while (!rest.empty()) {
    const bool minus = rest.front() == '-';
    if (minus || rest.front() == '+') rest.remove_prefix(1);
    double factor = 1;
    if (!rest.empty() && (std::isdigit(static_cast<unsigned char>(rest[0])) || rest[0] == '.'))
      factor = take_number(rest).value_or(NAN);
    if (rest.empty() || rest[0] < 'x' || rest[0] > 'z' || !std::isfinite(factor))
      return wrong("'" + std::string(text) + "' is no direction such as +0.99x -0.01y");
    out[static_cast<std::size_t>(rest[0] - 'x')] += minus ? -factor : factor;
    rest.remove_prefix(1);
    if (!rest.empty() && rest[0] != '+' && rest[0] != '-')
      return wrong("'" + std::string(text) + "': a sign is missing");
  }
  return out;
}

std::vector<std::string> list_of_names(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    out.emplace_back(trimmed(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// Extents as written: the last pixel belongs to them.
struct Extents {
  double min_fs = -1, max_fs = -1, min_ss = -1, max_ss = -1;
  double coffset_m = 0;
  bool has_x = false, has_y = false;
};

class Parser {
 public:
  Result<PanelGeometry> parse(std::string_view text) {
    std::size_t line = 0;
    while (!text.empty()) {
      ++line;
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view whole = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      auto done = take_line(trimmed(whole.substr(0, whole.find(';'))));
      if (!done.ok()) return std::move(done).error().in("line " + std::to_string(line));
    }
    return finish();
  }
  // Keys that name bad pixels in ways that are not taken, "mask, flag_morethan"; mostly empty.
  const std::string& not_taken() const { return not_taken_; }

 private:
  void note_mask(std::string_view key) {
    const bool names_pixels = key.starts_with("mask") || key.starts_with("flag_");
    if (!names_pixels || key == "mask_good" || key == "mask_bad" || key.size() > 40) return;
    if (seen_masks_.size() == most_masks || !seen_masks_.insert(std::string(key)).second) return;
    not_taken_ += (not_taken_.empty() ? "" : ", ") + std::string(key);
  }

  Result<void> take_line(std::string_view line) {
    if (line.empty()) return {};
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos)
      return wrong("'" + std::string(line.substr(0, 40)) + "': expected KEY = VALUE");
    const std::string_view name = trimmed(line.substr(0, equals));
    const std::string_view value = trimmed(line.substr(equals + 1));
    if (value.empty()) return wrong(std::string(name) + ": has no value");
    const std::size_t slash = name.find('/');
    auto done = slash == std::string_view::npos
                    ? set_for_all(name, value)
                    : set_of(std::string(name.substr(0, slash)), name.substr(slash + 1), value);
    if (!done.ok()) return std::move(done).error().in(std::string(name));
    return {};
  }

  Result<void> set_for_all(std::string_view key, std::string_view value) {
    if (key.starts_with("group_") || key.starts_with("rigid_group_")) {
      if (out_.groups.size() == most_items) return wrong("too many groups");
      out_.groups[std::string(key.substr(key.find("group_") + 6))] = list_of_names(value);
      return {};
    }
    constexpr Unit energies[] = {{"eV", 1}, {"keV", 1e3}, {"MeV", 1e6}};
    constexpr Unit lengths[] = {{"A", 1}, {"m", 1e10}};
    note_mask(key);
    if (key == "data") out_.data = value;
    if (key == "photon_energy") {
      ETALON_ASSIGN(out_.photon_energy_ev, quantity(value, energies));
    }
    if (key == "wavelength") {
      ETALON_ASSIGN(const double wavelength, quantity(value, lengths));
      out_.photon_energy_ev = wavelength > 0 ? ev_angstrom / wavelength : 0;
    }
    return set_of_panel(default_panel_, default_extents_, key, value);
  }

  Result<void> set_of(const std::string& owner, std::string_view key, std::string_view value) {
    if (owner.starts_with("bad")) return set_of_bad(owner, key, value);
    note_mask(key);
    const auto [at, fresh] = index_.try_emplace(owner, out_.panels.size());
    if (fresh) {
      if (out_.panels.size() == most_items) return wrong("too many panels");
      out_.panels.push_back(default_panel_);
      out_.panels.back().name = owner;
      extents_.push_back(default_extents_);
    }
    return set_of_panel(out_.panels[at->second], extents_[at->second], key, value);
  }

  static Result<void> set_of_panel(PlacedPanel& panel, Extents& extents, std::string_view key,
                                   std::string_view value) {
    const std::pair<std::string_view, double*> numbers[] = {
        {"min_fs", &extents.min_fs},  {"max_fs", &extents.max_fs},    {"min_ss", &extents.min_ss},
        {"max_ss", &extents.max_ss},  {"corner_x", &panel.corner_x},  {"corner_y", &panel.corner_y},
        {"res", &panel.pixels_per_m}, {"coffset", &extents.coffset_m}};
    for (const auto& [name, to] : numbers) {
      if (key != name) continue;
      ETALON_ASSIGN(*to, number(value));
    }
    extents.has_x |= key == "corner_x";
    extents.has_y |= key == "corner_y";
    constexpr Unit lengths[] = {{"m", 1}, {"mm", 1e-3}};
    if (key == "clen") {
      ETALON_ASSIGN(panel.distance_m, quantity(value, lengths));
    } else if (key == "fs") {
      ETALON_ASSIGN(panel.fs, direction(value));
    } else if (key == "ss") {
      ETALON_ASSIGN(panel.ss, direction(value));
    }
    return {};
  }

  Result<void> set_of_bad(const std::string& owner, std::string_view key, std::string_view value) {
    const auto [at, fresh] = bad_index_.try_emplace(owner, out_.bad.size());
    if (fresh) {
      if (out_.bad.size() == most_items) return wrong("too many bad regions");
      out_.bad.push_back({owner, "", false, 0, -1, 0, -1});
    }
    BadArea& area = out_.bad[at->second];
    if (key == "panel") {
      area.panel = value;
      return {};
    }
    const bool laboratory = key.ends_with("_x") || key.ends_with("_y");
    const std::pair<std::string_view, double*> numbers[] = {
        {"min_fs", &area.x0}, {"max_fs", &area.x1}, {"min_ss", &area.y0}, {"max_ss", &area.y1},
        {"min_x", &area.x0},  {"max_x", &area.x1},  {"min_y", &area.y0},  {"max_y", &area.y1}};
    for (const auto& [name, to] : numbers) {
      if (key != name) continue;
      ETALON_ASSIGN(*to, number(value));
      if (!laboratory && key.starts_with("max_")) *to += 1;
      const auto [kind, first] = bad_kind_.try_emplace(owner, laboratory);
      if (!first && kind->second != laboratory) return wrong("mixes x, y with fs, ss");
      area.in_laboratory = laboratory;
    }
    return {};
  }

  Result<PanelGeometry> finish() {
    if (out_.panels.empty()) return wrong("no panel: expected lines such as p0/min_fs = 0");
    for (std::size_t i = 0; i < out_.panels.size(); ++i) {
      PlacedPanel& panel = out_.panels[i];
      const Extents& e = extents_[i];
      const auto fits = [](double least, double most) {
        return least >= 0 && most >= least && most < most_pixels && least == std::floor(least) &&
               most == std::floor(most);
      };
      if (!fits(e.min_fs, e.max_fs) || !fits(e.min_ss, e.max_ss))
        return wrong("panel " + panel.name + ": min_fs, max_fs, min_ss, max_ss are no rectangle");
      if (!e.has_x || !e.has_y) return wrong("panel " + panel.name + ": no corner_x or corner_y");
      if (!(panel.pixels_per_m > 0)) return wrong("panel " + panel.name + ": no res above 0");
      panel.area = {static_cast<std::size_t>(e.min_ss), static_cast<std::size_t>(e.max_ss) + 1,
                    static_cast<std::size_t>(e.min_fs), static_cast<std::size_t>(e.max_fs) + 1};
      if (panel.distance_m != 0) panel.distance_m += e.coffset_m;
      out_.ny = std::max(out_.ny, panel.area.y1);
      out_.nx = std::max(out_.nx, panel.area.x1);
    }
    for (const BadArea& area : out_.bad)
      if (!area.panel.empty() && !index_.contains(area.panel))
        return wrong(area.name + ": no panel " + area.panel);
    return std::move(out_);
  }

  PanelGeometry out_;
  PlacedPanel default_panel_;
  Extents default_extents_;
  std::vector<Extents> extents_;  // of out_.panels
  std::map<std::string, std::size_t> index_, bad_index_;
  std::map<std::string, bool> bad_kind_;
  std::set<std::string> seen_masks_;
  std::string not_taken_;
};

}  // namespace

Result<PanelGeometry> parse_crystfel_geometry(std::string_view text) {
  return Parser().parse(text);
}

Result<PanelGeometry> read_crystfel_geometry(const std::string& path) {
  ETALON_ASSIGN(const Bytes bytes, read_file(path, most_by_hand));
  Parser parser;
  auto geometry = parser.parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!geometry.ok()) return std::move(geometry).error().in(path);
  if (!parser.not_taken().empty())
    remark(path + ": " + parser.not_taken() +
           ": not taken: what pixels are bad is known from bad regions, the images' own mask and "
           "--mask alone");
  return geometry;
}

Result<void> place_panels(const std::string& path, SeriesInfo& info) {
  constexpr std::uint32_t not_to_be_used = 1U << 8;  // NeXus pixel_mask: masked by the user
  ETALON_ASSIGN(const PanelGeometry panels, read_crystfel_geometry(path));
  auto placed = panels.placed_in(info.geometry);
  if (!placed.ok()) return std::move(placed).error().in(path);
  info.geometry = std::move(placed).value();
  ETALON_ASSIGN(const Mask good, panels.mask(info.geometry.ny, info.geometry.nx));
  info.pixel_mask.resize(good.size());
  for (std::size_t i = 0; i < good.size(); ++i)
    if (good[i] == 0) info.pixel_mask[i] |= not_to_be_used;
  return {};
}

}  // namespace etalon
