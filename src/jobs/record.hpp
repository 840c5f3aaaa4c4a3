// What the job runner keeps on disk: small files that are whole or not there, each with a checksum.
#pragma once

#include <string>

#include "base/cbor.hpp"
#include "etalon/result.hpp"

namespace etalon::jobs {

inline constexpr std::size_t max_record_bytes = std::size_t{8} << 20;

// "EJR1", length (u32), CRC-32C of the payload (u32), payload: one CBOR item; nothing after it.
Bytes pack_record(const cbor::Value& value);
// Errc::malformed names what is wrong.
Result<cbor::Value> unpack_record(ByteSpan file);

// Errc::missing when there is no such file, Errc::malformed when it is damaged.
Result<cbor::Value> read_record(const std::string& path);

enum class Durable : bool { no, yes };
enum class Existing : bool { replace, keep };

// Appears under `path` whole or not at all. With Durable::yes it survives a power cut once this
// returns. With Existing::keep the first writer wins: false when the file was there already.
Result<bool> write_record(const std::string& path, const cbor::Value& value, Durable durable,
                          Existing existing);

// Makes the directory's entries survive a power cut.
Result<void> sync_directory(const std::string& path);

}  // namespace etalon::jobs
