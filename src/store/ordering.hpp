// Orders in which elements that lie near each other follow each other.
#pragma once

#include <cstdint>
#include <vector>

#include "etalon/array.hpp"
#include "etalon/result.hpp"
#include "store/bundle.hpp"

namespace etalon {

// permutation[k] is the old place of what comes k-th.
using Permutation = std::vector<std::uint32_t>;

// Particles along the Morton curve (G. M. Morton, IBM 1966) through their quantized positions:
// 2^21 steps an axis of three, 2^31 of one or two. Each array holds one coordinate, or a single one
// of shape (N, axes) all of them; numbers that are not finite come last. Errc::usage for more than
// three axes or lengths that differ.
Result<Permutation> morton_order(const std::vector<ArrayView>& positions);

// Nodes in the order in which a walk meets them, breadth first over cells that share nodes: from
// the lowest node not met yet, the cells of a node in their order, the nodes of a cell in theirs.
// Needs nothing but the connectivity, so it costs no bytes. Errc::malformed where a topology names
// nodes that are not there.
Result<Permutation> mesh_order(const std::vector<Topology>& topology,
                               const std::vector<Array>& arrays, std::uint64_t nodes);

// Errc::malformed when it is none of 0 .. n-1.
Result<Permutation> permutation_of(const ArrayView& numbers);

// Takes the elements along an axis in that order, or puts them back.
Array put_in_order(const ArrayView& array, std::size_t axis, const Permutation& order);
Array put_back(const ArrayView& array, std::size_t axis, const Permutation& order);
// (a, b) to (b, a), the last axis first.
Array by_column(const ArrayView& array);

}  // namespace etalon
