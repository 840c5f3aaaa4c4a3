// Writes an NXmx HDF5 file whose images are Etalon chunks, by direct chunk write.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "codec/hdf5_filter.hpp"
#include "etalon/codec.hpp"
#include "etalon/peaks.hpp"
#include "etalon/result.hpp"
#include "frame/series.hpp"
#include "store/file.hpp"

namespace etalon {

// How images lie in the file. A file has one kind.
enum class FrameFilter {
  etalon,         // chunks of encode_chunk()
  deflate,        // byte shuffle and deflate, which every HDF5 program reads
  bitshuffle_lz4  // Bitshuffle's filter (32008) with LZ4, which readers of detectors' files bring
};
std::string_view name_of(FrameFilter filter);  // "etalon", "deflate", "bslz4"
Result<FrameFilter> parse_frame_filter(std::string_view name);

// Files are written under a temporary name beside `path` and renamed by finish(), so what has the
// name is whole. The same calls give the same bytes.
//
// Layout (N frames in the order of the calls; paths that are not NXmx's are marked *):
//   /entry/data/data (N, y, x)                          the images
//   /entry/instrument/detector/sequence_number (N)      number in the source series
//   /entry/instrument/detector/start_time (N)           seconds after /entry/start_time
//   /entry/result_1/{nPeaks (N), peakXPosRaw, peakYPosRaw, peakTotalIntensity (N, most peaks)} *
//   /entry/audit/{data (A, y, x), number, start_time, nPeaks, hit (A)}                   *
// Peak lists are as CXI and CrystFEL have them (pixel centres at integers, unused places
// 0). /cxi_version and /entry_1 * show the same to readers of CXI: cxi_view.hpp.
class NxmxWriter {
 public:
  // `bound` is recorded in cd_values so that the filter can describe the dataset.
  static Result<NxmxWriter> create(const std::string& path, const SeriesInfo& info,
                                   const Bound& bound, bool overwrite);
  // The same, and what is written can be read at once, also when the writer is killed, with HDF5's
  // SWMR (h5py: File(PATH.part.etalon, swmr=True)). Every 16 frames are shown; a frame is whole
  // when sequence_number has its row. Nothing is attached; without `audits` no frame is audited.
  static Result<NxmxWriter> create_live(const std::string& path, const SeriesInfo& info,
                                        const Bound& bound, bool overwrite, bool audits);
  // For frames of one kind, with or without lists of peaks.
  static Result<NxmxWriter> create_as(FrameFilter filter, bool with_peaks, const std::string& path,
                                      const SeriesInfo& info, bool overwrite);
  ~NxmxWriter();  // without finish(): removes the temporary file
  NxmxWriter(NxmxWriter&&) noexcept;
  NxmxWriter& operator=(NxmxWriter&&) noexcept;

  // `chunk` is one frame of the series' dtype and extents, shape (1, ny, nx), as encode_chunk gives
  // it. `number` is the frame's number in the source series; rows are in the order of the calls.
  Result<void> append(std::uint64_t number, double time_s, std::span<const std::byte> chunk,
                      const std::vector<Peak>& peaks);
  // The same without a look at the chunk, of which inspect_chunk() has said `about`.
  Result<void> append_inspected(std::uint64_t number, double time_s,
                                std::span<const std::byte> chunk, const StreamInfo& about,
                                const std::vector<Peak>& peaks);
  // A frame that is not one of the series, and is kept so that its rejection can be judged: with
  // the peaks that the judge counted, and whether it calls the frame a hit.
  Result<void> append_audited(std::uint64_t number, double time_s, std::span<const std::byte> chunk,
                              std::size_t peaks, bool hit);
  // A frame for any HDF5 program: byte shuffle and deflate in place of Etalon chunks. A file has
  // frames of one kind, Errc::usage otherwise.
  Result<void> append_raw(const Frame& frame);
  // The same from its pixels, and with its peaks where the file was created so.
  Result<void> append_pixels(std::uint64_t number, double time_s, std::span<const std::byte> pixels,
                             const std::vector<Peak>& peaks);
  // A frame of create_as(bitshuffle_lz4): `chunk` as the filter has it, which is DECTRIS's bslz4
  // (compress_dectris()).
  Result<void> append_bitshuffled(std::uint64_t number, double time_s,
                                  std::span<const std::byte> chunk, const std::vector<Peak>& peaks);
  // The images of all rows are in other files, one after the other: shown as a virtual dataset.
  // Instead of the images themselves, with append_row(). `file` is relative to this one.
  struct Piece {
    std::string file;
    std::uint64_t frames = 0;
  };
  Result<void> append_row(std::uint64_t number, double time_s, const std::vector<Peak>& peaks);
  Result<void> show_pieces(const std::vector<Piece>& pieces);
  // An extra dataset, for instance "/entry/truth/orientation"; groups on the way are made. `units`
  // may be empty.
  Result<void> attach(const std::string& dataset, const ArrayView& values,
                      const std::string& units);
  Result<void> finish();
  // The same without the name: a whole file that still has to be given one.
  Result<OutputFile> close();

 private:
  struct Impl;
  explicit NxmxWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace etalon
