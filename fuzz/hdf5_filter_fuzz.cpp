// The filter as HDF5 calls it: the first byte is how many 32-bit settings follow, and whether to
// decode; the rest is the chunk.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "codec/hdf5_filter.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t count = data[0] & 31;
  const unsigned flags = (data[0] & 128) != 0 ? 0x0100 : 0;
  ++data, --size;
  if (size < 4 * count) return 0;
  std::vector<unsigned> values(count);
  if (count > 0) std::memcpy(values.data(), data, 4 * count);
  data += 4 * count, size -= 4 * count;
  // What a dataset of this size would take is HDF5's own choice; keep it small here.
  const auto settings = etalon::parse_cd_values(values);
  if (settings.ok() && settings->chunk.count() > (1U << 22)) return 0;
  void* buffer = std::malloc(size + 1);
  if (size > 0) std::memcpy(buffer, data, size);
  std::size_t buffer_size = size;
  const std::size_t done =
      etalon::run_hdf5_filter(flags, count, values.data(), size, &buffer_size, &buffer);
  if (done > buffer_size) std::abort();
  std::free(buffer);
  return 0;
}
