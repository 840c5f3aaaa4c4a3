// Whole files that were compressed with bzip2 or gzip.
#pragma once

#include "base/bytes.hpp"
#include "etalon/result.hpp"

namespace etalon {

// The bytes themselves when they start as neither format does. Errc::malformed when they are
// damaged, cut short, or more than `limit` bytes come out.
Result<Bytes> inflate_any(Bytes bytes, std::size_t limit);

}  // namespace etalon
