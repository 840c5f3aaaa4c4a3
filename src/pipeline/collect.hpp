// The centre's half of a run: receive, store, analyse, decide; everything goes to the ledger.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/instrument.hpp"
#include "pipeline/analysis.hpp"
#include "pipeline/recipe.hpp"
#include "pipeline/veto.hpp"
#include "steer/action.hpp"
#include "stream/receiver.hpp"

namespace etalon {

struct CollectOptions {
  std::string folder;      // replaces store.folder
  std::string executable;  // the program that analyses; empty: the running one
  bool overwrite = false;
  // What comes is written down in OUTPUT_FOLDER/RECIPE.journal before the edge hears that it is
  // stored, so that this run goes on when the process was killed.
  bool journal = false;
  std::string source;  // what the edge reads where both are one process: never overwritten
  Instrument* instrument = nullptr;  // takes the Action; none: the Action is only recorded
  const std::atomic<bool>* interrupted = nullptr;
  // Set: no edge will come. Where it is given, the edge takes care of interruptions.
  const std::atomic<bool>* edge_failed = nullptr;
  std::function<void(const SeriesInfo&)> opened;  // an edge has said hello
  // After opened: the run is one that was killed or cut off; so many messages are in its journal.
  std::function<void(std::uint64_t messages)> resumed;
  std::function<void(std::uint64_t frames, std::uint64_t all)> progress;
};

struct CollectReport {
  std::string output, veto_table, ledger;
  std::vector<std::string> pieces;  // of the output, where the images are in other files
  Hash sha256, store_record;
  bool complete = true;
  std::uint64_t received = 0, stored = 0, vetoed = 0;                 // frames
  std::map<std::string, std::uint64_t> lost;                          // frames, by cause
  std::uint64_t raw_bytes = 0, raw_bytes_kept = 0, bytes_stored = 0;  // bytes_stored: of the file
  AuditSummary audit;
  std::vector<RegionInfo> regions;               // over the whole series; [0] is the default
  std::uint64_t checked = 0;                     // frames read back and compared
  std::map<std::string, std::uint64_t> dropped;  // messages, by cause
  std::optional<Analysis> analysis;              // none: the recipe wants none, or a partial series
  std::optional<Action> action;
  std::optional<InstrumentState> instrument;  // after the action
  Hash decision;                              // its ledger id
  Metrics metrics;
  // Why there is no analysis, or no decision, though the series is stored.
  std::optional<Error> failure;
};

// Protocol: open run. Frames received = stored + vetoed + lost, else Errc::check. A file that has
// the output's name is whole and in the ledger; after an error there is none, or one whose name
// says what it lacks.
class Collector {
 public:
  // Opens what does not need an edge: the folder, and the ledger where there is one.
  static Result<Collector> open(const Recipe& recipe, const CollectOptions& options);
  ~Collector();
  Collector(Collector&&) noexcept;
  Collector& operator=(Collector&&) noexcept;

  // Serves one edge from its hello to the decision.
  Result<CollectReport> run(Receiver& receiver);

 private:
  struct Impl;
  explicit Collector(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The ledger of a recipe: store.ledger, else $ETALON_LEDGER, else ledger.db in `folder`.
Result<std::string> ledger_path(const Recipe& recipe, const std::string& folder);

}  // namespace etalon
