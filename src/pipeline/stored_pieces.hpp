// The images of a series that goes to several files, each of which gets its name when it is whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ledger/hash.hpp"
#include "store/nxmx_writer.hpp"

namespace etalon {

// STEM_000001_HASH.h5, STEM_000002_HASH.h5, ... beside STEM.h5: NXmx files of their own, with the
// numbers, times and peaks of their frames, readable while they are written. HASH is the beginning
// of the file's SHA-256: no run writes over the files of another one, and a run that is stored
// again finds its own.
class StoredPieces {
 public:
  struct File {
    std::string path;
    std::uint64_t frames = 0, bytes = 0;
    Hash hash;
    bool ours = false;  // it was not there before
  };

  StoredPieces(std::string target, SeriesInfo info, const Bound& bound,
               std::uint64_t frames_per_file)
      : target_(std::move(target)),
        info_(std::move(info)),
        bound_(bound),
        frames_per_file_(frames_per_file) {}
  // Removes what it made, unless that is to be kept.
  ~StoredPieces();
  StoredPieces(StoredPieces&&) noexcept = default;
  StoredPieces& operator=(StoredPieces&&) = delete;

  // `about`: what inspect_chunk() says of the chunk.
  Result<void> append(std::uint64_t number, double time_s, std::span<const std::byte> chunk,
                      const StreamInfo& about, const std::vector<Peak>& peaks);
  // Closes the last one. Errc::io when its name is taken by another file.
  Result<void> close();
  void keep();
  const std::vector<File>& files() const { return files_; }

 private:
  std::string target_;
  SeriesInfo info_;
  Bound bound_;
  std::uint64_t frames_per_file_;
  std::optional<NxmxWriter> writer_;
  std::uint64_t frames_ = 0;  // of the open one
  std::vector<File> files_;
};

}  // namespace etalon
