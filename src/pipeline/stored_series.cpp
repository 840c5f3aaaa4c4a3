#include "pipeline/stored_series.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <set>

#include "base/text.hpp"
#include "pipeline/analysis.hpp"
#include "store/file.hpp"
#include "store/nxmx_writer.hpp"
#include "store/series_reader.hpp"
#include "stream/message_body.hpp"

namespace etalon {
namespace fs = std::filesystem;

struct StoredSeries::Impl {
  SeriesInfo info;
  bool overwrite = false, replace = false, resumed = false;
  std::string target, path, veto_path;
  std::optional<NxmxWriter> writer;
  std::optional<StoredPieces> pieces;
  std::optional<OutputFile> file, table;  // file: closed, without its name
  std::set<std::uint64_t> numbers, veto_numbers;
  std::vector<FrameSum> kept_sums, chunk_sums, vetoed_sums, audit_sums;
  std::uint64_t audit_hits = 0, audit_bytes = 0, duplicates = 0, file_bytes = 0, checked = 0;
  std::vector<RegionInfo> regions;
  cbor::List manifest;
  struct Check {
    std::uint64_t row, number;
    FrameSum sum;
  };
  std::vector<Check> checks;
  Hash hash, veto_hash;

  Result<void> fits(const ShippedFrame& frame, const StreamInfo& chunk) const;
  void count(const StreamInfo& chunk);
  Result<void> store(const ShippedFrame& frame, const StreamInfo& chunk);
  Result<void> close_files();
  Result<void> add_row(const VetoRow& row);
  Result<void> add_audited(const ShippedFrame& frame);
  Result<void> read_again(const std::function<void()>& alive);
  Result<void> name_files();
  // The file of a killed program has the name and these bytes already.
  bool named_before(const std::string& name, const Hash& content) const;
};

namespace {

constexpr std::string_view table_head =
    "number,peaks,score,resolution_angstrom,audited,reason,raw_sum\n";

// "run.h5" -> "run.vetoes.csv"
std::string table_beside(const std::string& path) {
  return fs::path(path).replace_extension(".vetoes.csv").string();
}

std::string shown(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value,
                                     std::chars_format::general, 6)
                           .ptr};
}

// A name of a source becomes a name of a file.
std::string file_name(std::string name) {
  for (char& c : name)
    if (c == '/' || static_cast<unsigned char>(c) < 32) c = '_';
  if (name.empty() || name.front() == '.') name = "series" + name;
  if (name.size() > 200) name.resize(200);
  return name + ".h5";
}

// Where a link leads: its files lie together, so that they can be renamed.
std::string target_of(const StoredSeries::Options& options, const Hello& hello) {
  const fs::path path =
      fs::path(options.folder) / (options.file.empty() ? file_name(hello.info.name) : options.file);
  std::error_code none;
  if (!fs::is_symlink(path, none)) return path.string();
  const fs::path end = fs::canonical(path, none);
  return none ? path.string() : end.string();
}

bool taken(const std::string& path) {
  std::error_code unknown;  // what cannot be looked at cannot be made either, which says why
  return fs::exists(fs::symlink_status(path, unknown));
}

// The names of two files are exchanged, where the file system can do that.
bool swap_names(const std::string& a, const std::string& b) {
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
}

}  // namespace

StoredSeries::StoredSeries(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StoredSeries::~StoredSeries() = default;
StoredSeries::StoredSeries(StoredSeries&&) noexcept = default;
StoredSeries& StoredSeries::operator=(StoredSeries&&) noexcept = default;

Result<StoredSeries> StoredSeries::create(const Options& options, const Hello& hello) {
  auto impl = std::make_unique<Impl>();
  impl->info = hello.info;
  impl->overwrite = options.overwrite;
  impl->resumed = options.resumed;
  std::error_code error;
  fs::create_directories(options.folder, error);
  if (error) return Error{Errc::io, options.folder + ": cannot be made: " + error.message()};
  impl->target = target_of(options, hello);
  std::vector<std::string> outputs{impl->target, table_beside(impl->target)};
  if (options.analysed) outputs.push_back(powder_beside(impl->target));
  for (const std::string& path : outputs) {
    if (fs::is_directory(path, error)) return Error{Errc::usage, path + ": is a folder"};
    if (!options.overwrite && !options.resumed && taken(path)) return exists_already(path);
    if (!options.source.empty()) ETALON_TRY(refuse_same_file(options.source, path));
  }
  if (options.frames_per_file == 0) {
    ETALON_ASSIGN(impl->writer, NxmxWriter::create_live(impl->target, hello.info, hello.bound, true,
                                                        options.audited));
  } else {
    ETALON_ASSIGN(impl->writer, NxmxWriter::create(impl->target, hello.info, hello.bound, true));
    impl->pieces.emplace(impl->target, hello.info, hello.bound, options.frames_per_file);
  }
  ETALON_ASSIGN(impl->table, OutputFile::create_regular(outputs[1], true));
  ETALON_TRY(impl->table->write(bytes_of(table_head)));
  return StoredSeries(std::move(impl));
}

Result<void> StoredSeries::recover(const Options& options, const Hello& hello,
                                   const Ledger& ledger) {
  const std::string target = target_of(options, hello);
  ETALON_ASSIGN(auto series, OutputFile::left_behind(target));
  if (!series) return {};
  ETALON_ASSIGN(const Hash hash, sha256_file(series->temporary_path()));
  ETALON_ASSIGN(const std::vector<Hash> producers, ledger.producers(hash));
  if (producers.empty()) return {};  // it never was whole
  ETALON_ASSIGN(const Record record, ledger.get(producers.back()));
  ETALON_ASSIGN(auto table, OutputFile::left_behind(table_beside(target)));
  for (const Artifact& output : record.outputs) {
    if (output.role != "series" && output.role != "veto-table") continue;
    auto& file = output.role == "series" ? series : table;
    if (!file) continue;  // the table is named first: it has its name already
    ETALON_ASSIGN(const Hash content, sha256_file(file->temporary_path()));
    if (content != output.hash) continue;  // an older table that was to go
    // One that went on after a kill made the same file again, and was killed, too.
    const auto there = sha256_file(output.path);
    if (there.ok() && *there == output.hash) continue;
    auto named = file->name_as(output.path, false);
    if (!named.ok())
      return Error{
          named.error().code,
          file->temporary_path() + ": is whole and in the ledger as " + output.path +
              ", but has not got that name; move one of them away: " + named.error().message};
  }
  return {};
}

Result<void> StoredSeries::Impl::fits(const ShippedFrame& frame, const StreamInfo& chunk) const {
  const Shape wanted{1, info.geometry.ny, info.geometry.nx};
  if (chunk.dtype == info.dtype && chunk.shape == wanted) return {};
  return Error{Errc::malformed, "frame " + std::to_string(frame.number) + ": the chunk is " +
                                    std::string(name_of(chunk.dtype)) + " " +
                                    to_string(chunk.shape) + ", the series is " +
                                    std::string(name_of(info.dtype)) + " " + to_string(wanted)};
}

void StoredSeries::Impl::count(const StreamInfo& chunk) {
  for (const RegionInfo& part : chunk.regions) {
    auto sum = std::find_if(regions.begin(), regions.end(), [&](const RegionInfo& r) {
      return r.kind == part.kind && r.bound == part.bound;
    });
    if (sum == regions.end()) {
      regions.push_back(part);
      continue;
    }
    sum->elements += part.elements;
    sum->bytes += part.bytes;
    sum->max_error = std::max(sum->max_error, part.max_error);
  }
}

Result<void> StoredSeries::Impl::store(const ShippedFrame& frame, const StreamInfo& chunk) {
  if (!pieces)
    return writer->append_inspected(frame.number, frame.time_s, frame.chunk, chunk, frame.peaks);
  ETALON_TRY(pieces->append(frame.number, frame.time_s, frame.chunk, chunk, frame.peaks));
  return writer->append_row(frame.number, frame.time_s, frame.peaks);
}

Result<void> StoredSeries::Impl::close_files() {
  if (pieces) {
    ETALON_TRY(pieces->close());
    std::vector<NxmxWriter::Piece> shown;
    for (const StoredPieces::File& piece : pieces->files())
      shown.push_back({fs::path(piece.path).filename().string(), piece.frames});
    ETALON_TRY(writer->show_pieces(shown));
  }
  ETALON_ASSIGN(file, writer->close());
  return table->finish();
}

Result<void> StoredSeries::Impl::add_row(const VetoRow& row) {
  if (!veto_numbers.insert(row.number).second) {
    ++duplicates;
    return {};
  }
  vetoed_sums.push_back(row.raw_sum);
  std::string reason = row.reason;  // from outside: one field, one line
  std::replace_if(
      reason.begin(), reason.end(), [](unsigned char c) { return c < 32 || c == ',' || c == '"'; },
      ' ');
  return table->write(bytes_of(std::to_string(row.number) + "," + std::to_string(row.peaks) + "," +
                               shown(row.score) + "," + shown(row.resolution_angstrom) + "," +
                               (row.audited ? "1" : "0") + "," + reason + "," +
                               hex(std::as_bytes(std::span(row.raw_sum.bytes))) + "\n"));
}

Result<void> StoredSeries::Impl::add_audited(const ShippedFrame& frame) {
  const std::string where = "audited frame " + std::to_string(frame.number);
  if (veto_numbers.count(frame.number) != 0) {
    ++duplicates;
    return {};
  }
  auto chunk = inspect_chunk(frame.chunk);
  if (!chunk.ok()) return std::move(chunk).error().in(where);
  ETALON_TRY(fits(frame, *chunk));
  ETALON_TRY(writer->append_audited(frame.number, frame.time_s, frame.chunk, frame.peaks.size(),
                                    frame.rejected->judged_hit));
  audit_sums.push_back(frame_sum(frame.chunk));
  audit_bytes += frame.chunk.size();
  if (frame.rejected->judged_hit) ++audit_hits;
  return add_row(frame.rejected->row);
}

Result<void> StoredSeries::add(const ShippedFrame& frame) {
  if (frame.rejected) return impl_->add_audited(frame);
  if (impl_->numbers.count(frame.number) != 0) {
    ++impl_->duplicates;
    return {};
  }
  auto chunk = inspect_chunk(frame.chunk);
  if (!chunk.ok()) return std::move(chunk).error().in("frame " + std::to_string(frame.number));
  ETALON_TRY(impl_->fits(frame, *chunk));
  ETALON_TRY(impl_->store(frame, *chunk));
  if (frame.decoded_sum)
    impl_->checks.push_back({impl_->numbers.size(), frame.number, *frame.decoded_sum});
  impl_->numbers.insert(frame.number);
  impl_->kept_sums.push_back(frame.raw_sum);
  impl_->chunk_sums.push_back(frame_sum(frame.chunk));
  impl_->count(*chunk);
  impl_->manifest.push_back(cbor::List{frame.number, wire::to_bytes(sha256(frame.chunk).bytes)});
  return {};
}

Result<void> StoredSeries::add(const Vetoes& vetoes) {
  for (const VetoRow& row : vetoes.rows) ETALON_TRY(impl_->add_row(row));
  return {};
}

Result<void> StoredSeries::Impl::read_again(const std::function<void()>& alive) {
  if (checks.empty()) return {};
  ETALON_ASSIGN(const auto reader, open_series(file->temporary_path()));
  for (const Check& check : checks) {
    ETALON_ASSIGN(const Frame frame, reader->read(check.row));
    if (frame_sum(frame.image.view().bytes()) != check.sum)
      return Error{Errc::check, target + ": frame " + std::to_string(check.number) +
                                    ": the file does not give back what the edge measured"};
    ++checked;
    if (alive) alive();
  }
  return {};
}

bool StoredSeries::Impl::named_before(const std::string& name, const Hash& content) const {
  if (!resumed || !taken(name)) return false;
  const auto there = sha256_file(name);
  return there.ok() && *there == content;
}

void StoredSeries::rename(Naming naming) {
  Impl& i = *impl_;
  i.replace = naming == Naming::whole && i.overwrite;
  i.path = i.target;
  const std::string mark = naming == Naming::partial ? ".partial" : ".unrecorded";
  for (int n = 1; naming != Naming::whole; ++n) {
    const std::string ending = mark + (n == 1 ? "" : "-" + std::to_string(n)) + ".h5";
    i.path = fs::path(i.target).replace_extension(ending).string();
    if (i.named_before(i.path, i.hash)) break;
    if (!taken(i.path) && !taken(table_beside(i.path))) break;
  }
  i.veto_path = table_beside(i.path);
}

// The series last: where it has its name, its table is there too. A table that was there before
// takes the new one's place until the series is named, and goes then; only where the file system
// cannot exchange names is it lost to an error between the two.
Result<void> StoredSeries::name_files() {
  ETALON_TRY(impl_->name_files());
  if (impl_->pieces) impl_->pieces->keep();
  return {};
}

Result<void> StoredSeries::Impl::name_files() {
  Impl& i = *this;
  if (i.named_before(i.veto_path, i.veto_hash)) i.table.reset();
  if (i.named_before(i.path, i.hash)) i.file.reset();
  if (!i.file && !i.table) return {};
  if (!i.table) return i.file->name_as(i.path, i.replace);
  if (!i.file) return i.table->name_as(i.veto_path, i.replace);
  const std::string part = i.table->temporary_path();
  const bool exchanged = i.replace && taken(i.veto_path) && swap_names(part, i.veto_path);
  if (!exchanged) ETALON_TRY(i.table->name_as(i.veto_path, i.replace));
  auto named = i.file->name_as(i.path, i.replace);
  if (named.ok()) {
    i.table.reset();  // with the older table, if there was one
  } else if (exchanged) {
    swap_names(part, i.veto_path);
  } else if (!i.replace) {
    std::error_code ignored;
    fs::rename(i.veto_path, part, ignored);
  }
  return named;
}

const std::string& StoredSeries::keep() {
  if (impl_->pieces) impl_->pieces->keep();
  if (!impl_->file || impl_->file->temporary_path().empty()) return impl_->path;
  impl_->file->keep();
  if (impl_->table) impl_->table->keep();
  return impl_->file->temporary_path();
}

Result<void> StoredSeries::close(Naming naming, const std::function<void()>& alive) {
  ETALON_TRY(impl_->close_files());
  ETALON_TRY(impl_->read_again(alive));
  const auto hashed = [&](std::uint64_t) {
    if (alive) alive();
    return true;
  };
  ETALON_ASSIGN(impl_->hash, sha256_file(impl_->file->temporary_path(), hashed));
  ETALON_ASSIGN(impl_->veto_hash, sha256_file(impl_->table->temporary_path()));
  std::error_code error;
  impl_->file_bytes = fs::file_size(impl_->file->temporary_path(), error);
  for (const StoredPieces::File& piece : pieces()) impl_->file_bytes += piece.bytes;
  rename(naming);
  return {};
}

std::uint64_t StoredSeries::stored() const { return impl_->numbers.size(); }
std::uint64_t StoredSeries::vetoed() const { return impl_->veto_numbers.size(); }
std::uint64_t StoredSeries::audited() const { return impl_->audit_sums.size(); }
std::uint64_t StoredSeries::audit_hits() const { return impl_->audit_hits; }
std::uint64_t StoredSeries::audit_bytes() const { return impl_->audit_bytes; }
std::uint64_t StoredSeries::duplicates() const { return impl_->duplicates; }
const std::vector<RegionInfo>& StoredSeries::regions() const { return impl_->regions; }
Hash StoredSeries::manifest() const { return sha256(cbor::encode(impl_->manifest)); }
Hash StoredSeries::kept_root() const { return merkle_root(impl_->kept_sums); }
Hash StoredSeries::chunks_root() const { return merkle_root(impl_->chunk_sums); }
Hash StoredSeries::vetoed_root() const { return merkle_root(impl_->vetoed_sums); }
Hash StoredSeries::audited_root() const { return merkle_root(impl_->audit_sums); }
const std::string& StoredSeries::path() const { return impl_->path; }
const std::string& StoredSeries::veto_table() const { return impl_->veto_path; }
const std::vector<StoredPieces::File>& StoredSeries::pieces() const {
  static const std::vector<StoredPieces::File> none;
  return impl_->pieces ? impl_->pieces->files() : none;
}
std::uint64_t StoredSeries::file_bytes() const { return impl_->file_bytes; }
std::uint64_t StoredSeries::checked() const { return impl_->checked; }
const Hash& StoredSeries::hash() const { return impl_->hash; }
const Hash& StoredSeries::veto_hash() const { return impl_->veto_hash; }

}  // namespace etalon
