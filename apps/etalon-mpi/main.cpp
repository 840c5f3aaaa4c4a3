// mpirun -n RANKS etalon-mpi VERB: every rank parses and runs; rank 0 speaks for all.
#include <mpi.h>

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "base/posix.hpp"
#include "commands.hpp"
#include "program.hpp"

namespace etalon::mpi {
namespace {

int run(int argc, char** argv, const Ranks& ranks) {
  Program program("Etalon on many processes at once, with parallel HDF5.");
  Cli cli{program, {}};
  add_compress(cli);
  add_decompress(cli);
  add_verify(cli);
  program.add_subcommand("analyse",
                         "Analyse stored series; the first word is the kind of analysis");
  if (const auto code = program.parse(argc, argv, ranks)) return *code;
  try {
    if (auto done = cli.chosen(ranks); !done.ok()) return ranks.report(done.error());
  } catch (const std::exception& e) {  // out of memory: the others do not know of it
    ranks.abort({Errc::io, e.what()});
  }
  return 0;
}

// Whether the command is analyse: the first word that is no option of the program itself.
bool is_analyse(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--backend")
      ++i;
    else if (!word.starts_with('-'))
      return word == "analyse";
  }
  return false;
}

// Becomes etalon-mpi-analyse, which stands beside this program: it reads the store with serial
// HDF5, and two of them cannot live in one process. Returns only when that cannot be started.
int become_analyse(char** argv) {
  std::string path = "etalon-mpi-analyse";
  if (const auto self = running_program(); self.ok())
    path = std::filesystem::path(*self).replace_filename(path).string();
  ::execv(path.c_str(), argv);
  std::fprintf(stderr, "etalon-mpi: %s: cannot start: %s\n", path.c_str(), std::strerror(errno));
  return exit_code(Errc::missing);
}

}  // namespace

void add_input(cli::Command& command, InputOptions& input, const std::string& name) {
  command.add_option(name, input.path, "HDF5, .npy or raw file")->required();
  command.add_option("--dataset", input.dataset,
                     "Its HDF5 dataset, where the file holds several arrays");
  command.add_option("--dtype", input.dtype, "Element type of raw bytes: u16, f32, ...");
  command.add_option("--shape", input.shape, "Extents of raw bytes: 100,1065,1030");
}

}  // namespace etalon::mpi

// Only a mistake in a declaration throws.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  if (etalon::mpi::is_analyse(argc, argv)) return etalon::mpi::become_analyse(argv);
  // ROMIO tells every rank of a write that failed on one; OMPIO, the default of Open MPI 4.1,
  // leaves the others waiting for it.
  setenv("OMPI_MCA_io", "romio321", 0);
  MPI_Init(&argc, &argv);
  etalon::mpi::catch_signals();
  const int code = etalon::mpi::run(argc, argv, etalon::mpi::Ranks());
  MPI_Finalize();
  return code;
}
