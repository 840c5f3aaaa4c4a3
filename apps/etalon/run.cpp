#include "audit_report.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "control/simulated_instrument.hpp"
#include "edge_display.hpp"
#include "run_report.hpp"

namespace etalon::cli {
namespace {

struct Options {
  std::string recipe, source, folder, metrics;
  unsigned threads = 0;
  std::optional<double> audit_limit;
  bool overwrite = false, json = false;
};

Result<void> run(const Options& options) {
  reuse_memory();
  ETALON_ASSIGN(Recipe recipe, load_recipe(options.recipe));
  if (options.audit_limit) recipe.audit.limit = *options.audit_limit;
  SimulatedInstrument instrument;
  ETALON_ASSIGN(const auto display, EdgeDisplay::open(options.metrics));
  EdgeOptions edge;
  edge.source = options.source;
  edge.threads = options.threads;
  edge.interrupted = &interrupted;
  edge.instrument = &instrument;
  edge.alarm = [](const std::string& text) { note(text); };
  CollectOptions centre;
  centre.folder = options.folder;
  centre.overwrite = options.overwrite;
  centre.instrument = &instrument;
  centre.interrupted = &interrupted;
  edge.progress = [&](const EdgeStatus& status) { display->show(status); };
  ETALON_ASSIGN(const RunReport report, run_both(recipe, edge, centre));
  display->end();
  ETALON_TRY(print(options.json ? run_json(report).dump(2) + "\n" : run_text(report)));
  if (report.centre.failure) return *report.centre.failure;  // of what follows storing
  if (report.edge.cut_short) return *report.edge.cut_short;
  if (!report.centre.complete)
    return Error{Errc::interrupted, report.centre.output + ": interrupted after " +
                                        counted(report.centre.received, "frame") + ", stored"};
  return {};
}

}  // namespace

void add_run(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command = add_command(
      cli, "run", "Run a recipe from its source to its decision, on this machine", options, run);
  command->footer(
      "Finds the peaks of every frame, drops the frames without enough of them, compresses the\n"
      "others under the recipe's error bounds, stores them as NXmx, analyses them and decides.\n"
      "Ctrl-C finishes the frames in hand and stores them as NAME.partial.h5; a second one ends at "
      "once.\n\n"
      "  etalon simulate stills -n 200 --seed 7 -o sim.h5\n"
      "  etalon run examples/demo.toml --source sim.h5 --out out\n\n"
      "What a recipe may say: docs/recipe.md");
  command->add_option("RECIPE", options->recipe, "Recipe (TOML)")->required();
  command->add_option("--source", options->source,
                      "Series to read, or tcp://... of a detector's stream; default: the recipe's "
                      "source.path");
  command->add_option("--out", options->folder,
                      "Folder to write to; default: the recipe's store.folder");
  command->add_option("-T,--threads", options->threads, "Threads; 0: one per processor")
      ->range(0, 1024);
  command->add_flag("-f,--force", options->overwrite, "Overwrite what is there");
  add_metrics(command, options->metrics);
  add_audit_limit(command, options->audit_limit);
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace etalon::cli
