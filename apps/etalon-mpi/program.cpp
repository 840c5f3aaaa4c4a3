#include "program.hpp"

#include <algorithm>

#include "etalon/version.hpp"

namespace etalon::mpi {
namespace {

// Launchers can give each rank other words. Collective calls would then meet others than their
// own, and wait for ever.
Result<void> same_words(int argc, char** argv, const Ranks& ranks) {
  std::string mine;  // each word ends with '\0'
  for (int i = 1; i < argc; ++i) mine.append(argv[i]).push_back('\0');
  const std::string theirs = ranks.from_first(mine);
  if (mine == theirs) return {};
  const auto from =
      static_cast<std::ptrdiff_t>(std::ranges::mismatch(mine, theirs).in1 - mine.begin());
  const auto word_at = [&](const std::string& words) {
    const std::size_t before = words.rfind('\0', static_cast<std::size_t>(from) - 1);
    const std::size_t begin = from == 0 || before == std::string::npos ? 0 : before + 1;
    return begin == words.size() ? std::string("nothing")
                                 : "'" + std::string(words.c_str() + begin) + "'";
  };
  return Error{Errc::usage, "rank " + std::to_string(ranks.rank()) + " was started with " +
                                word_at(mine) + " where rank 0 has " + word_at(theirs) +
                                ": all ranks take the same command line"};
}

}  // namespace

Program::Program(const std::string& description) : cli::Command(description, "etalon-mpi") {
  set_version_flag("--version", "etalon-mpi " + std::string(version));
}

std::optional<int> Program::parse(int argc, char** argv, const Ranks& ranks) {
  if (auto same = ranks.agree(same_words(argc, argv, ranks)); !same.ok())
    return ranks.report(same.error());
  return cli::Command::parse(argc, argv, ranks.first());
}

}  // namespace etalon::mpi
