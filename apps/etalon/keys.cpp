#include "commands.hpp"
#include "stream/curve_keys.hpp"

namespace etalon::cli {
namespace {

struct Options {
  std::string folder;
};

Result<void> run(const Options& options) {
  ETALON_TRY(make_keys(options.folder));
  note(options.folder +
       ": keys of edge and collector; each needs its own .key and the other's .pub");
  return {};
}

}  // namespace

void add_keys(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command = add_command(
      cli, "keys", "Make the keys that edge and collector know each other by", options, run);
  command->footer(
      "Writes edge.key, edge.pub, collector.key and collector.pub (CURVE). A .key is a secret "
      "that\n"
      "stays where it is used: the edge's machine needs edge.key and collector.pub, the "
      "collector's\n"
      "needs collector.key and edge.pub, in the folder that the recipe's ship.keys names.\n\n"
      "  etalon keys keys");
  command->add_option("FOLDER", options->folder, "Made where it is not there")->required();
}

}  // namespace etalon::cli
