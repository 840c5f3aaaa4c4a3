// Whole files in, and files out that appear under their name only when they are complete.
#pragma once

#include <string>

#include "base/bytes.hpp"
#include "etalon/result.hpp"

namespace etalon {

// "-" is standard input. Errc::missing when there is no such file, Errc::io when it cannot be read.
Result<Bytes> read_file(const std::string& path);

// Written to a temporary file in the same folder, synced and renamed by commit(); removed when
// destroyed before.
// "-" is standard output, which commit() flushes. A device or pipe is written as it stands, and a
// link leads to the file that is replaced. Errc::usage when both names lead to one existing file:
// no output may replace what it is made from.
Result<void> refuse_same_file(const std::string& input, const std::string& output);

class OutputFile {
 public:
  // Errc::usage when `path` exists and not `overwrite`; Errc::io when the folder cannot be written.
  static Result<OutputFile> create(const std::string& path, bool overwrite);
  // The same for formats that must seek: Errc::usage for "-", devices and pipes.
  static Result<OutputFile> create_regular(const std::string& path, bool overwrite);
  ~OutputFile();
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&& other) noexcept;

  Result<void> write(ByteSpan bytes);
  Result<void> commit();
  const std::string& temporary_path() const { return temporary_; }

 private:
  OutputFile() = default;
  void discard();

  std::string path_, temporary_;
  int fd_ = -1;
};

}  // namespace etalon
