// The edge's half of a run: read, calibrate, find, veto, reduce, ship.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <string>

#include "pipeline/recipe.hpp"
#include "stream/shipper.hpp"

namespace etalon {

struct EdgeOptions {
  std::string source;   // replaces recipe.source.path
  std::string address;  // replaces recipe.ship.address
  // A folder: what is committed there survives this process, and the next run_edge() with the same
  // recipe and folder goes on with it. Empty: none.
  std::string spool;
  unsigned threads = 0;  // 0: one per hardware thread; what is stored does not depend on it
  const std::atomic<bool>* interrupted = nullptr;  // when set: the frames in hand are finished
  std::function<void(std::uint64_t done, std::uint64_t all)> progress;  // all 0: not known
  // Told at once, in words, of frames that are lost and of what is odd in a stream.
  std::function<void(const std::string&)> alarm;
};

// Seconds that threads spent on each stage, added up; waiting for frames is none of it.
struct StageSeconds {
  double receive = 0;  // read or decode, calibrate
  double checksum = 0, find = 0, reduce = 0;
  double ship = 0;  // with waiting for the collector's credit
};

struct EdgeReport {
  std::string source, series;
  std::uint64_t frames = 0, kept = 0, vetoed = 0;
  std::map<std::string, std::uint64_t> lost;  // by cause
  std::uint64_t raw_bytes = 0, raw_bytes_kept = 0, chunk_bytes = 0;
  std::uint64_t resumed = 0;       // of the frames: committed by processes that were killed
  std::uint64_t checked = 0;       // frames decoded again and compared pixel by pixel
  bool complete = true;            // false: interrupted, or cut short
  std::optional<Error> cut_short;  // a stream without an end: why
  StageSeconds stages;
  double seconds = 0;  // from the first frame to the collector's last word
  Done done;
  ShipperCounters shipped;
};

// Errors of the collector are errors here. After an error the collector has been told.
Result<EdgeReport> run_edge(const Recipe& recipe, const EdgeOptions& options);

}  // namespace etalon
