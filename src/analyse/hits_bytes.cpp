#include <cmath>

#include "analyse/hits.hpp"

// min_peaks (u32); frames, hits, peaks, squares (u64); the number (u64) of entries of the
// histogram, and of each its peaks (u32) and hits (u64); the number (u64) of resolutions, and those
// (f64).
namespace etalon {
namespace {

Error malformed(const std::string& reason) { return {Errc::malformed, "hits: " + reason}; }

}  // namespace

Bytes HitStatistics::pack() const {
  ByteWriter out;
  out.put(min_peaks_);
  for (const std::uint64_t n : {frames_, hits_, peaks_, squares_}) out.put(n);
  out.put(std::uint64_t{histogram_.size()});
  for (const auto& [peaks, hits] : histogram_) {
    out.put(peaks);
    out.put(hits);
  }
  out.put(std::uint64_t{resolutions_.size()});
  out.put_all(resolutions_);
  return out.take();
}

Result<HitStatistics> HitStatistics::unpack(ByteSpan bytes) {
  ByteReader in(bytes);
  ETALON_ASSIGN(const auto min_peaks, in.get<std::uint32_t>());
  HitStatistics out(min_peaks);
  for (std::uint64_t* const n : {&out.frames_, &out.hits_, &out.peaks_, &out.squares_}) {
    ETALON_ASSIGN(*n, in.get<std::uint64_t>());
  }
  // The sums are the histogram's, modulo 2^64 as they were added up.
  std::uint64_t hits = 0, peaks = 0, squares = 0;
  ETALON_ASSIGN(const auto entries, in.get<std::uint64_t>());
  for (std::uint64_t i = 0; i < entries; ++i) {
    ETALON_ASSIGN(const auto of_a_hit, in.get<std::uint32_t>());
    ETALON_ASSIGN(const auto count, in.get<std::uint64_t>());
    if (of_a_hit < min_peaks || count == 0 || count > out.frames_ - hits ||
        !out.histogram_.emplace(of_a_hit, count).second)
      return malformed(std::to_string(count) + " hits of " + std::to_string(of_a_hit) + " peaks");
    hits += count;
    peaks += count * of_a_hit;
    squares += count * of_a_hit * of_a_hit;
  }
  if (out.hits_ != hits || out.peaks_ != peaks || out.squares_ != squares)
    return malformed("sums that are not the histogram's");
  ETALON_ASSIGN(const auto resolutions, in.get<std::uint64_t>());
  if (resolutions > peaks || resolutions != in.left() / sizeof(double) ||
      in.left() % sizeof(double) != 0)
    return malformed(std::to_string(resolutions) + " resolutions in " + std::to_string(in.left()) +
                     " bytes");
  out.resolutions_.resize(resolutions);
  for (double& d : out.resolutions_) {
    ETALON_ASSIGN(d, in.get<double>());
    if (!std::isfinite(d)) return malformed("a resolution that is no number");
  }
  return out;
}

}  // namespace etalon
