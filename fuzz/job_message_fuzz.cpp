// A caller's bytes as the job daemon reads them, in pieces; and the daemon's as the caller does.
#include <cstdlib>

#include "jobs/wire.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace etalon;
  if (size == 0) return 0;
  const std::size_t step = data[0] % 64 + 1;
  const ByteSpan bytes(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  jobs::MessageReader reader(std::size_t{1} << 16);
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    reader.add(bytes.subspan(at, std::min(step, bytes.size() - at)));
    while (true) {
      const auto message = reader.next();
      if (!message.ok()) return 0;
      if (!message->has_value()) break;
      if (const auto request = jobs::parse_request(**message); request.ok())
        if (!jobs::parse_request(jobs::to_cbor(*request)).ok()) std::abort();
      (void)jobs::check_reply(**message);
      if (const auto status = jobs::parse_status(**message); status.ok())
        if (!jobs::parse_status(jobs::to_cbor(*status)).ok()) std::abort();
    }
  }
  return 0;
}
