// How the value of a key reaches its variable in the recipe.
#pragma once

#include "pipeline/recipe_keys.hpp"

namespace etalon::recipe {

using Read = std::function<Result<void>(Recipe&, const toml::node&)>;
inline constexpr std::uint64_t any = INT64_MAX;

// `pick` names the variable that a key sets: [](Recipe& r) -> auto& { return r.x.y; }
template <typename Pick>
Read text_to(Pick pick) {
  return [pick](Recipe& r, const toml::node& node) -> Result<void> {
    ETALON_ASSIGN(pick(r), text(node));
    return {};
  };
}
template <typename Pick>
Read flag_to(Pick pick) {
  return [pick](Recipe& r, const toml::node& node) -> Result<void> {
    ETALON_ASSIGN(pick(r), flag(node));
    return {};
  };
}
template <typename Pick>
Read count_to(Pick pick, std::uint64_t least, std::uint64_t most) {
  return [=](Recipe& r, const toml::node& node) -> Result<void> {
    ETALON_ASSIGN(const std::uint64_t n, count(node, least, most));
    pick(r) = static_cast<std::remove_reference_t<decltype(pick(r))>>(n);
    return {};
  };
}
template <typename Pick>
Read number_to(Pick pick, double least, double most) {
  return [=](Recipe& r, const toml::node& node) -> Result<void> {
    ETALON_ASSIGN(const double x, number(node, least, most));
    pick(r) = static_cast<std::remove_reference_t<decltype(pick(r))>>(x);
    return {};
  };
}

// NOLINTBEGIN(bugprone-macro-parentheses): a member's name.
#define PICK(member) \
  [](Recipe & r) -> auto& { return r.member; }
// NOLINTEND(bugprone-macro-parentheses)

}  // namespace etalon::recipe
