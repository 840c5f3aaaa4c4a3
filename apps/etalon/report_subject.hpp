// What a report is about, found before anything is written.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "etalon/codec.hpp"
#include "ledger/hash.hpp"
#include "store/series_summary.hpp"

namespace etalon::cli {

// What the report is about, and what the ledger knows of it.
struct ReportSubject {
  std::string file, ledger;  // ledger empty: none was found
  SeriesSummary summary;
  StreamInfo stream;
  Hash hash;
  bool is_known = false;                        // the ledger has this file with these bytes
  std::vector<nlohmann::ordered_json> records;  // that led to it, the source first
  std::vector<nlohmann::ordered_json> after;    // that used it

  const nlohmann::ordered_json* record(const std::string& kind) const {
    for (const auto* list : {&records, &after})
      for (const nlohmann::ordered_json& r : *list)
        if (r["kind"] == kind) return &r;
    return nullptr;
  }
  // A number among a record's settings; 0 when it is not there.
  double number(const std::string& kind, const std::string& pointer) const {
    const nlohmann::ordered_json* r = record(kind);
    if (r == nullptr) return 0;
    const nlohmann::ordered_json::json_pointer at("/settings" + pointer);
    return r->contains(at) && (*r)[at].is_number() ? (*r)[at].get<double>() : 0;
  }
  // The same for what is counted; 0 for what is no count.
  std::uint64_t count(const std::string& kind, const std::string& pointer) const {
    const double n = number(kind, pointer);
    return n > 0 && n < 0x1p53 ? static_cast<std::uint64_t>(n) : 0;
  }
  std::uint32_t min_peaks(std::uint32_t unsaid) const {
    const std::uint64_t n = count("veto", "/min_peaks");
    return n > 0 && n <= UINT32_MAX ? static_cast<std::uint32_t>(n) : unsaid;
  }
};

// `run` is a series, or a run's folder that holds one. The ledger is `ledger`, or else what
// $ETALON_LEDGER names, or else ledger.db beside the series.
Result<ReportSubject> find_subject(const std::string& run, const std::string& ledger);

}  // namespace etalon::cli
