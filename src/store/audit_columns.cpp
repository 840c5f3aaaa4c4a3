#include "store/audit_columns.hpp"

namespace etalon {
namespace {

template <typename T>
ArrayView row_of(const T& value) {
  return view_of(std::span<const T>(&value, 1), {1});
}

}  // namespace

Result<AuditColumns> AuditColumns::create(hid_t file, const FilterSettings& settings) {
  const std::string group = "/entry/audit/";
  ETALON_TRY(h5::make_group(file, "/entry/audit", "NXcollection"));
  h5::Growing::Options plain, seconds, encoded;
  seconds.units = "s";
  encoded.etalon = &settings;
  const Shape column{256};
  ETALON_ASSIGN(auto images,
                h5::Growing::create(file, group + "data", settings.dtype, settings.chunk, encoded));
  ETALON_ASSIGN(auto numbers,
                h5::Growing::create(file, group + "number", DType::u64, column, plain));
  ETALON_ASSIGN(auto times,
                h5::Growing::create(file, group + "start_time", DType::f64, column, seconds));
  ETALON_ASSIGN(auto peaks, h5::Growing::create(file, group + "nPeaks", DType::i32, column, plain));
  ETALON_ASSIGN(auto hits, h5::Growing::create(file, group + "hit", DType::u8, column, plain));
  return AuditColumns{std::move(images), std::move(numbers), std::move(times), std::move(peaks),
                      std::move(hits)};
}

Result<void> AuditColumns::append(std::uint64_t number, double time_s,
                                  std::span<const std::byte> chunk, std::int32_t count, bool hit) {
  const auto hit_byte = static_cast<std::uint8_t>(hit);
  ETALON_TRY(images.append_chunk(chunk));
  ETALON_TRY(numbers.append(row_of(number)));
  ETALON_TRY(times.append(row_of(time_s)));
  ETALON_TRY(peaks.append(row_of(count)));
  return hits.append(row_of(hit_byte));
}

Result<void> AuditColumns::show() const {
  for (const h5::Growing* column : {&images, &times, &peaks, &hits, &numbers})
    ETALON_TRY(h5::show(column->id()));
  return {};
}

}  // namespace etalon
