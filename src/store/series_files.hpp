// A series in one NXmx file, or in several with a master that shows them as one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/nxmx_writer.hpp"

namespace etalon {

// With `frames_per_file`, images go to STEM_000001.h5, STEM_000002.h5, ... beside STEM.h5, each an
// NXmx file of its own with its frames' numbers, times and peaks; STEM.h5 is the master, which has
// all numbers, times and peaks, and shows the images as a virtual dataset. All files get their
// names at the end, the master last; an error before leaves nothing, and older files as they were.
class SeriesFiles {
 public:
  struct Options {
    FrameFilter filter = FrameFilter::etalon;
    Bound bound;                        // etalon: recorded for the dataset
    std::uint64_t frames_per_file = 0;  // 0: all in one file
    bool overwrite = false;
  };
  static Result<SeriesFiles> create(const std::string& path, const SeriesInfo& info,
                                    const Options& options);

  // One frame as the filter has it: a chunk of encode_chunk() or of compress_dectris(), for deflate
  // the pixels as they are.
  Result<void> append(std::uint64_t number, double time_s, std::span<const std::byte> bytes,
                      const std::vector<Peak>& peaks);
  Result<void> finish();
  // The images' files, in order; the master is not among them. After finish().
  const std::vector<NxmxWriter::Piece>& pieces() const { return pieces_; }

 private:
  SeriesFiles(std::string path, SeriesInfo info, Options options, NxmxWriter master)
      : path_(std::move(path)),
        info_(std::move(info)),
        options_(options),
        master_(std::move(master)) {}
  Result<void> close_piece();
  Result<void> write(NxmxWriter& to, std::uint64_t number, double time_s,
                     std::span<const std::byte> bytes, const std::vector<Peak>& peaks) const;

  std::string path_;
  SeriesInfo info_;
  Options options_;
  NxmxWriter master_;
  std::optional<NxmxWriter> piece_;
  std::vector<NxmxWriter::Piece> pieces_;
  std::vector<OutputFile> closed_;
};

}  // namespace etalon
