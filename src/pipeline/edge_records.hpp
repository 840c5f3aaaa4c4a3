// What the edge's steps leave in the ledger: source, calibrate, find, veto, reduce.
#pragma once

#include <map>
#include <string>

#include "pipeline/calibration.hpp"
#include "pipeline/fast_loop.hpp"
#include "pipeline/frame_facts.hpp"
#include "pipeline/recipe.hpp"
#include "stream/message.hpp"

namespace etalon {

// Gathers, in the order of the messages, what the records must hold.
class EdgeJournal {
 public:
  void add(const FrameFacts& facts) { facts_.push_back(facts); }
  void acted(const std::vector<FastAction>& actions);

  // `files` are the source's, `region_files` those that the reduction read, `lost` frames by cause.
  // Parents first; each names the one before it, so that the last leads to the source's files.
  std::vector<Record> records(const Recipe& recipe, const SeriesInfo& info,
                              const Calibration& calibration, const std::vector<Artifact>& files,
                              const std::vector<Artifact>& region_files,
                              const std::map<std::string, std::uint64_t>& lost);

 private:
  Record fast_record(const Recipe& recipe, Artifact found) const;

  std::vector<FrameFacts> facts_;
  std::vector<FastAction> actions_;
};

// Settings as the ledger holds them, also of the collector's steps.
cbor::Value bound_value(const Bound& bound);
cbor::Value parameters_value(const ActionParameters& parameters);
Artifact record_artifact(const Record& record);

}  // namespace etalon
