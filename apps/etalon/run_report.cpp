#include "run_report.hpp"

#include <cmath>
#include <filesystem>

#include "audit_report.hpp"
#include "base/text.hpp"
#include "cli.hpp"
#include "report_line.hpp"

namespace etalon::cli {
namespace {

using nlohmann::json;

double ratio(std::uint64_t a, std::uint64_t b) {
  return etalon::ratio(static_cast<double>(a), static_cast<double>(b));
}

// "0.43 ms", "21 ms", "2.1 s"
std::string time_text(double ms) {
  char text[32];
  if (ms < 999.5)
    std::snprintf(text, sizeof text, "%.3g ms", ms);
  else
    std::snprintf(text, sizeof text, "%.1f s", 1e-3 * ms);
  return text;
}

json regions_json(const std::vector<RegionInfo>& regions) {
  std::uint64_t all = 0;
  for (const RegionInfo& r : regions) all += r.elements;
  json list = json::array();
  for (const RegionInfo& r : regions)
    list.push_back({{"kind", r.kind},
                    {"bound", to_string(r.bound)},
                    {"share", ratio(r.elements, all)},
                    {"bytes", r.bytes},
                    {"max_error", r.max_error}});
  return list;
}

json conservation_json(std::uint64_t received, std::uint64_t stored, std::uint64_t vetoed,
                       const std::map<std::string, std::uint64_t>& lost) {
  json causes = json::object();
  for (const auto& [cause, count] : lost) causes[cause] = count;
  return {{"received", received}, {"stored", stored}, {"vetoed", vetoed}, {"lost", causes}};
}

std::string lost_text(const std::map<std::string, std::uint64_t>& lost) {
  if (lost.empty()) return "0 lost";
  std::string text;
  for (const auto& [cause, count] : lost)
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " lost (" + cause + ")";
  return text;
}

std::string regions_text(const std::vector<RegionInfo>& regions) {
  std::uint64_t all = 0;
  for (const RegionInfo& r : regions) all += r.elements;
  std::string text;
  for (const RegionInfo& r : regions)
    text += line(text.empty() ? "max error" : "", "%g in %s (bound %s, %.3g %% of the pixels)",
                 r.max_error, r.kind == "default" ? "the background" : r.kind.c_str(),
                 to_string(r.bound).c_str(), 100 * ratio(r.elements, all));
  return text;
}

std::string decision_text(const CollectReport& r) {
  std::string text;
  if (r.analysis)
    text += line("analysis", "virtual powder, %s (job %llu, started after %s)",
                 r.analysis->path.c_str(), ull(r.analysis->job),
                 time_text(std::round(1e3 * r.analysis->start_latency_s)).c_str());
  if (r.failure) text += line("failed", "%s", r.failure->message.c_str());
  if (!r.action) return text;
  std::string action = r.action->action;
  for (const auto& [name, value] : r.action->parameters) {
    action += " " + name + "=";
    if (const double* number = std::get_if<double>(&value)) {
      char digits[32];
      std::snprintf(digits, sizeof digits, "%g", *number);
      action += digits;
    } else {
      action += std::get<std::string>(value);
    }
  }
  text += line("decision", "%s: %s", action.c_str(), r.action->reason.c_str());
  text += line("", "ledger id %s", r.decision.hex().c_str());
  return text;
}

std::string quoted(const std::string& path) {
  return path.find(' ') == std::string::npos ? path : "'" + path + "'";
}

std::string output_text(const CollectReport& r) {
  std::string text = line("output", "%s (%s%s)", r.output.c_str(),
                          human_bytes(static_cast<double>(r.bytes_stored)).c_str(),
                          r.complete ? "" : ", interrupted: the series is not complete");
  if (!r.pieces.empty())
    text += line("", "%s to %s: %s of images", r.pieces.front().c_str(),
                 std::filesystem::path(r.pieces.back()).filename().c_str(),
                 counted(r.pieces.size(), "file").c_str());
  text += line(
      "", "%s (why %s not kept)", r.veto_table.c_str(),
      r.vetoed == 1 ? "one frame was" : ("each of " + counted(r.vetoed, "frame") + " was").c_str());
  return text;
}

std::string next_text(const CollectReport& r) {
  const std::string ledger = quoted(r.ledger);
  std::string text = "\ntry:  etalon info " + quoted(r.output) + "\n";
  text += "      etalon analyse hits " + quoted(r.output) + "\n";
  text += "      etalon ledger lineage --ledger " + ledger + " " + quoted(r.output) + "\n";
  if (r.action)
    text += "      etalon ledger lineage --ledger " + ledger + " " +
            r.decision.hex().substr(0, 12) + "\n";
  return text + "      etalon ledger verify --ledger " + ledger + "\n";
}

void add_collect(json& j, const CollectReport& r) {
  j["frames"] = r.received;
  j["hits"] = r.stored;
  j["hit_rate"] = ratio(r.stored, r.received);
  j["bytes_raw"] = r.raw_bytes;
  j["bytes_stored"] = r.bytes_stored;
  j["ratio_kept"] = ratio(r.raw_bytes_kept, r.bytes_stored);
  j["ratio_total"] = ratio(r.raw_bytes, r.bytes_stored);
  j["regions"] = regions_json(r.regions);
  j["checked"] = r.checked;
  j["output"] = r.output;
  if (!r.pieces.empty()) j["pieces"] = r.pieces;
  j["sha256"] = r.sha256.hex();
  j["veto_table"] = r.veto_table;
  j["ledger"] = r.ledger;
  j["complete"] = r.complete;
  j["conservation"] = conservation_json(r.received, r.stored, r.vetoed, r.lost);
  j["audit"] = audit_json(r.audit);
  j["dropped_messages"] = r.dropped;
  j["analysis"] = nullptr;
  if (r.analysis)
    j["analysis"] = {{"output", r.analysis->path},
                     {"job", r.analysis->job},
                     {"runner", r.analysis->runner},
                     {"start_latency_ms", 1e3 * r.analysis->start_latency_s}};
  j["failure"] = nullptr;
  if (r.failure)
    j["failure"] = {{"message", r.failure->message}, {"exit_code", exit_code(r.failure->code)}};
  j["decision"] = nullptr;
  if (!r.action) return;
  json parameters = json::object();
  for (const auto& [name, value] : r.action->parameters)
    std::visit([&, key = name](const auto& x) { parameters[key] = x; }, value);
  j["decision"] = {{"action", r.action->action},
                   {"parameters", parameters},
                   {"reason", r.action->reason},
                   {"ledger_id", r.decision.hex()}};
}

// Without those that never came.
double frames_worked_on(const EdgeReport& r) {
  std::uint64_t lost = 0;
  for (const auto& [cause, count] : r.lost) lost += count;
  return static_cast<double>(r.frames - lost);
}

void add_speed(json& j, const EdgeReport& r) {
  const StageSeconds& s = r.stages;
  j["stages_s"] = {{"receive", s.receive},
                   {"checksum", s.checksum},
                   {"find", s.find},
                   {"reduce", s.reduce},
                   {"ship", s.ship}};
  if (r.fast.has_rules) {
    const Latencies& l = r.fast.latencies;
    j["fast"] = {{"actions", r.fast.actions},
                 {"budget_ms", r.fast.budget_ms},
                 {"over_budget", r.fast.over_budget},
                 {"latency_ms",
                  {{"p50", l.quantile_ms(0.5)},
                   {"p99", l.quantile_ms(0.99)},
                   {"p99_9", l.quantile_ms(0.999)},
                   {"max", l.quantile_ms(1)}}}};
  }
  j["seconds"] = r.seconds;
  j["frames_per_s"] = r.seconds > 0 ? frames_worked_on(r) / r.seconds : 0.0;
  j["latency_ms"] = {{"p50", r.shipped.latencies.quantile_ms(0.5)},
                     {"p99", r.shipped.latencies.quantile_ms(0.99)}};
}

std::string speed_text(const EdgeReport& r) {
  const double per_s = r.seconds > 0 ? 1 / r.seconds : 0;
  return line("throughput", "%.1f frames/s, %s/s", frames_worked_on(r) * per_s,
              human_bytes(static_cast<double>(r.raw_bytes) * per_s).c_str()) +
         line("latency", "%s median, %s p99, from a frame's arrival to its storage",
              time_text(r.shipped.latencies.quantile_ms(0.5)).c_str(),
              time_text(r.shipped.latencies.quantile_ms(0.99)).c_str());
}

std::string fast_text(const FastReport& f) {
  if (!f.has_rules) return "";
  return line("fast loop", "%s; from arrival: %s median, %s p99, %s p99.9; %s later than %g ms",
              counted(f.actions, "action").c_str(), time_text(f.latencies.quantile_ms(0.5)).c_str(),
              time_text(f.latencies.quantile_ms(0.99)).c_str(),
              time_text(f.latencies.quantile_ms(0.999)).c_str(),
              counted(f.over_budget, "frame").c_str(), f.budget_ms);
}

std::string frames_text(std::uint64_t frames, std::uint64_t kept) {
  return line("frames", "%llu", ull(frames)) +
         line("hits", "%llu (%.1f %%)", ull(kept), 100 * ratio(kept, frames));
}

std::string bytes_text(const CollectReport& r) {
  return line("reduction", "%.1f x of what was kept, %.1f x of everything (%s to %s)",
              ratio(r.raw_bytes_kept, r.bytes_stored), ratio(r.raw_bytes, r.bytes_stored),
              human_bytes(static_cast<double>(r.raw_bytes)).c_str(),
              human_bytes(static_cast<double>(r.bytes_stored)).c_str());
}

std::string conservation_text(const CollectReport& r) {
  return line("accounts", "%llu received = %llu stored + %llu vetoed + %s", ull(r.received),
              ull(r.stored), ull(r.vetoed), lost_text(r.lost).c_str());
}

std::string checked_text(const CollectReport& r) {
  return line("checked", "%s read back and compared pixel by pixel",
              counted(r.checked, "stored frame").c_str());
}

}  // namespace

json run_json(const RunReport& report) {
  json j = {{"schema", "etalon.run/1"}, {"source", report.edge.source}};
  add_collect(j, report.centre);
  add_speed(j, report.edge);
  return j;
}

json collect_json(const CollectReport& report) {
  json j = {{"schema", "etalon.collect/1"}};
  add_collect(j, report);
  return j;
}

json edge_json(const EdgeReport& r) {
  json j = {{"schema", "etalon.edge/1"},
            {"source", r.source},
            {"frames", r.frames},
            {"hits", r.kept},
            {"hit_rate", ratio(r.kept, r.frames)},
            {"bytes_raw", r.raw_bytes},
            {"bytes_shipped", r.chunk_bytes},
            {"ratio_kept", ratio(r.raw_bytes_kept, r.chunk_bytes)},
            {"ratio_total", ratio(r.raw_bytes, r.chunk_bytes)},
            {"checked", r.checked},
            {"audit", audit_json(r.audit)},
            {"complete", r.complete},
            {"output", r.done.path},
            {"sha256", r.done.sha256.hex()},
            {"messages", r.shipped.messages},
            {"messages_resent", r.shipped.resent},
            {"messages_spooled", r.shipped.spooled},
            {"frames_resumed", r.resumed},
            {"conservation", conservation_json(r.frames, r.done.stored, r.vetoed, r.lost)}};
  add_speed(j, r);
  return j;
}

std::string run_text(const RunReport& report) {
  const CollectReport& c = report.centre;
  return line("source", "%s", report.edge.source.c_str()) + frames_text(c.received, c.stored) +
         conservation_text(c) + audit_text(c.audit) + bytes_text(c) + regions_text(c.regions) +
         checked_text(c) + fast_text(report.edge.fast) + speed_text(report.edge) + output_text(c) +
         decision_text(c) + next_text(c);
}

std::string collect_text(const CollectReport& c) {
  return frames_text(c.received, c.stored) + conservation_text(c) + audit_text(c.audit) +
         bytes_text(c) + regions_text(c.regions) + checked_text(c) + output_text(c) +
         decision_text(c) + next_text(c);
}

std::string edge_text(const EdgeReport& r) {
  return line("source", "%s", r.source.c_str()) + frames_text(r.frames, r.kept) +
         audit_text(r.audit) +
         line("shipped", "%s in %s, %llu sent again",
              human_bytes(static_cast<double>(r.shipped.bytes)).c_str(),
              counted(r.shipped.messages, "message").c_str(), ull(r.shipped.resent)) +
         fast_text(r.fast) + speed_text(r) +
         line("stored as", "%s (at the collector)", r.done.path.c_str());
}

}  // namespace etalon::cli
