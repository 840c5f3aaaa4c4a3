#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "etalon/backend.hpp"
#include "etalon/version.hpp"

namespace etalon::cli {
namespace {

struct Options {
  bool json = false;
};

// Parts that are built where what they need is installed.
struct Part {
  const char* name;
  bool built;
};
constexpr Part parts[] = {
    {"hdf5-plugin", ETALON_HAS_HDF5_PLUGIN},
    {"python", ETALON_HAS_PYTHON},
    {"mpi", ETALON_HAS_MPI},
    {"postgresql", ETALON_POSTGRES_BUILT},
};

Result<void> run(const Options& options) {
  nlohmann::json about = {{"schema", "etalon.version/1"},
                          {"version", version},
                          {"backend", backend()},
                          {"backends", backends()}};
  for (const Part& part : parts) about["parts"][part.name] = part.built;
  if (options.json) return print(about.dump(2) + "\n");
  std::string text = "etalon " + std::string(version) + "\nbackends:";
  for (const std::string& name : backends()) text += " " + name + (name == backend() ? "*" : "");
  text += "\nparts:";
  for (const Part& part : parts) text += std::string(" ") + part.name + (part.built ? "" : " (no)");
  return print(text + "\n");
}

}  // namespace

void add_version(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command = add_command(
      cli, "version", "Show the version, the backends and the parts built in", options, run);
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace etalon::cli
