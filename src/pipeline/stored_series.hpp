// The collector's files: the stored series and the table of vetoed frames, under their names only
// when they are whole.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "etalon/codec.hpp"
#include "ledger/ledger.hpp"
#include "store/file.hpp"
#include "store/nxmx_writer.hpp"
#include "stream/message.hpp"

namespace etalon {

// Protocol: create (frame | vetoes)* close. Destroyed before close: nothing is left.
class StoredSeries {
 public:
  // FOLDER/FILE (or NAME.h5) will be written. Errc::usage when it exists and not `overwrite`.
  static Result<StoredSeries> create(const std::string& folder, const std::string& file,
                                     const Hello& hello, bool overwrite,
                                     const std::string& source = {});
  ~StoredSeries();
  StoredSeries(StoredSeries&&) noexcept;
  StoredSeries& operator=(StoredSeries&&) noexcept;

  // Errc::malformed for a chunk that is not one frame of the series. A number that is there already
  // is counted as a duplicate and dropped.
  Result<void> add(const ShippedFrame& frame);
  Result<void> add(const Vetoes& vetoes);

  // Closes the files, reads the frames with a decoded_sum again and compares them (Errc::check),
  // and gives the files their names; NAME.partial.h5, NAME.partial-2.h5, ... when not `complete`.
  // `alive` is called after each frame and each megabyte: large files take long.
  Result<void> close(bool complete, const std::function<void()>& alive = {});

  // Until close(): what has come so far.
  std::uint64_t stored() const;
  std::uint64_t vetoed() const;
  std::uint64_t duplicates() const;
  const std::vector<RegionInfo>& regions() const;  // summed over all chunks; [0] is the default
  Hash manifest() const;  // SHA-256 of [[number, SHA-256 of the chunk], ...] as CBOR

  // After close().
  const std::string& path() const;
  const std::string& veto_table() const;  // CSV: number,peaks,reason,raw_sum
  std::uint64_t file_bytes() const;
  std::uint64_t checked() const;
  const Hash& hash() const;
  const Hash& veto_hash() const;

 private:
  struct Impl;
  explicit StoredSeries(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace etalon
