// mpirun -n RANKS etalon-mpi analyse KIND: every rank parses and does its part; rank 0 speaks.
#include <mpi.h>

#include <csignal>
#include <cstdio>
#include <filesystem>

#include "commands.hpp"
#include "note_remarks.hpp"
#include "program.hpp"
#include "store/file.hpp"

namespace etalon::mpi {
namespace {

extern "C" void on_request_to_end(int) { cli::interrupted.store(true); }

void hear_signals() {
  struct sigaction action {};
  action.sa_handler = on_request_to_end;
  action.sa_flags = SA_RESETHAND;  // a second one ends the program at once
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);  // a file as large as may be is an error, not the end
}

// What MPI itself finds wrong: a rank that is gone, mostly.
void on_mpi_error(MPI_Comm*, int* code, ...) {
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(*code, text, &length);
  Ranks().abort({Errc::io, "MPI: " + std::string(text) + ": is another rank gone?"});
}

int run(int argc, char** argv, const Ranks& ranks) {
  Program program("Etalon on many processes at once.");
  cli::Command* analyse = program.add_subcommand(
      "analyse", "Analyse stored series; the first word is the kind of analysis");
  analyse->require_subcommand(1);
  Cli cli{program, {}, {}};
  add_hits(cli, *analyse);
  add_powder(cli, *analyse);
  add_azimuthal(cli, *analyse);
  add_index(cli, *analyse);
  add_correlation(cli, *analyse);
  if (const auto code = program.parse(argc, argv, ranks)) return *code;
  cli::quiet = !ranks.first();
  cli::note_remarks("etalon-mpi");
  cli::reuse_memory();
  try {
    Job job(ranks, cli.job);
    if (auto done = job.agree(cli.chosen(job)); !done.ok()) return ranks.report(done.error());
    if (ranks.first()) job.complete();
  } catch (const std::exception& e) {  // out of memory: the others do not know of it
    ranks.abort({Errc::io, e.what()});
  }
  return 0;
}

}  // namespace

Result<void> check_free(const std::string& output, bool overwrite) {
  if (output.empty() || output == "-" || overwrite) return {};
  std::error_code ignored;
  if (std::filesystem::is_regular_file(output, ignored)) return exists_already(output);
  return {};
}

}  // namespace etalon::mpi

// Only a mistake in a declaration throws.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  etalon::mpi::hear_signals();
  MPI_Errhandler handler;
  MPI_Comm_create_errhandler(etalon::mpi::on_mpi_error, &handler);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, handler);
  const int code = etalon::mpi::run(argc, argv, etalon::mpi::Ranks());
  MPI_Finalize();
  return code;
}
