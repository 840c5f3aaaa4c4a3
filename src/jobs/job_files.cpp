#include "jobs/job_files.hpp"

#include <ctime>

#include "jobs/fields.hpp"

namespace etalon::jobs {
namespace {

double seconds(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void put(cbor::Value& map, const std::string& prefix, const Stamp& stamp) {
  map.set(prefix + "_s", stamp.unix_s);
  map.set(prefix + "_monotonic_s", stamp.monotonic_s);
}

Result<void> get(const cbor::Value& map, const std::string& prefix, Stamp& stamp) {
  ETALON_ASSIGN(stamp.unix_s, get_seconds(map, prefix + "_s"));
  ETALON_ASSIGN(stamp.monotonic_s, get_seconds(map, prefix + "_monotonic_s"));
  return {};
}

Result<unsigned> get_count(const cbor::Value& map, std::string_view key) {
  ETALON_ASSIGN(const std::uint64_t n, get_uint(map, key));
  if (n > 0xffffffff) return Error{Errc::malformed, std::string(key) + ": too large"};
  return static_cast<unsigned>(n);
}

// Of a key that older records do not have.
Result<unsigned> get_later_count(const cbor::Value& map, std::string_view key, unsigned otherwise) {
  if (map.find(key) == nullptr) return otherwise;
  return get_count(map, key);
}

}  // namespace

Stamp now() { return {seconds(CLOCK_REALTIME), seconds(CLOCK_MONOTONIC)}; }

cbor::Value to_cbor(const SpecRecord& record) {
  cbor::Value map;
  map.set("argv", raw_list(record.spec.argv));
  map.set("name", raw(record.spec.name));
  map.set("urgent", record.spec.urgent);
  map.set("split_output", record.spec.split_output);
  map.set("directory", raw(record.spec.directory));
  map.set("added", raw_map(record.spec.environment));
  map.set("environment", raw_list(record.environment));
  map.set("key", raw(record.key));
  map.set("umask", record.umask);
  put(map, "submitted", record.submitted);
  map.set("retries", record.spec.retries);
  map.set("deadline_s", record.spec.deadline_s);
  map.set("batch_options", raw_list(record.spec.batch_options));
  map.set("standby", raw(record.standby.directory));
  map.set("standby_until_s", record.standby.until_s);
  return map;
}

Result<void> from_cbor(const cbor::Value& map, SpecRecord& record) {
  ETALON_ASSIGN(record.spec.argv, get_raw_list(map, "argv"));
  if (record.spec.argv.empty()) return Error{Errc::malformed, "argv: empty"};
  ETALON_ASSIGN(record.spec.name, get_raw(map, "name"));
  ETALON_ASSIGN(record.spec.urgent, get_bool(map, "urgent"));
  if (map.find("split_output") != nullptr) {  // older records have none
    ETALON_ASSIGN(record.spec.split_output, get_bool(map, "split_output"));
  }
  ETALON_ASSIGN(record.spec.directory, get_raw(map, "directory"));
  ETALON_ASSIGN(record.spec.environment, get_raw_map(map, "added"));
  ETALON_ASSIGN(record.environment, get_raw_list(map, "environment"));
  ETALON_ASSIGN(record.key, get_raw(map, "key"));
  if (record.key.size() < 16 || record.key.size() > 64)
    return Error{Errc::malformed, "key: not 16 to 64 bytes long"};
  ETALON_ASSIGN(record.umask, get_count(map, "umask"));
  record.umask &= 0777;
  if (map.find("retries") != nullptr) {  // older records have none of these
    ETALON_ASSIGN(record.spec.retries, get_count(map, "retries"));
    ETALON_ASSIGN(record.spec.deadline_s, get_seconds(map, "deadline_s"));
    ETALON_ASSIGN(record.spec.batch_options, get_raw_list(map, "batch_options"));
    ETALON_ASSIGN(record.standby.directory, get_raw(map, "standby"));
    ETALON_ASSIGN(record.standby.until_s, get_seconds(map, "standby_until_s"));
  }
  return get(map, "submitted", record.submitted);
}

cbor::Value to_cbor(const ClaimRecord& record) {
  cbor::Value map;
  map.set("pid", record.supervisor.pid);
  map.set("start", record.supervisor.start);
  map.set("boot", raw(record.supervisor.boot));
  return map;
}

Result<void> from_cbor(const cbor::Value& map, ClaimRecord& record) {
  ETALON_ASSIGN(record.supervisor.pid, get_int(map, "pid"));
  if (record.supervisor.pid < 0 || record.supervisor.pid > (1 << 30))
    return Error{Errc::malformed, "pid: out of range"};
  ETALON_ASSIGN(record.supervisor.start, get_uint(map, "start"));
  ETALON_ASSIGN(record.supervisor.boot, get_raw(map, "boot"));
  return {};
}

cbor::Value to_cbor(const StartedRecord& record) {
  cbor::Value map;
  put(map, "started", record.started);
  map.set("pid", record.pid);
  return map;
}

Result<void> from_cbor(const cbor::Value& map, StartedRecord& record) {
  ETALON_ASSIGN(record.pid, get_int(map, "pid"));
  return get(map, "started", record.started);
}

cbor::Value to_cbor(const ControlRecord& record) {
  cbor::Value map;
  map.set("suspended", record.suspended);
  map.set("suspensions", record.suspensions);
  map.set("attempts", record.attempts);
  map.set("requeues", record.requeues);
  map.set("last_failure", raw(record.last_failure));
  return map;
}

Result<void> from_cbor(const cbor::Value& map, ControlRecord& record) {
  ETALON_ASSIGN(record.suspended, get_bool(map, "suspended"));
  ETALON_ASSIGN(record.suspensions, get_count(map, "suspensions"));
  ETALON_ASSIGN(record.attempts, get_later_count(map, "attempts", 1));
  ETALON_ASSIGN(record.requeues, get_later_count(map, "requeues", 0));
  if (map.find("last_failure") != nullptr) {
    ETALON_ASSIGN(record.last_failure, get_raw(map, "last_failure"));
  }
  return {};
}

cbor::Value to_cbor(const ResultRecord& record) {
  cbor::Value map;
  map.set("state", name_of(record.state));
  map.set("exit_code", record.exit_code);
  map.set("reason", raw(record.reason));
  map.set("ended_s", record.ended_s);
  map.set("suspensions", record.suspensions);
  map.set("attempts", record.attempts);
  map.set("requeues", record.requeues);
  return map;
}

Result<void> from_cbor(const cbor::Value& map, ResultRecord& record) {
  ETALON_ASSIGN(const cbor::Value* state, map.at("state"));
  ETALON_ASSIGN(const std::string name, state->as_text("state"));
  ETALON_ASSIGN(record.state, parse_job_state(name));
  if (!has_ended(record.state)) return Error{Errc::malformed, "state: " + name + " is no end"};
  ETALON_ASSIGN(const std::int64_t exit_code, get_int(map, "exit_code"));
  if (exit_code < 0 || exit_code > 255) return Error{Errc::malformed, "exit_code: out of range"};
  record.exit_code = static_cast<int>(exit_code);
  ETALON_ASSIGN(record.reason, get_raw(map, "reason"));
  ETALON_ASSIGN(record.ended_s, get_seconds(map, "ended_s"));
  ETALON_ASSIGN(record.suspensions, get_count(map, "suspensions"));
  ETALON_ASSIGN(record.attempts, get_later_count(map, "attempts", 1));
  ETALON_ASSIGN(record.requeues, get_later_count(map, "requeues", 0));
  return {};
}

}  // namespace etalon::jobs
