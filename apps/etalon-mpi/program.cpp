#include "program.hpp"

#include <algorithm>
#include <cstdio>

#include "etalon/backend.hpp"
#include "etalon/version.hpp"
#include "parse_error.hpp"

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

int report(const Ranks& ranks, const Error& error) {
  if (ranks.first()) std::fprintf(stderr, "etalon-mpi: %s\n", error.message.c_str());
  return exit_code(error.code);
}

Program::Program(const std::string& description) : app(description, "etalon-mpi") {
  app.require_subcommand(1);
  app.get_formatter()->column_width(36);
  app.option_defaults()->always_capture_default();
  app.set_version_flag("--version", "etalon-mpi " + std::string(version));
  app.add_option("--backend", backend_,
                 "Instruction set of the kernels: auto, scalar, sse4, avx2, avx512")
      ->envname("ETALON_BACKEND");
  app.fallthrough();
}

std::optional<int> Program::parse(int argc, char** argv, const Ranks& ranks) {
  if (auto same = ranks.agree(same_words(argc, argv, ranks)); !same.ok())
    return report(ranks, same.error());
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return ranks.first() ? app.exit(asked) : 0;
  } catch (const CLI::ParseError& e) {
    if (ranks.first()) std::fprintf(stderr, "%s\n", cli::explain(app, e).c_str());
    return exit_code(Errc::usage);
  }
  if (!backend_.empty())
    if (auto set = set_backend(backend_); !set.ok()) return report(ranks, set.error());
  return std::nullopt;
}

}  // namespace etalon::mpi
