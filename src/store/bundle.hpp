// A bundle: a file's skeleton (its bytes without its arrays) and the arrays, each coded by itself.
// formats/bundle.md writes the bytes down.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/codec.hpp"
#include "store/number_text.hpp"

namespace etalon {

// What an array is to its file. The numbers of all enums here are written in files.
enum class Role : std::uint8_t {
  values = 0,
  positions = 1,
  connectivity = 2,
  integers = 3,
  own = 4
};
std::string_view name_of(Role role);

// How elements stand in the file.
enum class Encoding : std::uint8_t { little = 0, big = 1, base64 = 2, text = 3 };

// One stretch of the file that is made from arrays, after `gap` bytes of the skeleton. All but text
// hold elements [first, first + count) of one array; base64 puts `lead` bytes before them, which
// hold their size. Text is `count` bytes of skeleton in which byte k + 1 stands for the next
// element of column k.
struct Segment {
  struct Column {
    std::uint32_t array = 0;
    NumberFormat format;
  };
  std::uint64_t gap = 0;
  Encoding encoding = Encoding::little;
  std::uint64_t first = 0, count = 0;
  std::uint8_t lead = 0;
  std::vector<Column> columns;  // one, but for text
};

// The cells of a mesh or the rows of a graph, out of integer arrays.
struct Topology {
  // table: rows of an array, `width` columns (0: all) from `skip` on; prefixed: a count, then as
  // many nodes; offsets: `offsets` has the end of every cell; rows: `offsets` has the begin of
  // every row and the last end, and a row's number belongs to it.
  enum class Form : std::uint8_t { table = 0, prefixed = 1, offsets = 2, rows = 3 };
  Form form = Form::table;
  std::uint32_t array = 0, offsets = 0;
  std::uint32_t skip = 0, width = 0;
  std::uint8_t base = 0;  // number of the first node
};

// How elements were put in order along one axis before coding.
enum class Order : std::uint8_t { none = 0, stored = 1, mesh = 2 };
// How integers were foretold: by nothing, the element before, the row before, or the first of a row
// by the row before and others by their left neighbour.
enum class Foretold : std::uint8_t { no = 0, before = 1, row = 2, within = 3 };
enum class Coding : std::uint8_t { container = 0, zstd = 1 };

struct BundleArray {
  std::string name;
  Role role = Role::values;
  DType dtype = DType::u8;
  Shape shape;
  Bound bound;
  Foretold foretold = Foretold::no;
  bool by_column = false;  // the last axis was coded first
  Order order = Order::none;
  std::uint8_t axis = 0;          // that was put in order
  std::uint32_t permutation = 0;  // Order::stored: the array that holds it
  bool has_mask = false;
  std::uint32_t mask = 0;  // the array that is 0 where elements are not valid
  std::uint64_t fill = 0;  // bits of what those come back as
  Coding coding = Coding::container;
  std::uint64_t size = 0;  // of the payload
  std::uint32_t checksum = 0;
};

struct BundlePlan {
  std::string format;  // of the file: "npz", "vtk", ...
  std::uint8_t packing =
      0;                   // zlib level the file was packed with, where that makes its bytes again
  bool reordered = false;  // elements come back in another order than they had
  bool unpacked = false;   // the file was compressed itself and comes back without that
  bool exact = false;      // the file comes back byte for byte
  std::uint64_t file_size = 0;      // of the original
  std::uint32_t file_checksum = 0;  // of the original
  std::vector<Topology> topology;
  std::uint64_t nodes = 0;  // that the topology is about
  std::vector<BundleArray> arrays;
  std::vector<Segment> segments;
  Bytes skeleton;
};

bool is_bundle(ByteSpan bytes);
// Header, plan and payloads, one for each array: sizes and checksums are put in here.
Result<Bytes> write_bundle(BundlePlan plan, const std::vector<Bytes>& payloads);

struct ParsedBundle {
  BundlePlan plan;
  std::vector<ByteSpan> payloads;  // in the bytes that were parsed
};
// Errc::malformed for anything formats/bundle.md does not allow.
Result<ParsedBundle> parse_bundle(ByteSpan bytes);

// All arrays in the file's order, in native bytes.
Result<std::vector<Array>> decode_arrays(const ParsedBundle& bundle, unsigned threads);
// The file from its decoded arrays.
Result<Bytes> rebuild_file(const BundlePlan& plan, const std::vector<Array>& arrays);
Result<Bytes> restore_file(ByteSpan bundle, unsigned threads);

}  // namespace etalon
