#include "kernels/bit_shuffle/bit_shuffle.hpp"

#include "kernels/bit_shuffle/bit_shuffle_pass.hpp"
#include "kernels/dispatch.hpp"

namespace etalon {
namespace {

bit_shuffle_pass::Pass pass_over(ByteSpan in, std::span<std::byte> out, std::size_t size) {
  return {in.data(), out.data(), size, in.size() / size / 8};
}

bool has_vectors(std::size_t size) {
  return !use_reference() && (size == 1 || size == 2 || size == 4);
}

}  // namespace

void bit_shuffle(ByteSpan in, std::span<std::byte> out, std::size_t element_size) {
  const auto pass = pass_over(in, out, element_size);
  if (has_vectors(element_size)) return bit_shuffle_pass::shuffle_simd(pass);
  bit_shuffle_pass::shuffle_ref(pass, 0);
}

void bit_unshuffle(ByteSpan in, std::span<std::byte> out, std::size_t element_size) {
  const auto pass = pass_over(in, out, element_size);
  if (has_vectors(element_size)) return bit_shuffle_pass::unshuffle_simd(pass);
  bit_shuffle_pass::unshuffle_ref(pass, 0);
}

}  // namespace etalon
