// etalon VERB: parses, calls the verb, turns its Result into a message and an exit code.
#include <csignal>
#include <cstdio>

#include "commands.hpp"
#include "note_remarks.hpp"
#include "printable.hpp"

namespace {

extern "C" void on_signal(int) { etalon::cli::interrupted.store(true); }

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESETHAND;  // a second Ctrl-C ends the program at once
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A terminal that goes away counts as Ctrl-C; under nohup it does not count.
  struct sigaction inherited {};
  if (sigaction(SIGHUP, nullptr, &inherited) == 0 && inherited.sa_handler != SIG_IGN)
    sigaction(SIGHUP, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file as large as may be is an error, not the end
}

int report(const etalon::Error& error) {
  std::fprintf(stderr, "etalon: %s\n", etalon::cli::printable_lines(error.message).c_str());
  return etalon::exit_code(error.code);
}

}  // namespace

// Only a mistake in a declaration below throws.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  using namespace etalon;
  cli::Command app("Etalon takes an instrument's data stream to a decision, with proof.", "etalon");
  cli::Cli cli{app, {}};
  cli::add_run(cli);
  cli::add_edge(cli);
  cli::add_collect(cli);
  cli::add_keys(cli);
  cli::add_replay(cli);
  cli::add_receive(cli);
  cli::add_simulate(cli);
  cli::add_find(cli);
  cli::add_calibrate(cli);
  cli::add_mask(cli);
  cli::add_compress(cli);
  cli::add_decompress(cli);
  cli::add_info(cli);
  cli::add_ls(cli);
  cli::add_export(cli);
  cli::add_report(cli);
  cli::add_archive(cli);
  cli::add_restore(cli);
  cli::add_verify(cli);
  cli::add_tune(cli);
  cli::add_submit(cli);
  cli::add_jobs(cli);
  cli::add_job_daemon(cli);
  cli::add_batch_job(cli);
  cli::add_analyse(cli);
  cli::add_ledger(cli);
  cli::add_version(cli);
  cli::add_manual(cli);

  if (const auto code = app.parse(argc, argv)) return *code;
  catch_signals();
  cli::note_remarks("etalon");
  try {
    if (auto done = cli.chosen(); !done.ok()) return report(done.error());
  } catch (const std::exception& e) {  // out of memory, or of threads
    return report({Errc::io, e.what()});
  }
  return 0;
}
