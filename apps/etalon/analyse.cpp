#include "analyse_azimuthal.hpp"
#include "analyse_correlation.hpp"
#include "analyse_crystals.hpp"
#include "analyse_powder.hpp"
#include "analyse_tomography.hpp"
#include "commands.hpp"

namespace etalon::cli {

void add_analyse(Cli& cli) {
  Command* analyse = cli.app.add_subcommand(
      "analyse", "Analyse stored series; the first word is the kind of analysis");
  analyse->require_subcommand(1);
  add_analyse_hits(cli, *analyse);
  add_analyse_powder(cli, *analyse);
  add_analyse_correlation(*analyse, cli);
  add_analyse_tomography(*analyse, cli);
  add_analyse_azimuthal(cli, *analyse);
  add_analyse_crystals(cli, *analyse);
}

}  // namespace etalon::cli
