#include "codec/counts_tables.hpp"

namespace etalon::codec {
namespace {

struct Choice {
  double bits = 0;
  std::uint64_t phase = 0;
};

Choice cheapest(const ValueHistogram& h, std::uint64_t step) {
  if (step == 1) return {entropy_bits(h), 0};
  Choice best{-1, 0};
  const std::uint64_t stride = (step + 31) / 32;
  std::array<std::uint32_t, 258> bins;
  for (std::uint64_t phase = 0; phase < step; phase += stride) {
    bins.fill(0);
    for (std::uint64_t v = 0; v < 256; ++v) bins[(v + phase) / step] += h[v];
    bins[257] = h[256];
    const double bits = entropy_bits(bins);
    if (best.bits < 0 || bits < best.bits) best = {bits, phase};
  }
  return best;
}

struct Group {
  std::size_t first_class;
  ValueHistogram histogram;
  Choice choice;
  double gain = 0;  // of joining the next group
};

Choice joined(const Group& a, const Group& b, std::uint64_t step) {
  ValueHistogram sum = a.histogram;
  for (std::size_t v = 0; v < sum.size(); ++v) sum[v] += b.histogram[v];
  return cheapest(sum, step);
}

}  // namespace

std::vector<Segment> choose_segments(std::uint8_t label,
                                     const std::vector<ValueHistogram>& histograms,
                                     std::uint64_t step) {
  constexpr double segment_bits = 8;
  std::vector<Group> groups;
  for (std::size_t c = 0; c < histograms.size(); ++c) {
    std::uint64_t total = 0;
    for (std::uint32_t h : histograms[c]) total += h;
    if (total != 0) groups.push_back({c, histograms[c], cheapest(histograms[c], step), 0});
  }
  const auto gain = [&](std::size_t i) {
    return groups[i].choice.bits + groups[i + 1].choice.bits + segment_bits -
           joined(groups[i], groups[i + 1], step).bits;
  };
  for (std::size_t i = 0; i + 1 < groups.size(); ++i) groups[i].gain = gain(i);
  while (groups.size() > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < groups.size(); ++i)
      if (groups[i].gain > groups[best].gain) best = i;
    if (groups[best].gain <= 0 && groups.size() <= max_tables / max_labels) break;
    groups[best].choice = joined(groups[best], groups[best + 1], step);
    for (std::size_t v = 0; v < groups[best].histogram.size(); ++v)
      groups[best].histogram[v] += groups[best + 1].histogram[v];
    groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    if (best + 1 < groups.size()) groups[best].gain = gain(best);
    if (best > 0) groups[best - 1].gain = gain(best - 1);
  }
  std::vector<Segment> segments;
  for (const Group& g : groups)
    segments.push_back(
        {label, segments.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(g.first_class),
         g.choice.phase});
  if (segments.empty()) segments.push_back({label, 0, 0});
  return segments;
}

}  // namespace etalon::codec
