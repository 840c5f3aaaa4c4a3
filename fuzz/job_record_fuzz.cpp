// A job's record file read as each of the records it may be, and what is accepted comes back equal.
#include <cstdlib>

#include "jobs/job_files.hpp"

namespace {

template <typename Record>
void read_as(const etalon::cbor::Value& value) {
  Record record, again;
  if (!from_cbor(value, record).ok()) return;
  const etalon::cbor::Value written = to_cbor(record);
  if (!from_cbor(written, again).ok() || !(to_cbor(again) == written)) std::abort();
}

void read_all(const etalon::cbor::Value& value) {
  using namespace etalon::jobs;
  read_as<SpecRecord>(value);
  read_as<ClaimRecord>(value);
  read_as<StartedRecord>(value);
  read_as<ControlRecord>(value);
  read_as<ResultRecord>(value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const etalon::ByteSpan bytes(reinterpret_cast<const std::byte*>(data), size);
  if (const auto value = etalon::jobs::unpack_record(bytes); value.ok()) {
    read_all(*value);
    if (!etalon::jobs::unpack_record(etalon::jobs::pack_record(*value)).ok()) std::abort();
  }
  // The same behind the checksum, which would keep a fuzzer out.
  if (const auto value = etalon::cbor::decode(bytes, {16, 10000}); value.ok()) read_all(*value);
  (void)etalon::jobs::parse_process_stat(etalon::text_of(bytes));
  return 0;
}
