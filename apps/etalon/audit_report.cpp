#include "audit_report.hpp"

#include <array>
#include <charconv>

#include "base/text.hpp"
#include "report_line.hpp"

namespace etalon::cli {
namespace {

// "0.5%" to "0.005".
std::string share_of_percent(std::string& text) {
  if (text.empty() || text.back() != '%') return "";
  double percent = 0;
  const char* const end = text.data() + text.size() - 1;
  const auto [stop, wrong] = std::from_chars(text.data(), end, percent);
  if (wrong != std::errc() || stop != end) return text + ": is not a percentage";
  std::array<char, 32> share{};
  text.assign(share.data(),
              std::to_chars(share.data(), share.data() + share.size(), percent / 100).ptr);
  return "";
}

}  // namespace

nlohmann::json audit_json(const AuditSummary& a) {
  const Interval interval = a.interval();
  nlohmann::json j = {{"rejected", a.rejected},
                      {"audited", a.audited},
                      {"bytes", a.bytes},
                      {"false_rejections", a.hits},
                      {"rate", nullptr},
                      {"interval_95", {interval.low, interval.high}},
                      {"width", interval.high - interval.low},
                      {"limit", nullptr}};
  if (a.audited > 0) j["rate"] = a.rate();
  if (a.limit == 0) return j;
  j["limit"] = a.limit;
  j["limit_shown"] = a.limit_shown();
  j["audited_needed"] = nullptr;
  if (const auto needed = a.needed()) j["audited_needed"] = *needed;
  j["audited_needed_without_any"] = a.needed_at_best().value_or(0);
  return j;
}

std::string audit_text(const AuditSummary& a) {
  if (a.rejected == 0) return "";
  if (a.audited == 0)
    return line("audit", "none of %s kept whole: nothing is known of false rejections",
                counted(a.rejected, "rejected frame").c_str());
  const Interval interval = a.interval();
  std::string text =
      line("audit", "%llu of %s kept whole (%s), %llu judged a hit", ull(a.audited),
           counted(a.rejected, "rejected frame").c_str(),
           human_bytes(static_cast<double>(a.bytes)).c_str(), ull(a.hits)) +
      line("", "falsely rejected: %.3g %%, 95 %% interval %.3g to %.3g %% (width %.3g)",
           100 * a.rate(), 100 * interval.low, 100 * interval.high,
           100 * (interval.high - interval.low));
  if (a.limit == 0) return text;
  const double percent = 100 * a.limit;
  if (a.limit_shown()) return text + line("", "below the limit of %.3g %%: shown", percent);
  const auto needed = a.needed();
  if (!needed)
    return text +
           line("", "below the limit of %.3g %%: not shown, and not so at this rate", percent);
  return text + line("", "below the limit of %.3g %%: not shown; needs %llu audited frames%s",
                     percent, ull(*needed), a.hits == 0 ? " without a hit" : " at this rate");
}

void add_audit_limit(Command* command, std::optional<double>& limit) {
  command
      ->add_option(
          "--audit-limit", limit,
          "Say whether the audit shows that at most this share of the rejected frames were "
          "hits, and how many it would have to look at; 0.5% or 0.005; default: the "
          "recipe's audit.limit")
      ->transform(share_of_percent, "SHARE")
      ->range(1e-6, 0.999);
}

}  // namespace etalon::cli
