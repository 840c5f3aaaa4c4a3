#include "checkpoint.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "analyse/findings_part.hpp"
#include "cli.hpp"
#include "found_files.hpp"
#include "store/file.hpp"

namespace etalon::mpi {
namespace fs = std::filesystem;
namespace {

// Reads a file's bytes into `findings`, and its ranges into `done`.
Result<void> take_part(ByteSpan bytes, const std::string& about,
                       const std::vector<FrameRange>& ranges, Findings& findings,
                       std::set<std::uint64_t>& done) {
  ETALON_ASSIGN(const FindingsPart part, unpack_findings_part(bytes));
  if (part.about != about)
    return Error{Errc::usage, "is of another analysis: " + first_difference(part.about, about) +
                                  "; name another folder, or remove this one"};
  std::uint64_t frames = 0;
  for (const std::uint64_t range : part.ranges) {
    if (range >= ranges.size())
      return Error{Errc::malformed,
                   "has range " + std::to_string(range) + " of " + std::to_string(ranges.size())};
    if (done.contains(range))
      return Error{Errc::malformed, "range " + std::to_string(range) + " is in another file, too"};
    frames += ranges[range].frames();
  }
  ETALON_TRY(findings.merge(part.ranges, frames, part.findings));
  done.insert(part.ranges.begin(), part.ranges.end());
  return {};
}

}  // namespace

std::string Checkpoint::path_of(std::uint64_t generation, std::size_t number) const {
  return folder_ + "/" + text_of_name({generation, ranks_.rank(), number});
}

Result<void> Checkpoint::take_folder() {
  std::error_code failed;
  fs::create_directories(folder_, failed);
  if (failed) return Error{Errc::io, folder_ + ": cannot make: " + failed.message()};
  const std::string lock = folder_ + "/lock";
  lock_ = Fd(::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!lock_.valid()) return system_error(lock, "open");
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0)
    return Error{Errc::io, folder_ + ": another job uses this checkpoint"};
  return {};
}

Result<std::vector<std::uint64_t>> Checkpoint::load(const std::string& about,
                                                    const std::vector<FrameRange>& ranges,
                                                    Findings& findings) {
  ETALON_TRY(take_folder());
  ETALON_ASSIGN(const auto names, names_in(folder_));
  std::set<std::uint64_t> done;
  for (const FoundName& name : names) {
    generation_ = std::max(generation_, name.generation + 1);
    const std::string path = folder_ + "/" + text_of_name(name);
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) {  // a pipe would be waited for
      cli::note("etalon-mpi: " + path + ": not used: is no file");
      continue;
    }
    ETALON_ASSIGN(const Bytes bytes, read_file(path));
    const auto taken = take_part(bytes, about, ranges, findings, done);
    if (taken.ok()) continue;
    if (taken.error().code == Errc::usage) return Error(taken.error()).in(path);
    cli::note("etalon-mpi: " + path + ": not used: " + taken.error().message);
  }
  return std::vector<std::uint64_t>(done.begin(), done.end());
}

void Checkpoint::begin(const std::string& about) {
  if (!used()) return;
  about_ = ranks_.from_first(about);
  generation_ = ranks_.sum(ranks_.first() ? generation_ : 0);
}

Result<void> Checkpoint::save(std::vector<std::uint64_t> ranges, Findings& findings) {
  if (!used() || ranges.empty()) return {};
  std::ranges::sort(ranges);
  const Bytes found = findings.pack(ranges);
  const std::string path = path_of(generation_, written_);
  ETALON_ASSIGN(OutputFile file, OutputFile::create(path, true));
  ETALON_TRY(file.write(pack(FindingsPart{about_, std::move(ranges), found})));
  ETALON_TRY(file.commit());
  if (!findings.adds_up()) ++written_;
  return {};
}

void Checkpoint::remove() {
  if (!used()) return;
  std::error_code ignored;
  for (const std::string& path : all_files_of_ours(folder_)) fs::remove(path, ignored);
  fs::remove(folder_ + "/lock", ignored);
  lock_.reset();
  fs::remove(folder_, ignored);  // only when nothing else is in it
}

}  // namespace etalon::mpi
