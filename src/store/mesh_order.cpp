#include <limits>

#include "store/ordering.hpp"

namespace etalon {
namespace {

constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

Error bad(const std::string& reason) { return {Errc::malformed, "topology: " + reason}; }

Result<std::vector<std::int64_t>> integers_of(const std::vector<Array>& arrays, std::uint32_t i) {
  if (i >= arrays.size() || is_float(arrays[i].dtype())) return bad("names no array of integers");
  std::vector<std::int64_t> out(arrays[i].count());
  visit(arrays[i].dtype(), [&](auto zero) {
    const auto in = arrays[i].as<decltype(zero)>();
    for (std::size_t k = 0; k < out.size(); ++k) out[k] = static_cast<std::int64_t>(in[k]);
  });
  return out;
}

// Cells end to end: those of nodes [ends[c - 1], ends[c]).
struct Cells {
  std::vector<std::uint32_t> nodes;
  std::vector<std::size_t> ends;
  std::uint64_t count;  // of nodes that there are

  Result<void> add(std::int64_t node, std::int64_t base) {
    const std::int64_t n = node - base;
    if (n < 0 || static_cast<std::uint64_t>(n) >= count)
      return bad("node " + std::to_string(node) + " of " + std::to_string(count));
    nodes.push_back(static_cast<std::uint32_t>(n));
    return {};
  }
  void end() { ends.push_back(nodes.size()); }
};

Result<void> add_table(Cells& cells, const Topology& t, const Array& array,
                       const std::vector<std::int64_t>& numbers) {
  if (array.shape().rank() != 2) return bad("is no table of cells");
  const std::size_t row = array.shape()[1], end = t.width == 0 ? row : t.skip + t.width;
  if (t.skip >= row || end > row) return bad("has not as many columns");
  for (std::size_t begin = 0; begin < numbers.size(); begin += row) {
    for (std::size_t c = t.skip; c < end; ++c) ETALON_TRY(cells.add(numbers[begin + c], t.base));
    cells.end();
  }
  return {};
}

Result<void> add_prefixed(Cells& cells, const Topology& t,
                          const std::vector<std::int64_t>& numbers) {
  for (std::size_t at = 0; at < numbers.size();) {
    const std::int64_t n = numbers[at++];
    if (n < 0 || static_cast<std::uint64_t>(n) > numbers.size() - at)
      return bad("a cell passes the end of its array");
    for (std::int64_t k = 0; k < n; ++k) ETALON_TRY(cells.add(numbers[at++], t.base));
    cells.end();
  }
  return {};
}

Result<void> add_by_offsets(Cells& cells, const Topology& t,
                            const std::vector<std::int64_t>& numbers,
                            const std::vector<std::int64_t>& offsets) {
  const bool rows = t.form == Topology::Form::rows;
  if (rows && offsets.size() != cells.count + 1) return bad("has not one row for each node");
  std::int64_t begin = rows ? offsets[0] : 0;
  for (std::size_t c = rows ? 1 : 0; c < offsets.size(); ++c) {
    const std::int64_t end = offsets[c];
    if (begin < 0 || end < begin || static_cast<std::uint64_t>(end) > numbers.size())
      return bad("offsets do not rise within their array");
    if (rows) ETALON_TRY(cells.add(static_cast<std::int64_t>(c - 1), 0));
    for (; begin < end; ++begin)
      ETALON_TRY(cells.add(numbers[static_cast<std::size_t>(begin)], t.base));
    cells.end();
  }
  return {};
}

Permutation walk(const Cells& cells) {
  // The cells of every node, end to end.
  std::vector<std::size_t> first(cells.count + 1);
  for (std::uint32_t n : cells.nodes) ++first[n + 1];
  for (std::size_t n = 0; n < cells.count; ++n) first[n + 1] += first[n];
  std::vector<std::uint32_t> cells_of(cells.nodes.size());
  std::vector<std::size_t> next(first.begin(), first.end() - 1);
  for (std::size_t c = 0, at = 0; c < cells.ends.size(); ++c)
    for (; at < cells.ends[c]; ++at)
      cells_of[next[cells.nodes[at]]++] = static_cast<std::uint32_t>(c);

  Permutation order;
  order.reserve(cells.count);
  std::vector<bool> met(cells.count), walked(cells.ends.size());
  std::size_t head = 0;
  for (std::uint32_t start = 0; start < cells.count; ++start) {
    if (met[start]) continue;
    met[start] = true;
    order.push_back(start);
    for (; head < order.size(); ++head) {
      const std::uint32_t node = order[head];
      for (std::size_t k = first[node]; k < first[node + 1]; ++k) {
        const std::uint32_t c = cells_of[k];
        if (walked[c]) continue;
        walked[c] = true;
        for (std::size_t at = c == 0 ? 0 : cells.ends[c - 1]; at < cells.ends[c]; ++at)
          if (const std::uint32_t n = cells.nodes[at]; !met[n]) {
            met[n] = true;
            order.push_back(n);
          }
      }
    }
  }
  return order;
}

}  // namespace

Result<Permutation> mesh_order(const std::vector<Topology>& topology,
                               const std::vector<Array>& arrays, std::uint64_t nodes) {
  Cells cells{{}, {}, nodes};
  for (const Topology& t : topology) {
    ETALON_ASSIGN(const auto numbers, integers_of(arrays, t.array));
    if (t.form == Topology::Form::table) {
      ETALON_TRY(add_table(cells, t, arrays[t.array], numbers));
    } else if (t.form == Topology::Form::prefixed) {
      ETALON_TRY(add_prefixed(cells, t, numbers));
    } else {
      ETALON_ASSIGN(const auto offsets, integers_of(arrays, t.offsets));
      ETALON_TRY(add_by_offsets(cells, t, numbers, offsets));
    }
  }
  if (nodes >= none || cells.ends.size() >= none) return bad("is too large");
  return walk(cells);
}

}  // namespace etalon
