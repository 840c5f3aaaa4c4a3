// exp, log, sine and cosine from + - * / and bit operations alone: the same bits wherever IEEE 754
// double holds and contraction is off. libm's last bits differ between versions; these do not.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>

namespace etalon::exact {

inline constexpr double pi = 3.14159265358979323846;

// Relative error below 4e-16 for |x| <= 700; 0 below -700, infinity above 709.
double exp(double x);
// Of a positive, finite, normal x; error below 4e-16 + 4e-16 |log x|.
double log(double x);
// {sine, cosine} of 2 pi t, for |t| <= 2^50; error below 3e-16.
std::pair<double, double> sincos_turns(double t);
// log of k!, error below 1e-15 relative; k >= 0.
double log_factorial(std::uint64_t k);

}  // namespace etalon::exact
