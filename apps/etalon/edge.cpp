#include "base/text.hpp"
#include "commands.hpp"
#include "run_report.hpp"

namespace etalon::cli {
namespace {

struct Options {
  std::string recipe, source, address, spool;
  unsigned threads = 0;
  bool json = false;
};

Result<void> run(const Options& options) {
  ETALON_ASSIGN(const Recipe recipe, load_recipe(options.recipe));
  EdgeReport report;
  {
    std::optional<Progress> progress;
    EdgeOptions edge;
    edge.source = options.source;
    edge.address = options.address;
    edge.threads = options.threads;
    edge.spool = options.spool;
    if (edge.spool.empty() && !recipe.ship.spool.empty()) {
      ETALON_ASSIGN(edge.spool, output_path(recipe, recipe.ship.spool));
    }
    edge.interrupted = &interrupted;
    edge.alarm = [](const std::string& text) { note(text); };
    edge.progress = [&](std::uint64_t done, std::uint64_t all) {
      if (!progress) progress.emplace("frames", all, "frames");
      progress->update(done);
    };
    ETALON_ASSIGN(report, run_edge(recipe, edge));
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
  CLI::App* command = add_command(
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
      ->check(CLI::Range(0, 1024));
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace etalon::cli
