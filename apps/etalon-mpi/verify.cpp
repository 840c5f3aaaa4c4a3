#include <limits>
#include <nlohmann/json.hpp>

#include "cli.hpp"
#include "commands.hpp"
#include "pieces.hpp"
#include "verify_tally.hpp"

namespace etalon::mpi {
namespace {

struct Options {
  InputOptions original, reduced;
  std::string bound;
  bool json = false;
};

struct Verdict {
  Bound bound;
  std::uint64_t elements = 0, violations = 0;
  double max_error = 0;
  std::string first = {};  // place of the first element beyond the bound, or empty
};

Result<void> check_alike(const Input& original, const Input& reduced) {
  if (original.shape() == reduced.shape() &&
      (original.dtype() == reduced.dtype() || dithered_dtype(original.dtype()) == reduced.dtype()))
    return {};
  const auto said = [](const Input& input) {
    return input.place() + ": " + to_string(input.shape()) + " " +
           std::string(name_of(input.dtype()));
  };
  return Error{Errc::check, said(reduced) + " is not the array " + said(original)};
}

// The bound asked for, else what the dataset's filter says.
Result<Bound> bound_of(const Options& options, const Input& reduced) {
  if (!options.bound.empty()) return parse_bound(options.bound);
  if (reduced.stored_bound()) return *reduced.stored_bound();
  return Error{Errc::usage, reduced.place() + ": does not say a bound; give one with --bound"};
}

Result<Verdict> judge(const Ranks& ranks, const Input& original, const Input& reduced,
                      Bound bound) {
  const Pieces pieces(original.dtype(), original.shape(), reduced.chunk(), ranks.size());
  CompressOptions options;
  options.bound = bound;
  if (needs_range(options)) {
    ValueRange range;
    ETALON_TRY(ranks.agree(for_each_own(pieces, ranks, [&](const Piece& piece) -> Result<void> {
      ETALON_ASSIGN(const Array box, original.read(piece));
      range.add(box.view());
      return {};
    })));
    range.low = ranks.least(range.low);
    range.high = ranks.most(range.high);
    bound = with_ranges(options, range).bound;
  }

  RegionInfo whole;
  whole.kind = "default";
  whole.bound = bound;
  cli::Tally tally({whole});
  ETALON_TRY(ranks.agree(for_each_own(pieces, ranks, [&](const Piece& piece) -> Result<void> {
    ETALON_ASSIGN(const Array before, original.read(piece));
    ETALON_ASSIGN(const Array after, reduced.read(piece));
    whole.elements = before.count();
    tally.add(before.view(), after.view(), {{whole}, {}}, piece.origin);
    return {};
  })));

  Verdict verdict{bound};
  verdict.elements = ranks.sum(tally.elements());
  verdict.violations = ranks.sum(tally.regions().front().violations);
  verdict.max_error = ranks.most(tally.max_error());
  std::uint64_t first = std::numeric_limits<std::uint64_t>::max();
  if (const auto& offender = tally.offender()) {
    first = 0;
    for (std::size_t axis = 0; axis < offender->at.size(); ++axis)
      first = first * original.shape()[axis] + offender->at[axis];
  }
  if (verdict.violations == 0) return verdict;
  std::uint64_t at = ranks.least(first);
  for (std::size_t axis = original.shape().rank(); axis-- > 0; at /= original.shape()[axis])
    verdict.first = std::to_string(at % original.shape()[axis]) +
                    (verdict.first.empty() ? "" : ",") + verdict.first;
  return verdict;
}

Result<void> print(const Options& options, const Verdict& verdict, std::size_t ranks) {
  if (options.json) {
    nlohmann::json about = {{"schema", "etalon.mpi.verify/1"},
                            {"holds", verdict.violations == 0},
                            {"bound", to_string(verdict.bound)},
                            {"elements", verdict.elements},
                            {"violations", verdict.violations},
                            {"max_error", verdict.max_error},
                            {"ranks", ranks}};
    if (!verdict.first.empty()) about["first"] = verdict.first;
    return cli::print(about.dump(2) + "\n");
  }
  char error[32];
  std::snprintf(error, sizeof error, "%.6g", verdict.max_error);
  return cli::print("bound " + to_string(verdict.bound) + ": largest error " + error + ", " +
                    std::to_string(verdict.elements) + " elements, " +
                    std::to_string(verdict.violations) + " beyond the bound\n");
}

Result<void> run(const Options& options, const Ranks& ranks) {
  auto original = Input::open(options.original);
  ETALON_TRY(ranks.agree(original));
  auto reduced = Input::open(options.reduced);
  ETALON_TRY(ranks.agree(reduced));
  ETALON_TRY(check_alike(*original, *reduced));
  ETALON_ASSIGN(const Bound bound, bound_of(options, *reduced));
  ETALON_ASSIGN(const Verdict verdict, judge(ranks, *original, *reduced, bound));
  ETALON_TRY(ranks.agree(ranks.first() ? print(options, verdict, ranks.size()) : Result<void>()));
  if (verdict.violations == 0) return {};
  return Error{Errc::check, reduced->place() + ": [" + verdict.first + "]: is the first of " +
                                std::to_string(verdict.violations) + " elements beyond " +
                                to_string(verdict.bound)};
}

}  // namespace

void add_verify(Cli& cli) {
  auto options = std::make_shared<Options>();
  cli::Command* command = add_command(
      cli, "verify", "Hold every element of a reduced array against its original", options, run);
  add_input(*command, options->original, "original");
  command->add_option("reduced", options->reduced.path, "HDF5, .npy or raw file")->required();
  command->add_option("--reduced-dataset", options->reduced.dataset, "Its HDF5 dataset");
  command->add_option(
      "--bound", options->bound,
      "As for compress; without it the one that the reduced dataset's filter names");
  command->add_flag("--json", options->json, "Print JSON");
  command->footer("Exit code 4 when an element is farther off than the bound.");
}

}  // namespace etalon::mpi
