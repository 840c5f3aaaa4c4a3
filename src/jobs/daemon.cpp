// The daemon's process: one loop over callers, supervisors and signals.
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <list>
#include <thread>

#include "jobs/job_table.hpp"
#include "jobs/spawn.hpp"
#include "jobs/standby.hpp"
#include "jobs/state_dir.hpp"
#include "jobs/wire.hpp"

namespace etalon {
namespace jobs {
namespace {

using Clock = std::chrono::steady_clock;

struct Connection {
  Fd socket;
  MessageReader reader{max_request_bytes};
  Bytes out;
  std::size_t sent = 0;
  Clock::time_point active = Clock::now();
};

class Daemon {
 public:
  Daemon(JobTable table, Fd listener, Fd signals, std::string directory,
         const JobDaemonOptions& options)
      : table_(std::move(table)),
        listener_(std::move(listener)),
        signals_(std::move(signals)),
        directory_(std::move(directory)),
        state_dir_(options.state_dir),
        idle_(options.idle) {
    own_ = socket_inode();
  }

  void run();

 private:
  void accept_all();
  bool serve(Connection& connection);  // false: to be closed
  cbor::Value answer(const cbor::Value& message);
  std::pair<dev_t, ino_t> socket_inode() const;
  void keep_keeper(bool wanted);

  JobTable table_;
  Fd listener_, signals_;
  std::string directory_, state_dir_;
  std::chrono::seconds idle_;
  std::list<Connection> connections_;
  Clock::time_point last_use_ = Clock::now();
  std::pair<dev_t, ino_t> own_;
  bool stop_ = false;
  pid_t keeper_ = 0;  // starts the next daemon when we die; there while stand-bys wait
};

void Daemon::keep_keeper(bool wanted) {
  if (keeper_ > 0 && ::waitpid(keeper_, nullptr, WNOHANG) != 0) keeper_ = 0;
  if (wanted && keeper_ == 0) {
    const auto started = start_keeper(state_dir_);
    keeper_ = started.ok() ? *started : 0;
  } else if (!wanted && keeper_ > 0) {
    ::kill(keeper_, SIGKILL);
    ::waitpid(keeper_, nullptr, 0);
    keeper_ = 0;
  }
}

std::pair<dev_t, ino_t> Daemon::socket_inode() const {
  struct stat about {};
  if (::stat((directory_ + "/socket").c_str(), &about) != 0) return {};
  return {about.st_dev, about.st_ino};
}

void Daemon::run() {
  constexpr auto patience = std::chrono::seconds(60);  // with a silent caller
  std::vector<pollfd> waits;
  while (!stop_) {
    const auto standby = table_.look_after_standbys();
    keep_keeper(standby.has_value());
    table_.schedule_now();
    waits.assign({{listener_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}});
    const auto watched = table_.watched();
    for (const auto& [id, fd] : watched) waits.push_back({fd, POLLIN, 0});
    for (const Connection& c : connections_) {
      const bool writing = c.sent < c.out.size();
      waits.push_back({c.socket.get(), static_cast<short>(writing ? POLLOUT : POLLIN), 0});
    }
    const auto events = ::poll(waits.data(), waits.size(),
                               static_cast<int>(standby.has_value() ? standby->count() : 1000));
    if (events < 0 && errno != EINTR) break;
    if (events <= 0)
      for (pollfd& wait : waits) wait.revents = 0;

    std::size_t at = 2;
    for (const auto& [id, fd] : watched)
      if (waits[at++].revents != 0) table_.supervisor_ended(id);
    for (auto c = connections_.begin(); c != connections_.end();) {
      const bool keep = waits[at++].revents == 0 ? Clock::now() - c->active < patience : serve(*c);
      c = keep ? std::next(c) : connections_.erase(c);
    }
    if (waits[0].revents != 0) accept_all();
    if (waits[1].revents != 0) stop_ = true;
    if (!table_.idle() || !connections_.empty()) last_use_ = Clock::now();
    // Without a job and a caller, or with the state directory gone, there is nothing to stay for.
    if (Clock::now() - last_use_ >= idle_ || socket_inode() != own_) break;
  }
  keep_keeper(false);
  table_.release_all();
  for (Connection& c : connections_)
    if (c.sent < c.out.size()) serve(c);
  if (socket_inode() == own_) ::unlink((directory_ + "/socket").c_str());
}

void Daemon::accept_all() {
  constexpr std::size_t most_connections = 256;
  while (true) {
    Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket.valid()) {
      if (errno == EMFILE || errno == ENFILE)  // the caller waits; do not spin meanwhile
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      return;
    }
    if (!check_peer(socket.get()).ok()) continue;
    if (connections_.size() >= most_connections) connections_.pop_front();
    connections_.emplace_back().socket = std::move(socket);
  }
}

bool Daemon::serve(Connection& c) {
  c.active = Clock::now();
  if (c.sent == c.out.size()) {
    std::byte buffer[65536];
    const ssize_t n = ::recv(c.socket.get(), buffer, sizeof buffer, 0);
    if (n < 0) return errno == EINTR || errno == EAGAIN;
    if (n == 0) return false;
    c.reader.add(ByteSpan(buffer, static_cast<std::size_t>(n)));
    auto message = c.reader.next();
    if (message.ok() && !message->has_value()) return true;
    c.out = pack_message(message.ok() ? answer(**message) : reply_error(message.error()));
    c.sent = 0;
  }
  while (c.sent < c.out.size()) {
    const ssize_t n =
        ::send(c.socket.get(), c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL);
    if (n < 0) return errno == EINTR || errno == EAGAIN;
    c.sent += static_cast<std::size_t>(n);
  }
  return false;  // one question a connection
}

cbor::Value Daemon::answer(const cbor::Value& message) {
  auto request = parse_request(message);
  if (!request.ok()) return reply_error(request.error());
  cbor::Value reply = reply_ok();
  switch (request->kind) {
    case Request::Kind::submit: {
      auto id = table_.submit(std::move(request->spec));
      if (!id.ok()) return reply_error(id.error());
      reply.set("id", *id);
      break;
    }
    case Request::Kind::status: {
      auto status = table_.status(request->id);
      if (!status.ok()) return reply_error(status.error());
      reply.set("job", to_cbor(*status));
      break;
    }
    case Request::Kind::list: {
      cbor::List list;
      for (const JobStatus& status : table_.list()) list.push_back(to_cbor(status));
      reply.set("jobs", std::move(list));
      break;
    }
    case Request::Kind::cancel:
      if (auto done = table_.cancel(request->id); !done.ok()) return reply_error(done.error());
      break;
    case Request::Kind::stop:
      stop_ = true;
      break;
  }
  return reply;
}

// Held as long as the process lives; the file names it.
Result<Fd> take_lock(const std::string& directory) {
  const std::string path = directory + "/lock";
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.valid()) return system_error(path, "open");
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Error{Errc::usage, directory + ": a job daemon runs already"};
    return system_error(path, "lock");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::write(fd.get(), pid.data(), pid.size()) != static_cast<ssize_t>(pid.size()))
    return system_error(path, "write");
  return fd;
}

void say_ready() { (void)!::write(STDOUT_FILENO, ready_line.data(), ready_line.size()); }

Result<void> detach() {
  const pid_t pid = ::fork();
  if (pid < 0)
    return Error{Errc::io, std::string("cannot make a process: ") + std::strerror(errno)};
  if (pid > 0) ::_exit(0);
  ::setsid();
  // What the caller left open would otherwise stay open as long as we live.
  ::syscall(SYS_close_range, 3U, ~0U, 0U);
  (void)!::chdir("/");
  ::umask(077);
  return {};
}

}  // namespace
}  // namespace jobs

Result<void> run_job_daemon(const JobDaemonOptions& given) {
  using namespace jobs;
  JobDaemonOptions options = given;
  if (options.urgent_slots == 0)
    options.urgent_slots = std::max(1U, std::thread::hardware_concurrency());
  ETALON_ASSIGN(options.state_dir, resolve_state_dir(given.state_dir));
  ETALON_ASSIGN(const std::string directory, make_jobs_dir(options.state_dir));
  if (options.detach) ETALON_TRY(detach());

  sigset_t watched, blocked;
  sigemptyset(&watched);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&watched, number);
  blocked = watched;
  sigaddset(&blocked, order_signal());
  ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
  std::signal(SIGCHLD, SIG_DFL);
  std::signal(SIGXFSZ, SIG_IGN);  // a write that cannot be is an error, not the end

  auto lock = take_lock(directory);
  if (!lock.ok()) {
    if (options.detach && lock.error().code == Errc::usage) say_ready();  // another one is
    return std::move(lock).error();
  }
  Fd signals(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals.valid()) return system_error(directory, "watch signals");
  ETALON_ASSIGN(JobTable table, JobTable::open(directory, options));
  ETALON_ASSIGN(Fd listener, listen_in(directory));
  if (options.detach) {
    say_ready();
    const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (int fd = 0; fd < 3; ++fd) ::dup2(null.get(), fd);
  }
  Daemon(std::move(table), std::move(listener), std::move(signals), directory, options).run();
  return {};
}

}  // namespace etalon
