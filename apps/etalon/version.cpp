#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "etalon/backend.hpp"
#include "etalon/version.hpp"

namespace etalon::cli {
namespace {

struct Options {
  bool json = false;
};

Result<void> run(const Options& options) {
  nlohmann::json about = {{"schema", "etalon.version/1"},
                          {"version", version},
                          {"backend", backend()},
                          {"backends", backends()}};
  if (options.json) return print(about.dump(2) + "\n");
  std::string text = "etalon " + std::string(version) + "\nbackends:";
  for (const std::string& name : backends()) text += " " + name + (name == backend() ? "*" : "");
  return print(text + "\n");
}

}  // namespace

void add_version(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      cli, "version", "Show the version, the backends and the parts built in", options, run);
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace etalon::cli
