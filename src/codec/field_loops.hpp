// The fields engine's plain loops, compiled for every instruction set, with the same results.
#pragma once

#include <cstddef>
#include <cstdint>

namespace etalon::codec {

// out[i] = from[2 i]; the last one read is from[2 n - 2].
void every_second(const float* from, std::size_t n, float* out);
void every_second(const double* from, std::size_t n, double* out);
// out[2 i] = even[i], out[2 i + 1] = odd[i].
void interleave(const float* even, const float* odd, std::size_t n, float* out);
void interleave(const double* even, const double* odd, std::size_t n, double* out);

// Numbers as their low bytes, and bytes as numbers. Whether all are their own tokens.
bool narrow(const std::uint32_t* numbers, std::size_t n, std::uint8_t* tokens);
bool widen(const std::uint8_t* tokens, std::size_t n, std::uint32_t* numbers);

// out[i] = the sum of terms[t][i], two or more, added in order.
void sum_terms(const float* const* terms, std::size_t count, std::size_t n, double* out);
void sum_terms(const double* const* terms, std::size_t count, std::size_t n, double* out);

// Adds the sums of products of every two of m blocks, which have room for a few more.
inline constexpr std::size_t fit_block = 64, fit_room = fit_block + 4, fit_most = 13;
void products(const double (*v)[fit_room], std::size_t m, double (*sums)[fit_most]);

}  // namespace etalon::codec
