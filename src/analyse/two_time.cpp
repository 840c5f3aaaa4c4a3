#include <limits>

#include "analyse/ring_pixels.hpp"
#include "base/thread_pool.hpp"

namespace etalon {
namespace {

// Of pair (a, b), b not before a, of n frames.
std::size_t place_of(std::size_t n, std::size_t a, std::size_t b) {
  return a * n - a * (a + 1) / 2 + b;
}

}  // namespace

Result<void> PairSums::merge(const PairSums& part) {
  if (part.frames.size() != frames.size() || part.products.size() != products.size())
    return Error{Errc::malformed, "two-time: parts of different frames"};
  for (std::size_t i = 0; i < frames.size(); ++i) frames[i] += part.frames[i];
  for (std::size_t i = 0; i < products.size(); ++i) products[i] += part.products[i];
  return {};
}

Array PairSums::matrix(std::size_t pixels) const {
  const std::size_t n = frames.size();
  Array matrix(DType::f64, {n, n});
  const std::span<double> values = matrix.as<double>();
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = a; b < n; ++b) {
      const double both = static_cast<double>(frames[a]) * static_cast<double>(frames[b]);
      const auto sum = static_cast<double>(products[place_of(n, a, b)]);
      values[a * n + b] = values[b * n + a] = both > 0 ? sum * static_cast<double>(pixels) / both
                                                       : std::numeric_limits<double>::quiet_NaN();
    }
  return matrix;
}

struct TwoTime::Impl {
  QRings rings;
  std::uint64_t most;
  mutable ThreadPool pool;
  std::vector<RingPixels> frames;

  Impl(QRings r, std::uint64_t m, unsigned threads) : rings(std::move(r)), most(m), pool(threads) {}
};

TwoTime::TwoTime(QRings rings, std::uint64_t most_frames, unsigned threads)
    : impl_(std::make_unique<Impl>(std::move(rings), most_frames, threads)) {}
TwoTime::~TwoTime() = default;
TwoTime::TwoTime(TwoTime&&) noexcept = default;
TwoTime& TwoTime::operator=(TwoTime&&) noexcept = default;

Result<void> TwoTime::add(const ArrayView& image) {
  ETALON_ASSIGN(const RingCounts counts, counts_of(impl_->rings, image));
  return add(counts.values, counts.largest);
}

Result<void> TwoTime::add(std::span<const std::int32_t> counts, std::uint32_t largest) {
  if (impl_->frames.size() == impl_->most)
    return Error{Errc::usage, "two-time: more than " + std::to_string(impl_->most) + " frames"};
  impl_->frames.emplace_back(impl_->rings, std::vector(counts.begin(), counts.end()), largest);
  return {};
}

PairSums TwoTime::sums(std::size_t ring) const {
  const auto& frames = impl_->frames;
  const std::size_t n = frames.size(), from = impl_->rings.begin[ring],
                    to = impl_->rings.begin[ring + 1];
  PairSums sums;
  for (const RingPixels& frame : frames) sums.frames.push_back(frame.sums[ring]);
  sums.products.resize(n * (n + 1) / 2);
  impl_->pool.for_each(n, [&](std::size_t a) {
    for (std::size_t b = a; b < n; ++b)
      sums.products[place_of(n, a, b)] = frames[a].times(frames[b], from, to);
  });
  return sums;
}

Array TwoTime::matrix(std::size_t ring) const { return sums(ring).matrix(impl_->rings.size(ring)); }

}  // namespace etalon
