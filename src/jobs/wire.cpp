#include "jobs/wire.hpp"

#include <cstring>

#include "jobs/fields.hpp"

namespace etalon::jobs {
namespace {

constexpr std::string_view kinds[] = {"submit", "status", "list", "cancel", "stop"};
constexpr cbor::Limits limits{12, std::size_t{1} << 22};

}  // namespace

cbor::Value to_cbor(const Request& request) {
  cbor::Value map;
  map.set("version", protocol_version);
  map.set("kind", kinds[static_cast<std::size_t>(request.kind)]);
  if (request.kind == Request::Kind::submit)
    map.set("spec", to_cbor(request.spec));
  else if (request.kind == Request::Kind::status || request.kind == Request::Kind::cancel)
    map.set("id", request.id);
  return map;
}

Result<Request> parse_request(const cbor::Value& message) {
  ETALON_ASSIGN(const std::uint64_t version, get_uint(message, "version"));
  if (version != protocol_version)
    return Error{Errc::usage,
                 "the job daemon that runs is of another version of etalon; it ends "
                 "when idle, or with `etalon job-daemon --stop`"};
  ETALON_ASSIGN(const cbor::Value* kind, message.at("kind"));
  ETALON_ASSIGN(const std::string name, kind->as_text("kind"));
  Request request;
  std::size_t i = 0;
  while (i < std::size(kinds) && kinds[i] != name) ++i;
  if (i == std::size(kinds)) return Error{Errc::malformed, "kind: unknown request"};
  request.kind = static_cast<Request::Kind>(i);
  if (request.kind == Request::Kind::submit) {
    ETALON_ASSIGN(const cbor::Value* spec, message.at("spec"));
    if (auto parsed = from_cbor(*spec, request.spec); !parsed.ok())
      return std::move(parsed).error().in("spec");
  } else if (request.kind == Request::Kind::status || request.kind == Request::Kind::cancel) {
    ETALON_ASSIGN(request.id, get_uint(message, "id"));
  }
  return request;
}

cbor::Value reply_ok() {
  cbor::Value map;
  map.set("ok", true);
  return map;
}

cbor::Value reply_error(const Error& error) {
  cbor::Value map;
  map.set("ok", false);
  map.set("code", exit_code(error.code));
  map.set("error", raw(error.message));
  return map;
}

Result<void> check_reply(const cbor::Value& message) {
  ETALON_ASSIGN(const bool ok, get_bool(message, "ok"));
  if (ok) return {};
  ETALON_ASSIGN(const std::int64_t code, get_int(message, "code"));
  ETALON_ASSIGN(std::string text, get_raw(message, "error"));
  if (code < 1 || code > 5) return Error{Errc::malformed, "code: not an error's"};
  return Error{static_cast<Errc>(code), std::move(text)};
}

cbor::Value to_cbor(const JobStatus& status) {
  cbor::Value map;
  map.set("id", status.id);
  map.set("argv", raw_list(status.spec.argv));
  map.set("name", raw(status.spec.name));
  map.set("urgent", status.spec.urgent);
  map.set("directory", raw(status.spec.directory));
  map.set("environment", raw_map(status.spec.environment));
  map.set("state", name_of(status.state));
  map.set("exit_code", status.exit_code);
  map.set("reason", raw(status.reason));
  map.set("suspensions", status.suspensions);
  map.set("requeues", status.requeues);
  map.set("attempts", status.attempts);
  map.set("retries", status.spec.retries);
  map.set("stands_in_for", raw(status.stands_in_for));
  map.set("submitted_s", status.submitted_s);
  map.set("started_s", status.started_s);
  map.set("ended_s", status.ended_s);
  map.set("latency_s", status.latency_s);
  map.set("output", raw(status.output));
  map.set("errors", raw(status.errors));
  return map;
}

Result<JobStatus> parse_status(const cbor::Value& map) {
  JobStatus status;
  ETALON_ASSIGN(status.id, get_uint(map, "id"));
  ETALON_ASSIGN(status.spec.argv, get_raw_list(map, "argv"));
  ETALON_ASSIGN(status.spec.name, get_raw(map, "name"));
  ETALON_ASSIGN(status.spec.urgent, get_bool(map, "urgent"));
  ETALON_ASSIGN(status.spec.directory, get_raw(map, "directory"));
  ETALON_ASSIGN(status.spec.environment, get_raw_map(map, "environment"));
  ETALON_ASSIGN(const cbor::Value* state, map.at("state"));
  ETALON_ASSIGN(const std::string name, state->as_text("state"));
  ETALON_ASSIGN(status.state, parse_job_state(name));
  ETALON_ASSIGN(const std::int64_t code, get_int(map, "exit_code"));
  status.exit_code = static_cast<int>(code);
  ETALON_ASSIGN(status.reason, get_raw(map, "reason"));
  const auto count = [&map](std::string_view key, unsigned& into) -> Result<void> {
    ETALON_ASSIGN(const std::uint64_t n, get_uint(map, key));
    into = static_cast<unsigned>(n);
    return {};
  };
  ETALON_TRY(count("suspensions", status.suspensions));
  ETALON_TRY(count("requeues", status.requeues));
  ETALON_TRY(count("attempts", status.attempts));
  ETALON_TRY(count("retries", status.spec.retries));
  ETALON_ASSIGN(status.stands_in_for, get_raw(map, "stands_in_for"));
  ETALON_ASSIGN(status.submitted_s, get_seconds(map, "submitted_s"));
  ETALON_ASSIGN(status.started_s, get_seconds(map, "started_s"));
  ETALON_ASSIGN(status.ended_s, get_seconds(map, "ended_s"));
  ETALON_ASSIGN(status.latency_s, get_seconds(map, "latency_s"));
  ETALON_ASSIGN(status.output, get_raw(map, "output"));
  ETALON_ASSIGN(status.errors, get_raw(map, "errors"));
  status.spec.split_output = !status.errors.empty();
  return status;
}

Bytes pack_message(const cbor::Value& value) {
  const Bytes payload = cbor::encode(value);
  ByteWriter out;
  out.put(static_cast<std::uint32_t>(payload.size()));
  out.append(payload);
  return out.take();
}

Result<std::optional<cbor::Value>> MessageReader::next() {
  std::uint32_t size = 0;
  if (buffer_.size() < sizeof size) return std::optional<cbor::Value>{};
  std::memcpy(&size, buffer_.data(), sizeof size);
  if (size == 0 || size > most_)
    return Error{Errc::malformed, "a message of " + std::to_string(size) + " bytes"};
  if (buffer_.size() - sizeof size < size) return std::optional<cbor::Value>{};
  ETALON_ASSIGN(cbor::Value value,
                cbor::decode(ByteSpan(buffer_).subspan(sizeof size, size), limits));
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(sizeof size + size));
  return std::optional(std::move(value));
}

}  // namespace etalon::jobs
