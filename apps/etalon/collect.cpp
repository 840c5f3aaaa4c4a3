#include "audit_report.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "control/simulated_instrument.hpp"
#include "run_report.hpp"

namespace etalon::cli {
namespace {

struct Options {
  std::string recipe, folder, address;
  std::optional<double> audit_limit;
  bool overwrite = false, json = false;
};

Result<void> run(const Options& options) {
  reuse_memory();
  ETALON_ASSIGN(Recipe recipe, load_recipe(options.recipe));
  if (options.audit_limit) recipe.audit.limit = *options.audit_limit;
  SimulatedInstrument instrument;
  std::optional<Progress> progress;
  CollectOptions centre;
  centre.folder = options.folder;
  centre.overwrite = options.overwrite;
  centre.journal = true;
  centre.instrument = &instrument;
  centre.interrupted = &interrupted;
  centre.opened = [&](const SeriesInfo& info) {
    note("receiving " + info.name + ", " + counted(info.frames, "frame"));
    progress.emplace("frames", info.frames, "frames");
  };
  centre.resumed = [&](std::uint64_t messages) {
    note("going on with a run that was cut off: " + counted(messages, "message") + " of it here");
  };
  centre.progress = [&](std::uint64_t done, std::uint64_t) { progress->update(done); };
  ETALON_ASSIGN(Collector collector, Collector::open(recipe, centre));
  ETALON_ASSIGN(
      Receiver receiver,
      bind_receiver(recipe, options.address.empty() ? recipe.ship.address : options.address));
  note("listening on " + receiver.address());
  ETALON_ASSIGN(const CollectReport report, collector.run(receiver));
  progress.reset();
  ETALON_TRY(print(options.json ? collect_json(report).dump(2) + "\n" : collect_text(report)));
  if (report.failure) return *report.failure;  // of what follows storing
  if (!report.complete)
    return Error{Errc::interrupted, report.output + ": interrupted after " +
                                        counted(report.received, "frame") + ", stored"};
  return {};
}

}  // namespace

void add_collect(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command = add_command(
      cli, "collect", "Run the centre's half of a recipe: receive, store, analyse, decide", options,
      run);
  command->footer(
      "Listens for one `etalon edge RECIPE`, serves it and ends. Ctrl-C asks the edge to finish\n"
      "what it has in hand, and stores it as NAME.partial.h5. Started again after it was killed, "
      "it\n"
      "goes on with the run; Ctrl-C before the edge is back stores what there is.");
  command->add_option("RECIPE", options->recipe, "Recipe (TOML)")->required();
  command->add_option("--out", options->folder,
                      "Folder to write to; default: the recipe's store.folder");
  command->add_option("--bind", options->address,
                      "Where to listen, tcp://*:PORT or ipc://PATH; default: the recipe's "
                      "ship.address");
  command->add_flag("-f,--force", options->overwrite, "Overwrite what is there");
  add_audit_limit(command, options->audit_limit);
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace etalon::cli
