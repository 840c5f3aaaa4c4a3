#include <algorithm>
#include <array>
#include <deque>

#include "analyse/ring_pixels.hpp"
#include "base/thread_pool.hpp"

namespace etalon {
namespace {

// Far beyond what frames add up to, and far from overflowing when parts are added.
constexpr Int128 most_sum = Int128{1} << 112;
constexpr std::uint64_t most_frames = std::uint64_t{1} << 32;

Error malformed(const std::string& reason) { return {Errc::malformed, "correlation: " + reason}; }

void put(ByteWriter& out, Int128 value) {
  out.put(static_cast<std::uint64_t>(value));
  out.put(static_cast<std::int64_t>(value >> 64));
}

Result<Int128> get_sum(ByteReader& in) {
  ETALON_ASSIGN(const auto low, in.get<std::uint64_t>());
  ETALON_ASSIGN(const auto high, in.get<std::int64_t>());
  const Int128 value = Int128{high} * (Int128{1} << 64) + low;
  if (value > most_sum || value < -most_sum) return malformed("a sum that no frames have");
  return value;
}

}  // namespace

struct MultiTau::Impl {
  struct Sums {  // of a lag and a ring
    Int128 product = 0, before = 0, after = 0;
  };
  struct Level {
    std::deque<RingPixels> past;  // at most `channels`, the newest last
    std::uint64_t frames = 0;     // all that came
    std::vector<Sums> sums;       // [lag][ring]
  };
  QRings rings;
  std::size_t channels;
  std::unique_ptr<ThreadPool> pool;  // none: this thread alone
  std::vector<Level> levels;

  Impl(QRings r, std::size_t c, unsigned threads)
      : rings(std::move(r)),
        channels(c),
        pool(threads == 1 ? nullptr : std::make_unique<ThreadPool>(threads)) {}

  std::size_t first_lag(std::size_t level) const { return level == 0 ? 1 : channels / 2 + 1; }
  std::size_t lags(std::size_t level) const { return channels - first_lag(level) + 1; }
  // Of a lag at a level: every frame but the first few is the later one of a pair.
  std::uint64_t pairs(std::size_t level, std::size_t lag) const {
    const std::uint64_t frames = levels[level].frames;
    return frames > lag ? frames - lag : 0;
  }
  Level& level(std::size_t l) {
    if (l == levels.size()) levels.emplace_back().sums.resize(lags(l) * rings.count());
    return levels[l];
  }

  void add(std::size_t l, RingPixels frame) {
    Level& level = this->level(l);
    const std::size_t first = first_lag(l), known = level.past.size();
    const auto add_lag = [&](std::size_t i) {
      const RingPixels& before = level.past[known - (first + i)];
      for (std::size_t r = 0; r < rings.count(); ++r) {
        Sums& sums = level.sums[i * rings.count() + r];
        sums.product += before.times(frame, rings.begin[r], rings.begin[r + 1]);
        sums.before += before.sums[r];
        sums.after += frame.sums[r];
      }
    };
    if (known >= first) {
      const std::size_t count = std::min(known, channels) - first + 1;
      if (pool)
        pool->for_each(count, add_lag);
      else
        for (std::size_t i = 0; i < count; ++i) add_lag(i);
    }
    level.past.push_back(std::move(frame));
    if (level.past.size() > channels) level.past.pop_front();
    if (++level.frames % 2 != 0) return;
    const RingPixels &a = level.past[level.past.size() - 2], &b = level.past.back();
    const std::uint64_t bound = std::uint64_t{a.bound} + b.bound;
    const std::uint64_t coarser = l + 1 < levels.size() ? levels[l + 1].frames : 0;
    // Once sums of frames may not fit, the coarser level has seen its last: the next would be no
    // neighbour. The bound is the whole frame's, so parts of it end at the same frame.
    if (bound > most_counts || coarser + 1 != level.frames / 2) return;
    add(l + 1, RingPixels(rings, a.plus(b), static_cast<std::uint32_t>(bound)));
  }

  void pack(const Level& level, bool whole, ByteWriter& out) const {
    out.put(level.frames);
    for (const Sums& sums : level.sums)
      for (const Int128 sum : {sums.product, sums.before, sums.after}) put(out, sum);
    if (!whole) return;
    for (const RingPixels& frame : level.past) {
      out.put(frame.bound);
      for (std::size_t i = 0; i < frame.size(); ++i) out.put(frame.at(i));
    }
  }

  Result<void> unpack(ByteReader& in, bool whole) {
    const std::size_t l = levels.size();
    ETALON_ASSIGN(const auto frames, in.get<std::uint64_t>());
    if (frames == 0 || frames > (l == 0 ? most_frames : levels[l - 1].frames / 2))
      return malformed(std::to_string(frames) + " frames at level " + std::to_string(l));
    if (in.left() / (3 * sizeof(Int128)) < lags(l) * rings.count())
      return malformed("is truncated");
    Level& level = this->level(l);
    level.frames = frames;
    for (Sums& sums : level.sums)
      for (Int128* const sum : {&sums.product, &sums.before, &sums.after}) {
        ETALON_ASSIGN(*sum, get_sum(in));
      }
    const std::uint64_t past = whole ? std::min<std::uint64_t>(frames, channels) : 0;
    for (std::uint64_t i = 0; i < past; ++i) {
      ETALON_ASSIGN(const auto bound, in.get<std::uint32_t>());
      std::vector<std::int32_t> values;
      ETALON_TRY(in.get_all(values, rings.pixels.size()));
      if (bound > most_counts || std::ranges::any_of(values, [&](std::int64_t v) {
            return std::abs(v) > std::int64_t{bound};
          }))
        return malformed("a pixel beyond the bound of its frame");
      level.past.emplace_back(rings, std::move(values), bound);
    }
    return {};
  }
};

MultiTau::MultiTau(QRings rings, std::size_t channels, unsigned threads)
    : impl_(std::make_unique<Impl>(std::move(rings),
                                   std::clamp<std::size_t>(channels / 2 * 2, 4, 1024), threads)) {}
MultiTau::~MultiTau() = default;
MultiTau::MultiTau(MultiTau&&) noexcept = default;
MultiTau& MultiTau::operator=(MultiTau&&) noexcept = default;

Result<void> MultiTau::add(const ArrayView& image) {
  ETALON_ASSIGN(RingCounts counts, counts_of(impl_->rings, image));
  impl_->add(0, RingPixels(impl_->rings, std::move(counts.values), counts.largest));
  return {};
}

void MultiTau::add(std::span<const std::int32_t> counts, std::uint32_t largest) {
  impl_->add(0, RingPixels(impl_->rings, {counts.begin(), counts.end()}, largest));
}

Result<void> MultiTau::merge(const MultiTau& part, std::size_t first_ring) {
  auto& mine = impl_->levels;
  const auto& more = part.impl_->levels;
  const std::size_t rings = impl_->rings.count(), its_rings = part.impl_->rings.count();
  if (part.impl_->channels != impl_->channels || first_ring + its_rings > rings)
    return malformed("a part of other curves");
  for (std::size_t l = 0; mine.size() < more.size(); ++l) {
    if (l == 0 && !mine.empty()) return malformed("parts of different frames");
    impl_->level(l).frames = more[l].frames;
  }
  if (!std::ranges::equal(mine, more, {}, &Impl::Level::frames, &Impl::Level::frames))
    return malformed("parts of different frames");
  for (std::size_t l = 0; l < more.size(); ++l)
    for (std::size_t i = 0; i < impl_->lags(l); ++i)
      for (std::size_t r = 0; r < its_rings; ++r) {
        Impl::Sums& sums = mine[l].sums[i * rings + first_ring + r];
        const Impl::Sums& its = more[l].sums[i * its_rings + r];
        sums.product += its.product;
        sums.before += its.before;
        sums.after += its.after;
      }
  return {};
}

Bytes MultiTau::pack(bool whole) const {
  ByteWriter out;
  out.put(std::uint64_t{impl_->levels.size()});
  for (const Impl::Level& level : impl_->levels) impl_->pack(level, whole, out);
  return out.take();
}

Result<MultiTau> MultiTau::unpack(QRings rings, std::size_t channels, ByteSpan bytes, bool whole) {
  MultiTau out(std::move(rings), channels, 1);
  ByteReader in(bytes);
  ETALON_ASSIGN(const auto levels, in.get<std::uint64_t>());
  for (std::uint64_t l = 0; l < levels; ++l) ETALON_TRY(out.impl_->unpack(in, whole));
  if (!in.done()) return malformed("has " + std::to_string(in.left()) + " bytes too many");
  return out;
}

std::uint64_t MultiTau::frames() const {
  return impl_->levels.empty() ? 0 : impl_->levels.front().frames;
}
const QRings& MultiTau::rings() const { return impl_->rings; }

std::vector<Correlation> MultiTau::curve(std::size_t ring) const {
  std::vector<Correlation> curve;
  const std::size_t rings = impl_->rings.count();
  for (std::size_t l = 0; l < impl_->levels.size(); ++l) {
    for (std::size_t i = 0; i < impl_->lags(l); ++i) {
      const Impl::Sums& sums = impl_->levels[l].sums[i * rings + ring];
      const std::size_t lag = impl_->first_lag(l) + i;
      const std::uint64_t pairs = impl_->pairs(l, lag);
      if (pairs == 0 || sums.before <= 0 || sums.after <= 0) continue;
      const auto n = static_cast<double>(impl_->rings.size(ring)) * static_cast<double>(pairs);
      curve.push_back({lag << l, pairs,
                       static_cast<double>(sums.product) * n /
                           (static_cast<double>(sums.before) * static_cast<double>(sums.after))});
    }
  }
  return curve;
}

}  // namespace etalon
