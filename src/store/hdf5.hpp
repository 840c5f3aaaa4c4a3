// The HDF5 C API as values: ids that close themselves, failures as text. Serial HDF5 is not
// thread-safe, so each function here holds one lock of the whole process while it calls the
// library.
#pragma once

#include <hdf5.h>

#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "etalon/array.hpp"
#include "etalon/result.hpp"

namespace etalon::h5 {

// Held round every call of the library. The first one turns HDF5's own printing off and registers
// the Etalon filter with this process.
class Lock {
 public:
  Lock();

 private:
  std::unique_lock<std::recursive_mutex> lock_;
};

// An id that is given back; -1 is none.
class Id {
 public:
  Id() = default;
  explicit Id(hid_t id) : id_(id) {}
  ~Id() { reset(); }
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  Id& operator=(Id&& other) noexcept {
    if (this != &other) {
      reset();
      id_ = std::exchange(other.id_, -1);
    }
    return *this;
  }
  operator hid_t() const { return id_; }
  bool ok() const { return id_ >= 0; }
  void reset();
  hid_t release() { return std::exchange(id_, -1); }  // the caller gives it back

 private:
  hid_t id_ = -1;
};

// "place: what HDF5 said": the innermost entry of its error stack, which is then cleared.
Error failure(Errc code, std::string_view place);

struct Filter {
  int id = 0;
  std::string name;
  std::vector<unsigned> cd_values;
};

// Rows of a virtual dataset, and where they come from; no rows: something else than whole rows.
struct VirtualPiece {
  std::uint64_t first = 0, rows = 0, source_first = 0;
  std::string file, dataset;  // the file as it is written there: "." is the same one
};

// A dataset of numbers that was opened for reading.
class Dataset {
 public:
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  const Shape& chunk() const { return chunk_; }  // rank 0: not chunked
  const std::vector<Filter>& filters() const { return filters_; }
  bool is_virtual() const { return virtual_; }
  const std::string& place() const { return place_; }  // "file: /path"

  // The hyperslab from `start` with extents `count`, both of this dataset's rank, into `out`, which
  // has that many elements of this dataset's type.
  Result<void> read(std::span<const std::size_t> start, std::span<const std::size_t> count,
                    const MutableArrayView& out) const;
  Result<Array> read_all() const;
  // What the elements take in the file, all filters applied.
  std::uint64_t stored_bytes() const;
  // Fails when elements of this many bytes cannot be what the file holds or do not fit this
  // machine.
  Result<void> check_size(std::size_t bytes) const;
  // The stored bytes of the chunk at an offset in elements. Empty when it was not written, or not
  // passed through the filters.
  Result<std::vector<std::byte>> read_chunk(std::span<const std::size_t> offset) const;
  // In the order of the rows. Empty when it is no virtual dataset.
  Result<std::vector<VirtualPiece>> virtual_pieces() const;

 private:
  friend class File;
  Id id_;
  Shape shape_, chunk_;
  DType dtype_ = DType::u8;
  std::vector<Filter> filters_;
  bool virtual_ = false;
  std::string place_;
};

// What an object's name leads to, without reading it.
struct Entry {
  std::string path;  // "/entry/data/data"
  std::string type;  // "u16", or HDF5's name of a class we do not read as numbers
  Shape shape;
  bool numeric = false;
};

// "/a (2x3 u16), /b (4 f32) and 7 more", for messages.
std::string list_of(const std::vector<Entry>& entries);

struct Number {
  double value = 0;
  std::string units;  // empty: the file says none
};

class File {
 public:
  // Errc::missing, or Errc::malformed when it is no HDF5 file or a damaged one.
  static Result<File> open(const std::string& path);

  const std::string& path() const { return path_; }
  hid_t id() const { return id_; }
  // Someone writes it, and lets others read, or was killed while doing so.
  bool is_growing() const { return is_growing_; }
  // Errc::missing names the datasets that exist; Errc::malformed for elements that are no numbers
  // of ours.
  Result<Dataset> dataset(const std::string& name) const;
  // All datasets in the order of their names, not following links to other files. At most 10000.
  std::vector<Entry> entries() const;
  bool exists(const std::string& name) const;  // an object that can be opened
  // Names of the members of a group.
  std::vector<std::string> members(const std::string& group) const;

  // The first element of a dataset of numbers; nothing when there is none.
  std::optional<Number> number(const std::string& name) const;
  std::optional<std::string> text(const std::string& name) const;
  // A text attribute of an object.
  std::optional<std::string> attribute(const std::string& object, const std::string& name) const;
  // An attribute of numbers, at most 16; nothing when there is none.
  std::optional<std::vector<double>> attribute_numbers(const std::string& object,
                                                       const std::string& name) const;
  // All elements as doubles; nothing when it is no such dataset or has more than `limit`.
  std::optional<std::vector<double>> numbers(const std::string& name, std::size_t limit) const;

 private:
  std::string path_;
  Id id_;
  bool is_growing_ = false;
};

// The type of elements in memory.
hid_t native_type(DType type);
// A number type of the file as ours; nothing for float16, strings, compounds, ...
std::optional<DType> dtype_of(hid_t type);
std::string describe_type(hid_t type);  // "float16", "string", "compound", ...

}  // namespace etalon::h5
