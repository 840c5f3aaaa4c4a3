#include "pipeline/stored_series.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "store/series_reader.hpp"
#include "stream/message_body.hpp"

namespace etalon {
namespace fs = std::filesystem;

struct StoredSeries::Impl {
  SeriesInfo info;
  bool overwrite = false;
  std::string target, work, veto_work, path, veto_path;
  std::optional<NxmxWriter> writer;
  std::optional<OutputFile> table;
  std::set<std::uint64_t> numbers, veto_numbers;
  std::uint64_t duplicates = 0, file_bytes = 0, checked = 0;
  std::vector<RegionInfo> regions;
  cbor::List manifest;
  struct Check {
    std::uint64_t row, number;
    FrameSum sum;
  };
  std::vector<Check> checks;
  Hash hash, veto_hash;

  ~Impl() {  // what has no name yet is nobody's
    writer.reset();
    std::error_code ignored;
    if (!work.empty()) fs::remove(work, ignored);
    if (!veto_work.empty()) fs::remove(veto_work, ignored);
  }
  Result<void> fits(const ShippedFrame& frame, const StreamInfo& chunk) const;
  void count(const StreamInfo& chunk);
  Result<void> read_again(const std::function<void()>& alive);
  Result<void> name_files(bool complete);
};

namespace {

// "run.h5" -> "run.vetoes.csv"
std::string table_beside(const std::string& path) {
  return fs::path(path).replace_extension(".vetoes.csv").string();
}

// A name of a source becomes a name of a file.
std::string file_name(std::string name) {
  for (char& c : name)
    if (c == '/' || static_cast<unsigned char>(c) < 32) c = '_';
  if (name.empty() || name.front() == '.') name = "series" + name;
  if (name.size() > 200) name.resize(200);
  return name + ".h5";
}

Error exists(const std::string& path) {
  return {Errc::usage, path + ": exists already; -f overwrites it"};
}

Result<void> rename_to(const std::string& from, const std::string& to, bool overwrite) {
  const unsigned flags = overwrite ? 0 : RENAME_NOREPLACE;
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0) return {};
  // Not every file system knows RENAME_NOREPLACE.
  if (errno == EINVAL && !overwrite && ::link(from.c_str(), to.c_str()) == 0) {
    ::unlink(from.c_str());
    return {};
  }
  if (errno == EEXIST) return exists(to);
  return Error{Errc::io, to + ": cannot be renamed to from " + from + ": " + std::strerror(errno)};
}

std::string hex(const FrameSum& sum) {
  std::string out;
  char two[3];
  for (std::uint8_t b : sum.bytes) {
    std::snprintf(two, sizeof two, "%02x", b);
    out += two;
  }
  return out;
}

}  // namespace

StoredSeries::StoredSeries(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StoredSeries::~StoredSeries() = default;
StoredSeries::StoredSeries(StoredSeries&&) noexcept = default;
StoredSeries& StoredSeries::operator=(StoredSeries&&) noexcept = default;

Result<StoredSeries> StoredSeries::create(const std::string& folder, const std::string& file,
                                          const Hello& hello, bool overwrite,
                                          const std::string& source) {
  auto impl = std::make_unique<Impl>();
  impl->info = hello.info;
  impl->overwrite = overwrite;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Error{Errc::io, folder + ": cannot be made: " + error.message()};
  const std::string name = file.empty() ? file_name(hello.info.name) : file;
  impl->target = (fs::path(folder) / name).string();
  for (const std::string& path : {impl->target, table_beside(impl->target)})
    if (!overwrite && fs::exists(path, error)) return exists(path);
  if (!source.empty()) ETALON_TRY(refuse_same_file(source, impl->target));
  ETALON_ASSIGN(const RunId id, RunId::random());
  std::uint32_t salt;
  std::memcpy(&salt, id.bytes.data(), sizeof salt);
  char suffix[16];
  std::snprintf(suffix, sizeof suffix, "%08x", salt);
  const std::string work = (fs::path(folder) / (".unfinished-" + std::string(suffix))).string();
  impl->work = work + ".h5";
  impl->veto_work = work + ".csv";
  ETALON_ASSIGN(impl->writer, NxmxWriter::create(impl->work, hello.info, hello.bound, false));
  ETALON_ASSIGN(impl->table, OutputFile::create(impl->veto_work, false));
  ETALON_TRY(impl->table->write(bytes_of("number,peaks,reason,raw_sum\n")));
  return StoredSeries(std::move(impl));
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

Result<void> StoredSeries::add(const ShippedFrame& frame) {
  if (impl_->numbers.count(frame.number) != 0) {
    ++impl_->duplicates;
    return {};
  }
  auto chunk = inspect_chunk(frame.chunk);
  if (!chunk.ok()) return std::move(chunk).error().in("frame " + std::to_string(frame.number));
  ETALON_TRY(impl_->fits(frame, *chunk));
  ETALON_TRY(impl_->writer->append(frame.number, frame.time_s, frame.chunk, frame.peaks));
  if (frame.decoded_sum)
    impl_->checks.push_back({impl_->numbers.size(), frame.number, *frame.decoded_sum});
  impl_->numbers.insert(frame.number);
  impl_->count(*chunk);
  impl_->manifest.push_back(cbor::List{frame.number, wire::to_bytes(sha256(frame.chunk).bytes)});
  return {};
}

Result<void> StoredSeries::add(const Vetoes& vetoes) {
  for (const VetoRow& row : vetoes.rows) {
    if (!impl_->veto_numbers.insert(row.number).second) {
      ++impl_->duplicates;
      continue;
    }
    std::string reason = row.reason;  // from outside: one field, one line
    std::replace_if(
        reason.begin(), reason.end(),
        [](unsigned char c) { return c < 32 || c == ',' || c == '"'; }, ' ');
    ETALON_TRY(
        impl_->table->write(bytes_of(std::to_string(row.number) + "," + std::to_string(row.peaks) +
                                     "," + reason + "," + hex(row.raw_sum) + "\n")));
  }
  return {};
}

Result<void> StoredSeries::Impl::read_again(const std::function<void()>& alive) {
  if (checks.empty()) return {};
  ETALON_ASSIGN(const auto reader, open_series(work));
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

Result<void> StoredSeries::Impl::name_files(bool complete) {
  path = target;
  for (int i = 1; !complete; ++i) {
    const std::string mark = i == 1 ? ".partial.h5" : ".partial-" + std::to_string(i) + ".h5";
    path = fs::path(target).replace_extension(mark).string();
    std::error_code ignored;
    if (!fs::exists(path, ignored) && !fs::exists(table_beside(path), ignored)) break;
  }
  veto_path = table_beside(path);
  const bool replace = complete && overwrite;
  // The series last: where it has its name, its table is there too.
  ETALON_TRY(rename_to(veto_work, veto_path, replace));
  if (auto named = rename_to(work, path, replace); !named.ok()) {
    ::unlink(veto_path.c_str());
    return named;
  }
  return {};
}

Result<void> StoredSeries::close(bool complete, const std::function<void()>& alive) {
  ETALON_TRY(impl_->writer->finish());
  ETALON_TRY(impl_->table->commit());
  ETALON_TRY(impl_->read_again(alive));
  const auto hashed = [&](std::uint64_t) {
    if (alive) alive();
    return true;
  };
  ETALON_ASSIGN(impl_->hash, sha256_file(impl_->work, hashed));
  ETALON_ASSIGN(impl_->veto_hash, sha256_file(impl_->veto_work));
  std::error_code error;
  impl_->file_bytes = fs::file_size(impl_->work, error);
  ETALON_TRY(impl_->name_files(complete));
  return {};
}

std::uint64_t StoredSeries::stored() const { return impl_->numbers.size(); }
std::uint64_t StoredSeries::vetoed() const { return impl_->veto_numbers.size(); }
std::uint64_t StoredSeries::duplicates() const { return impl_->duplicates; }
const std::vector<RegionInfo>& StoredSeries::regions() const { return impl_->regions; }
Hash StoredSeries::manifest() const { return sha256(cbor::encode(impl_->manifest)); }
const std::string& StoredSeries::path() const { return impl_->path; }
const std::string& StoredSeries::veto_table() const { return impl_->veto_path; }
std::uint64_t StoredSeries::file_bytes() const { return impl_->file_bytes; }
std::uint64_t StoredSeries::checked() const { return impl_->checked; }
const Hash& StoredSeries::hash() const { return impl_->hash; }
const Hash& StoredSeries::veto_hash() const { return impl_->veto_hash; }

}  // namespace etalon
