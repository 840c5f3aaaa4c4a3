// TOML values into variables, with errors that say where.
#pragma once

#include <toml++/toml.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "etalon/result.hpp"

namespace etalon::recipe {

// "FILE:LINE:COLUMN: reason", Errc::usage.
Error at(const std::string& file, const toml::source_region& where, const std::string& reason);

// Each says what is wrong without saying where; the caller knows.
Result<std::string> text(const toml::node& node);
Result<bool> flag(const toml::node& node);
Result<std::uint64_t> count(const toml::node& node, std::uint64_t least, std::uint64_t most);
Result<double> number(const toml::node& node, double least, double most);
Result<std::string> one_of(const toml::node& node, const std::vector<std::string>& choices);

// ", did you mean \"snr\"?" when a choice is near, else the choices; for a name that is none.
std::string suggestion(std::string_view name, const std::vector<std::string>& choices);

}  // namespace etalon::recipe
