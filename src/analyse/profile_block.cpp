#include "analyse/profile_block.hpp"

#include <cstring>

// The number of frames (u64) and theirs; intensity and sigma of the frames; then of the sum
// intensity, sigma, signal, normalization, variance and pixels (f64).
namespace etalon {
namespace {

template <typename T>
void put_all(ByteWriter& out, const std::vector<T>& values) {
  out.append(std::as_bytes(std::span(values)));
}

template <typename T>
Result<void> get_all(ByteReader& in, std::vector<T>& values, std::size_t count) {
  if (count == 0) return {};
  ETALON_ASSIGN(const ByteSpan bytes, in.take(count * sizeof(T)));
  values.resize(count);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return {};
}

}  // namespace

void ProfileBlock::add(std::uint64_t number, const Profile& profile) {
  if (numbers.empty())
    sum = profile;
  else
    sum.add(profile);
  numbers.push_back(number);
  intensity.insert(intensity.end(), profile.intensity.begin(), profile.intensity.end());
  sigma.insert(sigma.end(), profile.sigma.begin(), profile.sigma.end());
}

void ProfileBlock::pack(ByteWriter& out) const {
  out.put(std::uint64_t{numbers.size()});
  put_all(out, numbers);
  for (const auto* values : {&intensity, &sigma, &sum.intensity, &sum.sigma, &sum.signal,
                             &sum.normalization, &sum.variance, &sum.pixels})
    put_all(out, *values);
}

Result<ProfileBlock> ProfileBlock::unpack(ByteReader& in, std::size_t bins, bool sigma) {
  ETALON_ASSIGN(const auto n, in.get<std::uint64_t>());
  if (n < 1 || n > frames)
    return Error{Errc::malformed, "profiles: a block of " + std::to_string(n) + " frames"};
  ProfileBlock block;
  ETALON_TRY(get_all(in, block.numbers, n));
  ETALON_TRY(get_all(in, block.intensity, n * bins));
  ETALON_TRY(get_all(in, block.sigma, sigma ? n * bins : 0));
  Profile& sum = block.sum;
  ETALON_TRY(get_all(in, sum.intensity, bins));
  ETALON_TRY(get_all(in, sum.sigma, sigma ? bins : 0));
  ETALON_TRY(get_all(in, sum.signal, bins));
  ETALON_TRY(get_all(in, sum.normalization, bins));
  ETALON_TRY(get_all(in, sum.variance, sigma ? bins : 0));
  ETALON_TRY(get_all(in, sum.pixels, bins));
  return block;
}

}  // namespace etalon
