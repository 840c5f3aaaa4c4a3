// Which frames are not kept, and which of those are kept whole all the same to be looked at again:
// docs/veto.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/binomial.hpp"
#include "frame/geometry.hpp"
#include "pipeline/recipe.hpp"

namespace etalon {

// What a veto looks at.
struct FrameFigures {
  std::uint64_t peaks = 0;
  double score = 0;  // sum over the peaks of the square root of their SNR
  // d of the veto.resolution_peaks-th peak by resolution; 0: that many there are not, or the
  // geometry does not say.
  double resolution_angstrom = 0;
};

class Veto {
 public:
  // Errc::usage for a rule on resolution where the geometry has no distance, pixel size or
  // wavelength.
  static Result<Veto> create(const Recipe::Veto& rules, const Geometry& geometry);

  FrameFigures figures(const std::vector<Peak>& peaks) const;
  // Empty: the frame is kept.
  std::string reason(const FrameFigures& figures) const;
  // The same, where another number of peaks is enough.
  std::string reason(const FrameFigures& figures, std::uint64_t min_peaks) const;

 private:
  Recipe::Veto rules_;
  Geometry geometry_;
  bool has_resolution_ = false;
};

// Which rejected frames are kept for the audit. A function of its arguments alone, so that threads,
// restarts and other programs agree: the first 53 bits (big-endian) of XXH3-128 over the XXH3-128
// of the series' name, the seed and the number (u64, little-endian), as a fraction, are below
// share.
class AuditDraw {
 public:
  AuditDraw(std::uint64_t seed, std::string_view series, double share);
  bool operator()(std::uint64_t number) const;

 private:
  std::array<std::byte, 32> key_{};
  double share_;
};

// The judge: finding as the recipe's [audit] says, or somewhat more sensitive than [find].
FinderSettings judge_settings(const Recipe& recipe);

// What an audit says. The rate is the share of the rejected frames that the judge calls hits.
struct AuditSummary {
  std::uint64_t rejected = 0, audited = 0, hits = 0, bytes = 0;
  double limit = 0;  // the upper limit that was asked for; 0: none

  double rate() const { return ratio_of(hits, audited); }
  Interval interval() const { return clopper_pearson(hits, audited); }
  // Audited frames that would show the limit, at the rate seen, or without a single hit.
  std::optional<std::uint64_t> needed() const { return trials_needed(limit, rate()); }
  std::optional<std::uint64_t> needed_at_best() const { return trials_needed(limit, 0); }
  bool limit_shown() const { return limit > 0 && audited > 0 && interval().high <= limit; }

 private:
  static double ratio_of(std::uint64_t a, std::uint64_t b) {
    return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
  }
};

}  // namespace etalon
