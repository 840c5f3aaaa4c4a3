// What ranks of an analysis send each other and keep in checkpoints: the part and what may be in
// it, which come back as the same bytes where they are accepted.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "analyse/azimuthal_series.hpp"
#include "analyse/crystal_series.hpp"
#include "analyse/findings_part.hpp"
#include "analyse/hits.hpp"
#include "analyse/photon_correlation.hpp"
#include "analyse/powder.hpp"

namespace {

using namespace etalon;

void check(bool holds) {
  if (!holds) std::abort();
}

void read_powder(ByteSpan bytes, DType dtype) {
  SeriesInfo info;
  info.dtype = dtype;
  info.geometry.ny = 3;
  info.geometry.nx = 4;
  auto powder = Powder::unpack(info, bytes);
  if (!powder.ok()) return;
  check(std::ranges::equal(powder->pack(), bytes));
  check(powder->merge(*powder).ok());
  (void)powder->variance();
  (void)powder->mean();
}

void read_hits(ByteSpan bytes) {
  auto hits = HitStatistics::unpack(bytes);
  if (!hits.ok()) return;
  check(HitStatistics::unpack(hits->pack()).ok());
  hits->merge(*hits);
  (void)hits->resolution_angstrom(0.5);
  (void)hits->sigma_peaks();
}

void read_blocks(ByteSpan bytes, bool sigma) {
  constexpr std::size_t bins = 5;
  ByteReader in(bytes);
  ProfileSeries series;
  for (std::size_t at = 0; !in.done(); at = in.offset()) {
    const auto block = ProfileBlock::unpack(in, bins, sigma);
    if (!block.ok()) return;
    ByteWriter out;
    block->pack(out);
    check(std::ranges::equal(out.buffer(), bytes.subspan(at, in.offset() - at)));
    series.append(*block);
  }
}

void read_stills(ByteSpan bytes) {
  ByteReader in(bytes);
  for (std::size_t at = 0; !in.done(); at = in.offset()) {
    const auto still = unpack_still(in);
    if (!still.ok()) return;
    ByteWriter out;
    pack(*still, out);
    check(std::ranges::equal(out.buffer(), bytes.subspan(at, in.offset() - at)));
  }
}

void read_curves(ByteSpan bytes, bool whole) {
  const QRings rings{{1, 2}, {0, 1, 2}, {0, 1, 3}};
  auto curves = MultiTau::unpack(rings, 4, bytes, whole);
  if (!curves.ok()) return;
  check(std::ranges::equal(curves->pack(whole), bytes));
  if (whole) curves->add(std::array{1, 2, 3}, 3);
  MultiTau sum(rings, 4, 1);
  check(sum.merge(*curves, 0).ok());
  (void)sum.curve(1);
}

void read_findings(ByteSpan bytes) {
  read_curves(bytes, true);
  read_curves(bytes, false);
  read_powder(bytes, DType::u16);
  read_powder(bytes, DType::i32);
  read_hits(bytes);
  read_blocks(bytes, false);
  read_blocks(bytes, true);
  read_stills(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteSpan bytes(reinterpret_cast<const std::byte*>(data), size);
  if (const auto part = unpack_findings_part(bytes); part.ok()) {
    check(std::ranges::equal(pack(*part), bytes));
    check(first_difference(part->about, part->about).empty());
    read_findings(part->findings);
  }
  read_findings(bytes);  // the checksum would keep a fuzzer out
  return 0;
}
