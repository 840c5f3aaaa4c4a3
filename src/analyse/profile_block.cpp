#include "analyse/profile_block.hpp"

// The number of frames (u64) and theirs; intensity and sigma of the frames; then of the sum
// intensity, sigma, signal, normalization, variance and pixels (f64).
namespace etalon {

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
  out.put_all(numbers);
  for (const auto* values : {&intensity, &sigma, &sum.intensity, &sum.sigma, &sum.signal,
                             &sum.normalization, &sum.variance, &sum.pixels})
    out.put_all(*values);
}

Result<ProfileBlock> ProfileBlock::unpack(ByteReader& in, std::size_t bins, bool sigma) {
  ETALON_ASSIGN(const auto n, in.get<std::uint64_t>());
  if (n < 1 || n > frames)
    return Error{Errc::malformed, "profiles: a block of " + std::to_string(n) + " frames"};
  ProfileBlock block;
  ETALON_TRY(in.get_all(block.numbers, n));
  ETALON_TRY(in.get_all(block.intensity, n * bins));
  ETALON_TRY(in.get_all(block.sigma, sigma ? n * bins : 0));
  Profile& sum = block.sum;
  ETALON_TRY(in.get_all(sum.intensity, bins));
  ETALON_TRY(in.get_all(sum.sigma, sigma ? bins : 0));
  ETALON_TRY(in.get_all(sum.signal, bins));
  ETALON_TRY(in.get_all(sum.normalization, bins));
  ETALON_TRY(in.get_all(sum.variance, sigma ? bins : 0));
  ETALON_TRY(in.get_all(sum.pixels, bins));
  return block;
}

}  // namespace etalon
