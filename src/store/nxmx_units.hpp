// Units as files write them.
#pragma once

#include <cmath>
#include <optional>
#include <span>
#include <string_view>

#include "store/hdf5.hpp"

namespace etalon {

struct Unit {
  std::string_view name;
  double factor;
};

inline constexpr Unit length_units[] = {{"", 1},
                                        {"m", 1},
                                        {"metre", 1},
                                        {"meter", 1},
                                        {"cm", 1e-2},
                                        {"mm", 1e-3},
                                        {"um", 1e-6},
                                        {"\xC2\xB5m", 1e-6},
                                        {"\xCE\xBCm", 1e-6},
                                        {"micron", 1e-6},
                                        {"nm", 1e-9},
                                        {"metres", 1},
                                        {"meters", 1},
                                        {"millimeter", 1e-3},
                                        {"millimetre", 1e-3},
                                        {"micrometer", 1e-6},
                                        {"micrometre", 1e-6},
                                        {"nanometer", 1e-9}};

inline constexpr Unit time_units[] = {{"", 1},
                                      {"s", 1},
                                      {"second", 1},
                                      {"seconds", 1},
                                      {"ms", 1e-3},
                                      {"millisecond", 1e-3},
                                      {"milliseconds", 1e-3},
                                      {"us", 1e-6},
                                      {"\xC2\xB5s", 1e-6},
                                      {"microsecond", 1e-6},
                                      {"microseconds", 1e-6},
                                      {"ns", 1e-9}};

inline constexpr Unit wavelength_units[] = {
    {"", 1},      {"angstrom", 1}, {"Angstrom", 1},     {"angstroms", 1},
    {"A", 1},     {"\xC3\x85", 1}, {"\xE2\x84\xAB", 1}, {"nm", 10},
    {"pm", 1e-2}, {"m", 1e10},     {"nanometer", 10}};

inline constexpr Unit angle_units[] = {{"", 1},
                                       {"deg", 1},
                                       {"degree", 1},
                                       {"degrees", 1},
                                       {"rad", 57.29577951308232},
                                       {"radian", 57.29577951308232},
                                       {"radians", 57.29577951308232}};

// In the first unit of the list; nothing for a unit that is not in it, since a guess would be
// worse.
inline std::optional<double> convert(const std::optional<h5::Number>& number,
                                     std::span<const Unit> units) {
  if (!number || !std::isfinite(number->value)) return std::nullopt;
  for (const Unit& u : units)
    if (u.name == number->units) return number->value * u.factor;
  return std::nullopt;
}

}  // namespace etalon
