// The part of a checkpoint that keeps a state which all ranks have a share of.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "analyse/findings_part.hpp"
#include "checkpoint.hpp"
#include "cli.hpp"
#include "found_files.hpp"
#include "store/file.hpp"

namespace etalon::mpi {
namespace {

// Adds a file of a generation; `seen`: its parts so far.
Result<void> take_file(const std::string& path, const std::string& about, std::size_t parts,
                       const FramesOfParts& frames_of, Generation& all,
                       std::set<std::uint64_t>& seen) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored))  // a pipe would be waited for
    return Error{Errc::malformed, "is no file"};
  ETALON_ASSIGN(const Bytes bytes, read_file(path));
  ETALON_ASSIGN(const FindingsPart part, unpack_findings_part(bytes));
  if (part.about != about)
    return Error{Errc::usage, "is of another analysis: " + first_difference(part.about, about) +
                                  "; name another folder, or remove this one"};
  if (part.ranges.empty()) return Error{Errc::malformed, "has no part"};
  for (const std::uint64_t number : part.ranges)
    if (number >= parts || !seen.insert(number).second)
      return Error{Errc::malformed, "has part " + std::to_string(number) + " of " +
                                        std::to_string(parts) + ", or another file has it, too"};
  ETALON_ASSIGN(const std::uint64_t frames, frames_of(part.ranges, part.findings));
  if (!all.files.empty() && frames != all.frames)
    return Error{Errc::malformed, "is at frame " + std::to_string(frames) + ", and others at " +
                                      std::to_string(all.frames)};
  all.frames = frames;
  all.files.push_back({path, part.ranges.front(), part.ranges.back()});
  return {};
}

}  // namespace

Result<Generation> Checkpoint::load_newest(const std::string& about, std::size_t parts,
                                           const FramesOfParts& frames) {
  ETALON_TRY(take_folder());
  ETALON_ASSIGN(const auto names, names_in(folder_));
  std::map<std::uint64_t, std::vector<std::string>, std::greater<>> generations;
  for (const FoundName& name : names)
    generations[name.generation].push_back(folder_ + "/" + text_of_name(name));
  if (!generations.empty()) generation_ = generations.begin()->first + 1;
  for (const auto& [number, paths] : generations) {
    Generation all;
    std::set<std::uint64_t> seen;
    bool damaged = false;
    for (const std::string& path : paths) {
      const auto taken = take_file(path, about, parts, frames, all, seen);
      if (taken.ok()) continue;
      if (taken.error().code == Errc::usage) return Error(taken.error()).in(path);
      cli::note("etalon-mpi: " + path + ": not used: " + taken.error().message);
      damaged = true;
    }
    if (!damaged && seen.size() == parts) return all;
    cli::note("etalon-mpi: " + folder_ + ": generation " + std::to_string(number) +
              " is not whole, and is not used");
  }
  return Generation{};
}

Result<void> Checkpoint::save_parts(std::vector<std::uint64_t> parts, ByteSpan packed) {
  if (!used() || parts.empty()) return {};
  ETALON_ASSIGN(OutputFile file, OutputFile::create(path_of(generation_, 0), true));
  ETALON_TRY(file.write(pack(FindingsPart{about_, std::move(parts), packed})));
  return file.commit();
}

void Checkpoint::end_generation() {
  if (ranks_.first()) {
    std::error_code ignored;
    const auto names = names_in(folder_);
    for (const FoundName& name : names.ok() ? *names : std::vector<FoundName>())
      if (name.generation < generation_)
        std::filesystem::remove(folder_ + "/" + text_of_name(name), ignored);
  }
  ++generation_;
}

}  // namespace etalon::mpi
