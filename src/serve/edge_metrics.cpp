#include "serve/edge_metrics.hpp"

#include <array>
#include <charconv>

namespace etalon {
namespace {

std::string number(double value) {
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

// A label's value: backslash, quote and line feed are escaped.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

class Page {
 public:
  void family(const std::string& name, const char* type, const char* help) {
    name_ = "etalon_edge_" + name;
    text_ += "# HELP " + name_ + " " + help + "\n# TYPE " + name_ + " " + type + "\n";
  }
  void sample(double value, const std::string& label = "", const std::string& is = "") {
    text_ += name_;
    if (!label.empty()) text_ += "{" + label + "=\"" + escaped(is) + "\"}";
    text_ += " " + number(value) + "\n";
  }
  void one(const std::string& name, const char* type, const char* help, double value) {
    family(name, type, help);
    sample(value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string name_, text_;
};

}  // namespace

std::string edge_metrics(const EdgeStatus& s) {
  const auto count = [](std::uint64_t n) { return static_cast<double>(n); };
  Page page;
  page.family("info", "gauge", "The series in hand.");
  page.sample(1, "series", s.series);
  page.one("frames_total", "counter", "Frames received, lost ones included.", count(s.frames));
  page.one("frames_announced", "gauge", "Frames that the series will have; 0: not known.",
           count(s.announced));
  page.one("frames_kept_total", "counter", "Frames kept (hits).", count(s.kept));
  page.one("frames_vetoed_total", "counter", "Frames rejected.", count(s.vetoed));
  page.one("frames_audited_total", "counter", "Rejected frames that were kept for the audit.",
           count(s.audited));
  page.one("false_rejections_total", "counter", "Audited frames that the judge called hits.",
           count(s.audit_hits));
  page.family("frames_lost_total", "counter", "Frames lost, by cause.");
  for (const auto& [cause, lost] : s.lost) page.sample(count(lost), "cause", cause);
  page.one("raw_bytes_total", "counter", "Bytes of the frames received.", count(s.raw_bytes));
  page.one("kept_raw_bytes_total", "counter", "Raw bytes of the frames kept.",
           count(s.raw_bytes_kept));
  page.one("shipped_bytes_total", "counter", "Bytes of the frames kept, reduced.",
           count(s.chunk_bytes));
  page.one("actions_total", "counter", "Actions of the rules on single frames.", count(s.actions));
  page.one("actions_late_total", "counter", "Frames whose rules were followed after the budget.",
           count(s.over_budget));
  page.one("messages_resent_total", "counter", "Messages sent again to the collector.",
           count(s.resent));
  page.one("frames_in_flight", "gauge", "Frames between reading and shipping.", count(s.in_flight));
  page.one("messages_unacknowledged", "gauge", "Messages that the collector has not stored yet.",
           count(s.unacknowledged));
  page.family("latency_seconds", "gauge", "From a frame's arrival to its storage, quantiles.");
  page.sample(s.latency_p50_ms / 1e3, "quantile", "0.5");
  page.sample(s.latency_p99_ms / 1e3, "quantile", "0.99");
  page.family("stage_seconds_total", "counter", "Threads' time by stage.");
  for (const auto& [stage, seconds] : {std::pair("receive", s.stages.receive),
                                       {"checksum", s.stages.checksum},
                                       {"find", s.stages.find},
                                       {"reduce", s.stages.reduce},
                                       {"ship", s.stages.ship}})
    page.sample(seconds, "stage", stage);
  page.one("seconds", "gauge", "Since the first frame.", s.seconds);
  return page.take();
}

}  // namespace etalon
