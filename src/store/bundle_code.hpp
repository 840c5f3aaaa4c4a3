// One array of a bundle to its payload and back: the smallest of the ways that a BundleArray can
// name.
#pragma once

#include "store/bundle.hpp"
#include "store/ordering.hpp"

namespace etalon {

struct CodeOptions {
  unsigned threads = 1;
  int level = default_level;
  const Permutation* mesh = nullptr;  // may be taken for an axis of its length
};

// Puts into `about` how it was coded; about.bound, .order (none or stored: elements are in that
// order already), .has_mask are set.
Result<Bytes> encode_array(const ArrayView& elements, BundleArray& about,
                           const CodeOptions& options);

// The elements in coded order turned back into shape: all but what other arrays say (order, mask).
Result<Array> decode_payload(const BundleArray& about, ByteSpan payload, unsigned threads);

}  // namespace etalon
