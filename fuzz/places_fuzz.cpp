// Lists of places: whatever is taken has finite positions, and counts what its frames hold.
#include <cmath>
#include <cstdlib>

#include "analyse/places.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto table = etalon::PlaceTable::parse({reinterpret_cast<const char*>(data), size});
  if (!table.ok()) return 0;
  std::uint64_t places = 0;
  for (const auto& [frame, list] : table->frames()) {
    places += list.size();
    for (const etalon::Place& place : list)
      if (!std::isfinite(place.x) || !std::isfinite(place.y)) std::abort();
    if (table->of_frame(frame).size() != list.size()) std::abort();
  }
  if (places != table->places()) std::abort();
  return 0;
}
