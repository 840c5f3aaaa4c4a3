// Large pieces that are asked for again and again, frame by frame.
#pragma once

#include <cstddef>

namespace etalon {

// From now on, of pieces of 2 MiB and more that are given back, so many bytes are kept for the next
// that ask: in huge pages, whose first touch costs no more time. 0, as it is at first: none.
void keep_free_pages(std::size_t bytes);

}  // namespace etalon
