#include "audit_report.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "control/simulated_instrument.hpp"
#include "edge_display.hpp"
#include "run_report.hpp"

namespace etalon::cli {
namespace {

struct Options {
  std::string recipe, source, address, metrics, spool;
  unsigned threads = 0;
  std::optional<double> audit_limit;
  bool json = false;
};

Result<void> run(const Options& options) {
  reuse_memory();
  ETALON_ASSIGN(Recipe recipe, load_recipe(options.recipe));
  if (options.audit_limit) recipe.audit.limit = *options.audit_limit;
  SimulatedInstrument instrument;
  ETALON_ASSIGN(const auto display, EdgeDisplay::open(options.metrics));
  EdgeReport report;
  {
    EdgeOptions edge;
    edge.source = options.source;
    edge.address = options.address;
    edge.threads = options.threads;
    edge.spool = options.spool;
    if (edge.spool.empty() && !recipe.ship.spool.empty()) {
      ETALON_ASSIGN(edge.spool, output_path(recipe, recipe.ship.spool));
    }
    edge.interrupted = &interrupted;
    edge.instrument = &instrument;
    edge.alarm = [](const std::string& text) { note(text); };
    edge.progress = [&](const EdgeStatus& status) { display->show(status); };
    ETALON_ASSIGN(report, run_edge(recipe, edge));
    display->end();
  }
  ETALON_TRY(print(options.json ? edge_json(report).dump(2) + "\n" : edge_text(report)));
  if (report.cut_short) return *report.cut_short;
  if (!report.complete)
    return Error{Errc::interrupted, report.done.path + ": interrupted after " +
                                        counted(report.frames, "frame") +
                                        ", which the collector has stored"};
  return {};
}

}  // namespace

void add_edge(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command = add_command(
      cli, "edge", "Run the detector's half of a recipe: find, veto, reduce, ship", options, run);
  command->footer(
      "Ships to `etalon collect RECIPE`, which must be there and follow the same recipe.\n"
      "Ctrl-C finishes the frames in hand; the collector stores them as NAME.partial.h5.");
  command->add_option("RECIPE", options->recipe, "Recipe (TOML)")->required();
  command->add_option("--source", options->source,
                      "Series to read, or tcp://... of a detector's stream; default: the recipe's "
                      "source.path");
  command->add_option("--connect", options->address,
                      "The collector, tcp://HOST:PORT or ipc://PATH; default: the recipe's "
                      "ship.address");
  command->add_option(
      "--spool", options->spool,
      "Folder for what the collector has not stored yet: started again with it after "
      "a kill or a cut, the edge goes on; default: the recipe's ship.spool");
  command->add_option("-T,--threads", options->threads, "Threads; 0: one per processor")
      ->range(0, 1024);
  add_metrics(command, options->metrics);
  add_audit_limit(command, options->audit_limit);
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace etalon::cli
