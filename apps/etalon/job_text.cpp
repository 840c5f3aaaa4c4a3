#include "job_text.hpp"

#include <cmath>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "cli.hpp"
#include "printable.hpp"

namespace etalon::cli {
namespace {

nlohmann::json known(double seconds, bool is_known) {
  return is_known ? nlohmann::json(seconds) : nlohmann::json(nullptr);
}

nlohmann::json known(const std::string& text) {
  return text.empty() ? nlohmann::json(nullptr) : nlohmann::json(text);
}

bool has_exit_code(const JobStatus& job) {
  return job.state == JobState::done || job.state == JobState::failed;
}

std::string clock_text(double unix_s) {
  if (unix_s <= 0) return "-";
  const auto time = static_cast<std::time_t>(unix_s);
  const std::time_t today = std::time(nullptr);
  std::tm then{}, now{};
  if (::localtime_r(&time, &then) == nullptr || ::localtime_r(&today, &now) == nullptr) return "-";
  const bool same_day = then.tm_yday == now.tm_yday && then.tm_year == now.tm_year;
  char text[32];
  std::strftime(text, sizeof text, same_day ? "%H:%M:%S" : "%m-%d %H:%M", &then);
  return text;
}

std::string span_text(double seconds) {
  char text[32];
  if (seconds < 0.9995)
    std::snprintf(text, sizeof text, "%.0f ms", seconds * 1000);
  else if (seconds < 120)
    std::snprintf(text, sizeof text, "%.1f s", seconds);
  else if (seconds < 7200)
    std::snprintf(text, sizeof text, "%.0f min", seconds / 60);
  else
    std::snprintf(text, sizeof text, "%.1f h", seconds / 3600);
  return text;
}

std::vector<std::string> row_of(const JobStatus& job) {
  return {std::to_string(job.id),
          printable(job.spec.name),
          job.spec.urgent ? "urgent" : "background",
          std::string(name_of(job.state)),
          clock_text(job.submitted_s),
          clock_text(job.started_s),
          clock_text(job.ended_s),
          job.started_s > 0 ? span_text(job.latency_s) : "-",
          std::to_string(job.suspensions + job.requeues),
          std::to_string(job.attempts) + "/" + std::to_string(job.spec.retries + 1),
          has_exit_code(job) ? std::to_string(job.exit_code) : "-"};
}

}  // namespace

nlohmann::json to_json(const JobStatus& job) {
  return {{"id", job.id},
          {"name", job.spec.name},
          {"argv", job.spec.argv},
          {"directory", job.spec.directory},
          {"environment", job.spec.environment},
          {"urgent", job.spec.urgent},
          {"state", name_of(job.state)},
          {"exit_code", has_exit_code(job) ? nlohmann::json(job.exit_code) : nullptr},
          {"reason", job.reason},
          {"suspensions", job.suspensions},
          {"requeues", job.requeues},
          {"attempts", job.attempts},
          {"retries", job.spec.retries},
          {"submitted_s", job.submitted_s},
          {"started_s", known(job.started_s, job.started_s > 0)},
          {"ended_s", known(job.ended_s, job.ended_s > 0)},
          {"latency_s", known(job.latency_s, job.started_s > 0)},
          {"output", job.output},
          {"errors", known(job.errors)},
          {"batch_id", known(job.batch_id)},
          {"moved_to", job.moved_to == 0 ? nlohmann::json(nullptr) : nlohmann::json(job.moved_to)},
          {"stands_in_for", known(job.stands_in_for)}};
}

std::string dump(const nlohmann::json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string table_of(const std::vector<JobStatus>& jobs) {
  std::vector<std::vector<std::string>> rows = {{"ID", "NAME", "KIND", "STATE", "SUBMITTED",
                                                 "STARTED", "ENDED", "LATENCY", "SUSPENDED",
                                                 "ATTEMPTS", "EXIT"}};
  for (const JobStatus& job : jobs) rows.push_back(row_of(job));
  std::vector<std::size_t> widths(rows[0].size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - row[i].size() + 2, ' ');
    }
    text += '\n';
  }
  return text;
}

std::string details_of(const JobStatus& job) {
  std::string command;
  for (const std::string& argument : job.spec.argv) command += " " + printable(argument);
  std::string text = "command:  " + command + "\ndirectory: " + printable(job.spec.directory) +
                     "\noutput:    " + printable(job.output) + "\n";
  if (!job.errors.empty()) text += "errors:    " + printable(job.errors) + "\n";
  if (!job.batch_id.empty()) text += "batch job: " + printable(job.batch_id) + "\n";
  if (job.requeues > 0) text += "requeues:  " + std::to_string(job.requeues) + "\n";
  if (!job.stands_in_for.empty()) text += "in stead of " + printable(job.stands_in_for) + "\n";
  if (!job.reason.empty()) text += "reason:    " + printable(job.reason) + "\n";
  return text;
}

}  // namespace etalon::cli
