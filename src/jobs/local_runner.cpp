// The client's side: finds the daemon, or starts it, and asks.
#include <algorithm>
#include <thread>

#include "jobs/complete.hpp"
#include "jobs/local_runner.hpp"
#include "jobs/spawn.hpp"
#include "jobs/state_dir.hpp"
#include "jobs/wire.hpp"

namespace etalon {
namespace jobs {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto patience = std::chrono::seconds(60);

class LocalRunner final : public JobRunner {
 public:
  LocalRunner(std::string state_dir, std::string directory, std::string executable)
      : state_dir_(std::move(state_dir)),
        directory_(std::move(directory)),
        executable_(std::move(executable)) {}

  Result<std::uint64_t> submit(const JobSpec& spec) override {
    if (spec.deadline_s > 0 || !spec.batch_options.empty())
      return Error{Errc::usage, "job: a deadline and a scheduler's options are for batch runners"};
    ETALON_ASSIGN(SpecRecord record, complete(spec));
    return submit_record(std::move(record));
  }

  Result<std::uint64_t> submit_record(SpecRecord record) const {
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

Result<std::unique_ptr<LocalRunner>> make_runner(const LocalRunnerOptions& options) {
  // The daemon that may be started reads these; one that runs already would not say what is wrong.
  ETALON_TRY(JobDaemonOptions::from_environment(options.state_dir));
  ETALON_ASSIGN(std::string state_dir, resolve_state_dir(options.state_dir));
  ETALON_ASSIGN(std::string directory, make_jobs_dir(state_dir));
  std::string executable = options.executable;
  if (executable.empty()) {
    ETALON_ASSIGN(executable, default_executable());
  }
  return std::make_unique<LocalRunner>(std::move(state_dir), std::move(directory),
                                       std::move(executable));
}

}  // namespace
}  // namespace jobs

Result<std::unique_ptr<JobRunner>> local_runner(const LocalRunnerOptions& options) {
  ETALON_ASSIGN(auto runner, jobs::make_runner(options));
  return std::unique_ptr<JobRunner>(std::move(runner));
}

Result<std::uint64_t> jobs::submit_to_local(const SpecRecord& record) {
  ETALON_ASSIGN(const auto runner, make_runner({}));
  return runner->submit_record(record);
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
