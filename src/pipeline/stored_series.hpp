// The collector's files: the stored series, its pieces where it has several files, and the table of
// vetoed frames, under their names only when they are whole.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "etalon/codec.hpp"
#include "ledger/ledger.hpp"
#include "pipeline/stored_pieces.hpp"
#include "stream/message.hpp"

namespace etalon {

// What a name says of its file: NAME.h5, NAME.partial.h5, NAME.unrecorded.h5; the latter two with
// -2, -3, ... where the name is taken.
enum class Naming { whole, partial, unrecorded };

// Protocol: create (frame | vetoes)* close name_files. Destroyed before it has names: nothing is
// left, unless it was kept.
class StoredSeries {
 public:
  struct Options {
    std::string folder, file;  // FOLDER/FILE; file empty: NAME.h5, of the hello
    bool overwrite = false;
    std::string source;     // never overwritten
    bool analysed = false;  // NAME.powder.h5 will be made, too
    bool audited = false;   // audited frames may come
    bool resumed = false;   // a killed program may have come as far as naming the same files
    std::uint64_t frames_per_file = 0;  // 0: all images in one file, else in StoredPieces of it
  };
  // Errc::usage when one of the files that will be written exists and not `overwrite`; of a run
  // that is resumed, only when it gets its name, and is another one.
  static Result<StoredSeries> create(const Options& options, const Hello& hello);

  // A program that was killed after its record was in the ledger, and before its files had their
  // names, left them whole: they get their names now. Errc::usage when a name is taken: what is
  // recorded must not be written over.
  static Result<void> recover(const Options& options, const Hello& hello, const Ledger& ledger);
  ~StoredSeries();
  StoredSeries(StoredSeries&&) noexcept;
  StoredSeries& operator=(StoredSeries&&) noexcept;

  // Errc::malformed for a chunk that is not one frame of the series. A number that is there already
  // is counted as a duplicate and dropped.
  Result<void> add(const ShippedFrame& frame);
  Result<void> add(const Vetoes& vetoes);

  // Closes the files, reads the frames with a decoded_sum again and compares them (Errc::check),
  // hashes the files and chooses their names, which they do not have yet. `alive` is called after
  // each frame and each megabyte: large files take long.
  Result<void> close(Naming naming, const std::function<void()>& alive = {});
  // Gives the files the names that close() chose; an error leaves what had these names as it was.
  Result<void> name_files();
  // Chooses again.
  void rename(Naming naming);
  // Where the files lie that could not be named: they stay there.
  const std::string& keep();

  // Until close(): what has come so far.
  std::uint64_t stored() const;
  std::uint64_t vetoed() const;
  std::uint64_t audited() const;     // of the vetoed ones: stored whole
  std::uint64_t audit_hits() const;  // of these: called hits by the judge
  std::uint64_t audit_bytes() const;
  std::uint64_t duplicates() const;
  const std::vector<RegionInfo>& regions() const;  // summed over all chunks; [0] is the default
  Hash manifest() const;  // SHA-256 of [[number, SHA-256 of the chunk], ...] as CBOR
  // Merkle roots in the order of storing: of the kept frames as they were received, of their
  // chunks, of the vetoed frames as they were received, of the audited ones' chunks.
  Hash kept_root() const;
  Hash chunks_root() const;
  Hash vetoed_root() const;
  Hash audited_root() const;

  // After close().
  const std::string& path() const;
  const std::string& veto_table()
      const;  // CSV: number,peaks,score,resolution_angstrom,audited,reason,raw_sum
  const std::vector<StoredPieces::File>& pieces() const;  // none: all is in one file
  std::uint64_t file_bytes() const;                       // with the pieces
  std::uint64_t checked() const;
  const Hash& hash() const;
  const Hash& veto_hash() const;

 private:
  struct Impl;
  explicit StoredSeries(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace etalon
