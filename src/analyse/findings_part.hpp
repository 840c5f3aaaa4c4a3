// What was found in some ranges of an analysis, as bytes that outlive the process that found it.
//
// Little-endian: "EtalonAP", u32 version 1, then the length (u64) and the bytes of `about`, the
// number (u64) of ranges and their numbers (u64 each), the length (u64) and the bytes of
// `findings`, and the CRC-32C (u32) of all before.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/result.hpp"

namespace etalon {

struct FindingsPart {
  std::string about;                  // lines "name: value": what was analysed, and how
  std::vector<std::uint64_t> ranges;  // numbers, ascending
  ByteSpan findings;                  // of these ranges
};

Bytes pack(const FindingsPart& part);
// `findings` lies in `bytes`. Errc::malformed says what is wrong, and never trusts a length.
Result<FindingsPart> unpack_findings_part(ByteSpan bytes);

// Where two texts of lines differ first, "'bins: 100' and not 'bins: 200'"; empty: nowhere.
std::string first_difference(std::string_view is, std::string_view should_be);

}  // namespace etalon
