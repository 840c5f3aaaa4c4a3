#include "program.hpp"

#include <cstdio>

#include "etalon/backend.hpp"
#include "etalon/version.hpp"
#include "parse_error.hpp"

namespace etalon::mpi {

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
