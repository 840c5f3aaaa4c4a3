// The files of keys.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "stream/curve_keys.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace etalon;
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const std::string kind : {"public", "secret"}) {
    const auto key = parse_key(text, kind);
    if (key.ok() && text.find("etalon." + kind + " " + *key) != 0) std::abort();
  }
  return 0;
}
