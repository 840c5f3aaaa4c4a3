// /entry/audit of an NXmx file: frames that are no part of the series.
#pragma once

#include <cstdint>
#include <span>

#include "store/growing.hpp"

namespace etalon {

// Written one by one, since they are few.
struct AuditColumns {
  h5::Growing images, numbers, times, peaks, hits;

  static Result<AuditColumns> create(hid_t file, const FilterSettings& settings);
  Result<void> append(std::uint64_t number, double time_s, std::span<const std::byte> chunk,
                      std::int32_t count, bool hit);
  // h5::show() for all; the numbers last.
  Result<void> show() const;
};

}  // namespace etalon
