// What scanners of files share: arrays are taken out of a file's bytes where they lie.
#pragma once

#include "store/file_scan.hpp"

namespace etalon {

class ScanBuilder {
 public:
  ScanBuilder(ByteSpan file, std::string format, const MustBeExact& exact);

  ByteSpan file() const { return file_; }
  std::string_view text() const { return text_of(file_); }
  Scan& scan() { return scan_; }

  // An array of zeros whose elements parts of the file will give. Errc::malformed when the file is
  // too short for it and those before.
  Result<std::uint32_t> add(std::string name, Role role, DType dtype, const Shape& shape);
  // Elements from `first` on lie at an offset. Errc::malformed when the file is shorter.
  Result<void> take_binary(std::uint32_t array, std::uint64_t first, std::uint64_t count,
                           std::uint64_t offset, bool big);
  // A whole array, if the file holds as many bytes.
  Result<std::uint32_t> add_binary(std::string name, Role role, DType dtype, const Shape& shape,
                                   std::uint64_t offset, bool big);
  // The characters [begin, end) are one base64 text of `lead` bytes and all elements. False, and
  // nothing is taken, where the text is not what encoding again makes.
  Result<bool> add_base64(std::string name, Role role, DType dtype, const Shape& shape,
                          std::uint64_t begin, std::uint64_t end, std::uint8_t lead);

  struct Column {
    std::string name;
    Role role;
    DType dtype;
    Shape shape;
  };
  // The words in [begin, end) are numbers: word i belongs to columns[row[i % row.size()]]. Indices
  // of the arrays; none, and nothing is taken, where they cannot be printed again.
  Result<std::vector<std::uint32_t>> add_text(const std::vector<Column>& columns,
                                              const std::vector<std::size_t>& row,
                                              std::uint64_t begin, std::uint64_t end);

  // The rest becomes skeleton. Errc::malformed when parts overlap.
  Result<Scan> finish();

 private:
  struct Hole {
    std::uint64_t begin, end;
    Segment segment;
    Bytes pattern;
  };

  ByteSpan file_;
  const MustBeExact& exact_;
  Scan scan_;
  std::vector<Hole> holes_;
  std::uint64_t left_;  // bytes that no array has taken
};

// Takes `count` words from `at` on, which moves behind the last. Errc::malformed when there are
// fewer.
Result<void> skip_words(std::string_view text, std::uint64_t count, std::size_t& at);

Result<Scan> scan_npz(ByteSpan file, const MustBeExact& exact);
Result<Scan> scan_vtk(ByteSpan file, const MustBeExact& exact);
Result<Scan> scan_vtu(ByteSpan file, const MustBeExact& exact);
Result<Scan> scan_netcdf(ByteSpan file, const MustBeExact& exact);
Result<Scan> scan_su2(ByteSpan file, const MustBeExact& exact);

}  // namespace etalon
