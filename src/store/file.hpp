// Whole files in, and files out that appear under their name only when they are complete.
#pragma once

#include <limits>
#include <optional>
#include <string>

#include "base/posix.hpp"

namespace etalon {

// "-" is standard input. Errc::missing when there is no such file, Errc::io when it cannot be read,
// Errc::malformed when it has more than `most` bytes, as a device may, which never ends.
Result<Bytes> read_file(const std::string& path,
                        std::size_t most = std::numeric_limits<std::size_t>::max() / 2);
// For what people write: recipes, geometries.
inline constexpr std::size_t most_by_hand = std::size_t{1} << 26;

// Errc::usage when both names lead to one existing file: no output may replace what it is made
// from.
Result<void> refuse_same_file(const std::string& input, const std::string& output);

// "PATH: exists already; -f overwrites it".
Error exists_already(const std::string& path);

// Written as PATH.part.etalon in the same folder, synced and renamed by commit(), and the name
// synced, too; removed when destroyed before. The part is locked as long as its program lives: what
// a killed one left is written over by the next output of that name, and two programs cannot write
// one output at once.
// "-" is standard output, which commit() flushes. A device or pipe is written as it stands, and a
// link leads to the file that is replaced.
class OutputFile {
 public:
  // Errc::usage when `path` exists and not `overwrite`; Errc::io when the folder cannot be written,
  // or another program writes `path` just now.
  static Result<OutputFile> create(const std::string& path, bool overwrite);
  // The same for formats that must seek: Errc::usage for "-", devices and pipes.
  static Result<OutputFile> create_regular(const std::string& path, bool overwrite);
  // The part of `path` that a killed program left, as it is; none when there is none, or when its
  // program lives. Not removed when destroyed.
  static Result<std::optional<OutputFile>> left_behind(const std::string& path);
  ~OutputFile();
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&& other) noexcept;

  Result<void> write(ByteSpan bytes);
  Result<void> commit();
  // commit() in two steps, for regular files: all is on the disk, and has a name there; another
  // name than the one of create() may be given, in the same file system. Errc::usage when it is
  // taken and not to be replaced.
  Result<void> finish();
  Result<void> name_as(const std::string& path, bool replace);
  // Not removed when destroyed.
  void keep() { kept_ = true; }
  const std::string& temporary_path() const { return temporary_; }

 private:
  OutputFile() = default;
  void discard();

  std::string path_, temporary_;
  Fd fd_;
  bool kept_ = false;
};

}  // namespace etalon
