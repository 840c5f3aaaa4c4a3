#include "pipeline/stored_pieces.hpp"

#include <cstdio>
#include <filesystem>

namespace etalon {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t name_digits = 12;  // of the hash

// "run.h5", 1 -> "run_000001.h5"; with a hash "run_000001_0123456789ab.h5"
std::string piece_path(const std::string& target, std::size_t number, const std::string& hash) {
  char counted[32];
  std::snprintf(counted, sizeof counted, "_%06zu", number);
  const fs::path whole(target);
  return (whole.parent_path() / (whole.stem().string() + counted + hash + ".h5")).string();
}

}  // namespace

StoredPieces::~StoredPieces() {
  std::error_code ignored;
  for (const File& file : files_)
    if (file.ours) fs::remove(file.path, ignored);
}

void StoredPieces::keep() {
  for (File& file : files_) file.ours = false;
}

Result<void> StoredPieces::append(std::uint64_t number, double time_s,
                                  std::span<const std::byte> chunk, const StreamInfo& about,
                                  const std::vector<Peak>& peaks) {
  if (frames_ == frames_per_file_) ETALON_TRY(close());
  if (!writer_) {
    ETALON_ASSIGN(writer_, NxmxWriter::create_live(piece_path(target_, files_.size() + 1, ""),
                                                   info_, bound_, true, false));
  }
  ETALON_TRY(writer_->append_inspected(number, time_s, chunk, about, peaks));
  ++frames_;
  return {};
}

Result<void> StoredPieces::close() {
  if (!writer_) return {};
  ETALON_ASSIGN(OutputFile part, writer_->close());
  writer_.reset();
  File file;
  file.frames = std::exchange(frames_, 0);
  ETALON_ASSIGN(file.hash, sha256_file(part.temporary_path()));
  std::error_code error;
  file.bytes = fs::file_size(part.temporary_path(), error);
  if (error) return Error{Errc::io, part.temporary_path() + ": " + error.message()};
  file.path = piece_path(target_, files_.size() + 1, "_" + file.hash.hex().substr(0, name_digits));
  if (const auto there = sha256_file(file.path); !there.ok() || *there != file.hash) {
    ETALON_TRY(part.name_as(file.path, false));
    file.ours = true;
  }
  files_.push_back(std::move(file));
  return {};
}

}  // namespace etalon
