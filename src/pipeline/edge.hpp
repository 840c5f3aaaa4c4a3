// The edge's half of a run: read, calibrate, find, veto, reduce, ship.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <string>

#include "control/instrument.hpp"
#include "pipeline/recipe.hpp"
#include "pipeline/veto.hpp"
#include "stream/shipper.hpp"

namespace etalon {

// Seconds that threads spent on each stage, added up; waiting for frames is none of it.
struct StageSeconds {
  double receive = 0;  // read or decode, calibrate
  double checksum = 0, find = 0, reduce = 0;
  double ship = 0;  // with waiting for the collector's credit
};

// How a run stands.
struct EdgeStatus {
  std::string series;
  std::uint64_t announced = 0;  // frames that there will be; 0: not known
  std::uint64_t frames = 0, kept = 0, vetoed = 0, audited = 0, audit_hits = 0;
  std::map<std::string, std::uint64_t>
      lost;  // by cause; not yet in `frames` where a stream is read
  std::uint64_t raw_bytes = 0, raw_bytes_kept = 0, chunk_bytes = 0;
  std::uint64_t actions = 0, over_budget = 0;
  std::uint64_t in_flight = 0;                    // frames between reading and shipping
  std::uint64_t unacknowledged = 0, resent = 0;   // messages to the collector
  double latency_p50_ms = 0, latency_p99_ms = 0;  // from arrival to storage
  StageSeconds stages;
  double seconds = 0;  // since the first frame
};

struct EdgeOptions {
  std::string source;    // replaces recipe.source.path
  std::string address;   // replaces recipe.ship.address
  unsigned threads = 0;  // 0: one per hardware thread; what is stored does not depend on it
  Instrument* instrument = nullptr;  // takes the actions of single frames; none: they are published
  // A folder: what is committed there survives this process, and the next run_edge() with the same
  // recipe and folder goes on with it. Empty: none.
  std::string spool;
  const std::atomic<bool>* interrupted = nullptr;  // when set: the frames in hand are finished
  // Some twenty times a second, and at the end; one call at a time, on a thread of the run's own.
  std::function<void(const EdgeStatus&)> progress;
  // Told at once, in words, of frames that are lost and of what is odd in a stream.
  std::function<void(const std::string&)> alarm;
};

// What the rules on single frames did.
struct FastReport {
  bool has_rules = false;
  std::uint64_t actions = 0, over_budget = 0;
  double budget_ms = 0;
  Latencies latencies;  // of every frame, from its arrival until its rules had been followed
};

struct EdgeReport {
  std::string source, series;
  std::uint64_t frames = 0, kept = 0, vetoed = 0;
  AuditSummary audit;
  FastReport fast;
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
