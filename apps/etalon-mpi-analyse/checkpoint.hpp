// What the ranks of a job have found so far, in a folder, for a job that goes on after this one has
// been ended.
//
// Each rank writes files of its own, gGENERATION-rRANK-NUMBER.found, each a FindingsPart that has
// its name only when it is whole and on the disk. A job reads the files of the ones before, leaves
// them as they are, and writes the next generation: so it does not matter how many ranks it has.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/posix.hpp"
#include "findings.hpp"
#include "ranks.hpp"

namespace etalon::mpi {

// A state that all ranks have a share of: the files of one generation, worth something only
// together. Parts are what its ranks share: their numbers take the place of a FindingsPart's
// ranges.
struct Generation {
  struct File {
    std::string path;
    std::uint64_t first = 0, last = 0;  // parts
  };
  std::uint64_t frames = 0;  // that are in it
  std::vector<File> files;
};
// The frames that the bytes of these parts have seen; an error where nobody has packed them.
using FramesOfParts =
    std::function<Result<std::uint64_t>(std::span<const std::uint64_t> parts, ByteSpan packed)>;

class Checkpoint {
 public:
  // No folder: nothing is kept.
  Checkpoint(const Ranks& ranks, std::string folder) : ranks_(ranks), folder_(std::move(folder)) {}

  bool used() const { return !folder_.empty(); }
  // Rank 0: takes the folder for itself (Errc::io when another job has it), adds what is there to
  // `findings` and returns the numbers of its ranges, ascending. `about` says what the job is about
  // to do: Errc::usage names the file and the first difference where one is of another analysis.
  // Files that are damaged are named on standard error and left alone.
  Result<std::vector<std::uint64_t>> load(const std::string& about,
                                          const std::vector<FrameRange>& ranges,
                                          Findings& findings);
  // Rank 0, in place of load(): the newest generation that has all of so many parts, at one frame;
  // with no frames where there is none. Errors and damaged files are as load() has them.
  Result<Generation> load_newest(const std::string& about, std::size_t parts,
                                 const FramesOfParts& frames);
  // Collective, after load() or load_newest().
  void begin(const std::string& about);
  // Writes what this rank has found in these ranges, in the order they were done, since the start
  // where findings add up. Errors name the file.
  Result<void> save(std::vector<std::uint64_t> ranges, Findings& findings);
  // This rank's parts of a new generation.
  Result<void> save_parts(std::vector<std::uint64_t> parts, ByteSpan packed);
  // Every rank, when all have saved theirs: the generations before are taken away.
  void end_generation();
  // Rank 0, when the analysis is complete: takes all files away again.
  void remove();

 private:
  Result<void> take_folder();
  std::string path_of(std::uint64_t generation, std::size_t number) const;

  const Ranks& ranks_;
  const std::string folder_;
  Fd lock_;
  std::string about_;
  std::uint64_t generation_ = 1;
  std::size_t written_ = 0;
};

}  // namespace etalon::mpi
