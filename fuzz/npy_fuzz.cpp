// Any bytes as a .npy file; what is accepted is written back as the same array.
#include <cstdint>
#include <cstdlib>

#include "store/npy.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace etalon;
  const auto array = parse_npy({reinterpret_cast<const std::byte*>(data), size});
  if (!array.ok()) return 0;
  Bytes again = npy_header(array->dtype(), array->shape());
  const ByteSpan elements = array->view().bytes();
  again.insert(again.end(), elements.begin(), elements.end());
  const auto back = parse_npy(again);
  if (!back.ok() || !(back->shape() == array->shape()) || back->dtype() != array->dtype())
    std::abort();
  return 0;
}
