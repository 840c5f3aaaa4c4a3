#include "pipeline/recipe_value.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace etalon::recipe {
namespace {

std::string spelled(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

Error wrong(const std::string& reason) { return {Errc::usage, reason}; }

std::string kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "an array";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "an integer";
    case toml::node_type::floating_point:
      return "a number";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

// Edits (insert, delete, replace, swap of neighbours) from a to b.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

}  // namespace

Error at(const std::string& file, const toml::source_region& where, const std::string& reason) {
  return {Errc::usage, file + ":" + std::to_string(where.begin.line) + ":" +
                           std::to_string(where.begin.column) + ": " + reason};
}

Result<std::string> text(const toml::node& node) {
  if (const auto* value = node.as_string()) {
    if (value->get().find('\0') != std::string::npos) return wrong("holds a zero byte");
    return value->get();
  }
  return wrong("must be a text, not " + kind_of(node));
}

Result<bool> flag(const toml::node& node) {
  if (const auto* value = node.as_boolean()) return value->get();
  return wrong("must be true or false, not " + kind_of(node));
}

Result<std::uint64_t> count(const toml::node& node, std::uint64_t least, std::uint64_t most) {
  const auto* value = node.as_integer();
  if (value == nullptr) return wrong("must be an integer, not " + kind_of(node));
  if (value->get() < 0 || static_cast<std::uint64_t>(value->get()) < least ||
      static_cast<std::uint64_t>(value->get()) > most)
    return wrong(most > 1u << 31
                     ? "must be at least " + std::to_string(least)
                     : "must be from " + std::to_string(least) + " to " + std::to_string(most));
  return static_cast<std::uint64_t>(value->get());
}

Result<double> number(const toml::node& node, double least, double most) {
  double value = 0;
  if (const auto* f = node.as_floating_point())
    value = f->get();
  else if (const auto* i = node.as_integer())
    value = static_cast<double>(i->get());
  else
    return wrong("must be a number, not " + kind_of(node));
  if (!std::isfinite(value) || value < least || value > most)
    return wrong("must be from " + spelled(least) + " to " + spelled(most));
  return value;
}

Result<std::string> one_of(const toml::node& node, const std::vector<std::string>& choices) {
  ETALON_ASSIGN(std::string name, text(node));
  if (std::find(choices.begin(), choices.end(), name) != choices.end()) return name;
  return wrong("there is no \"" + name + "\"" + suggestion(name, choices));
}

std::string suggestion(std::string_view name, const std::vector<std::string>& choices) {
  if (choices.empty()) return "";
  if (name.size() <= 40) {
    const auto nearest = std::min_element(
        choices.begin(), choices.end(),
        [&](const auto& a, const auto& b) { return distance(name, a) < distance(name, b); });
    if (distance(name, *nearest) <= std::max<std::size_t>(1, nearest->size() / 3))
      return ", did you mean \"" + *nearest + "\"?";
  }
  std::string list;
  for (const std::string& choice : choices) list += (list.empty() ? "" : ", ") + choice;
  return "; there are: " + list;
}

}  // namespace etalon::recipe
