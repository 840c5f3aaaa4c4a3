// The client's side: finds the daemon, or starts it, and asks.
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/text.hpp"
#include "jobs/spawn.hpp"
#include "jobs/state_dir.hpp"
#include "jobs/wire.hpp"

namespace etalon {
namespace jobs {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto patience = std::chrono::seconds(60);

Result<std::string> random_key() {
  unsigned char bytes[16];
  if (::getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes))
    return system_error("job key", "get random bytes");
  return hex(std::as_bytes(std::span(bytes)));
}

// umask(2) can only be read by changing it, which is not thread-safe; proc(5) shows it.
unsigned current_umask() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "Umask:" && status >> word)
      return static_cast<unsigned>(std::strtoul(word.c_str(), nullptr, 8)) & 0777;
  return 077;
}

Result<SpecRecord> complete(const JobSpec& spec) {
  SpecRecord record;
  record.submitted = now();
  record.spec = spec;
  const auto wrong = [](const std::string& text) { return Error{Errc::usage, "job: " + text}; };
  if (spec.argv.empty() || spec.argv[0].empty()) return wrong("no command is given");
  for (const std::string& argument : spec.argv)
    if (argument.find('\0') != std::string::npos) return wrong("an argument holds a zero byte");
  for (const auto& [name, value] : spec.environment)
    if (name.empty() || name.find('=') != std::string::npos ||
        (name + value).find('\0') != std::string::npos)
      return wrong("environment: '" + name + "' is not a variable's name, or holds a zero byte");
  if (record.spec.name.empty())
    record.spec.name = spec.argv[0].substr(spec.argv[0].find_last_of('/') + 1);
  if (record.spec.name.empty()) record.spec.name = spec.argv[0];
  std::error_code error;
  record.spec.directory = spec.directory.empty()
                              ? std::filesystem::current_path(error).string()
                              : std::filesystem::absolute(spec.directory, error).string();
  if (error) return Error{Errc::io, "working directory: " + error.message()};
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    record.environment.emplace_back(*entry);
  record.umask = current_umask();
  ETALON_ASSIGN(record.key, random_key());
  return record;
}

class LocalRunner final : public JobRunner {
 public:
  LocalRunner(std::string state_dir, std::string directory, std::string executable)
      : state_dir_(std::move(state_dir)),
        directory_(std::move(directory)),
        executable_(std::move(executable)) {}

  Result<std::uint64_t> submit(const JobSpec& spec) override {
    ETALON_ASSIGN(SpecRecord record, complete(spec));
    const cbor::Value message = to_cbor(Request{Request::Kind::submit, 0, std::move(record)});
    if (cbor::encode(message).size() > max_request_bytes)
      return Error{Errc::usage, "job: its arguments and environment exceed 4 MiB"};
    ETALON_ASSIGN(const cbor::Value reply, ask(message));
    ETALON_ASSIGN(const cbor::Value* id, reply.at("id"));
    return id->as_uint("id");
  }

  Result<JobStatus> status(std::uint64_t id) override {
    ETALON_ASSIGN(const cbor::Value reply, ask(to_cbor(Request{Request::Kind::status, id, {}})));
    ETALON_ASSIGN(const cbor::Value* job, reply.at("job"));
    return parse_status(*job);
  }

  Result<std::vector<JobStatus>> list() override {
    ETALON_ASSIGN(const cbor::Value reply, ask(to_cbor(Request{Request::Kind::list, 0, {}})));
    ETALON_ASSIGN(const cbor::Value* value, reply.at("jobs"));
    ETALON_ASSIGN(const cbor::List* jobs, value->as_list("jobs"));
    std::vector<JobStatus> all;
    for (const cbor::Value& job : *jobs) {
      ETALON_ASSIGN(JobStatus one, parse_status(job));
      all.push_back(std::move(one));
    }
    return all;
  }

  Result<void> cancel(std::uint64_t id) override {
    ETALON_ASSIGN(const cbor::Value reply, ask(to_cbor(Request{Request::Kind::cancel, id, {}})));
    (void)reply;
    return {};
  }

 private:
  // Every request may be asked twice with the effect of once (a submission has a key), so a daemon
  // that dies in between is replaced and asked again.
  Result<cbor::Value> ask(const cbor::Value& message) const {
    const auto deadline = Clock::now() + patience;
    constexpr int most_deaths = 20;
    int deaths = 0;
    std::chrono::milliseconds pause{2};
    Error last{Errc::io, directory_ + ": the job daemon does not answer"};
    while (Clock::now() < deadline) {
      auto socket = connect_in(directory_);
      if (socket.ok()) {
        auto reply =
            exchange(socket->get(), message,
                     std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()));
        if (reply.ok()) {
          ETALON_TRY(check_reply(*reply));
          return reply;
        }
        if (reply.error().code != Errc::io) return reply;
        last = reply.error();
      } else if (socket.error().code == Errc::missing) {
        ETALON_ASSIGN(const bool listens, spawn_daemon(executable_, state_dir_));
        if (listens && connect_in(directory_).ok()) continue;
        if (!listens && ++deaths == most_deaths)
          return Error{Errc::io, state_dir_ + ": the job daemon ends as soon as it is started"};
      } else if (socket.error().code != Errc::io) {
        return socket.error();
      } else {
        last = socket.error();
      }
      std::this_thread::sleep_for(pause);
      pause = std::min(pause * 2, std::chrono::milliseconds(100));
    }
    return last;
  }

  std::string state_dir_, directory_, executable_;
};

}  // namespace
}  // namespace jobs

Result<std::unique_ptr<JobRunner>> local_runner(const LocalRunnerOptions& options) {
  using namespace jobs;
  // The daemon that may be started reads these; one that runs already would not say what is wrong.
  ETALON_TRY(JobDaemonOptions::from_environment(options.state_dir));
  ETALON_ASSIGN(std::string state_dir, resolve_state_dir(options.state_dir));
  ETALON_ASSIGN(std::string directory, make_jobs_dir(state_dir));
  std::string executable = options.executable;
  if (executable.empty()) {
    ETALON_ASSIGN(executable, default_executable());
  }
  return std::unique_ptr<JobRunner>(std::make_unique<LocalRunner>(
      std::move(state_dir), std::move(directory), std::move(executable)));
}

Result<void> stop_local_daemon(const LocalRunnerOptions& options) {
  using namespace jobs;
  ETALON_ASSIGN(const std::string state_dir, resolve_state_dir(options.state_dir));
  auto socket = connect_in(state_dir + "/jobs");
  if (!socket.ok() && socket.error().code == Errc::missing) return {};
  if (!socket.ok()) return std::move(socket).error();
  ETALON_ASSIGN(const cbor::Value reply,
                exchange(socket->get(), to_cbor(Request{Request::Kind::stop, 0, {}}), patience));
  return check_reply(reply);
}

}  // namespace etalon
