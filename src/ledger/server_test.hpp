// A PostgreSQL server for tests: in a folder of its own, on a socket there, gone with the process.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace etalon::testing {

class Server {
 public:
  // One a process; null where no server is installed or none starts.
  static Server* get() {
    static const std::unique_ptr<Server> server = start();
    return server.get();
  }
  ~Server() {
    stop();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  std::string address(const std::string& database) const {
    return "postgresql://owner@/" + database + "?host=" + folder_;
  }
  // Of an empty database.
  std::string fresh() {
    const std::string name = "d" + std::to_string(++made_);
    run("postgres", "CREATE DATABASE " + name);
    return name;
  }
  // As superuser. The first value that comes back.
  std::string run(const std::string& database, const std::string& sql) const {
    const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(
        PQconnectdb(address(database).c_str()), &PQfinish);
    PQsetNoticeProcessor(
        connection.get(), [](void*, const char*) {}, nullptr);
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(
        PQexec(connection.get(), sql.c_str()), &PQclear);
    const auto status = PQresultStatus(result.get());
    EXPECT_TRUE(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        << sql << ": " << PQerrorMessage(connection.get());
    return PQntuples(result.get()) > 0 ? PQgetvalue(result.get(), 0, 0) : "";
  }
  // What the server says when it refuses.
  std::string refusal(const std::string& address, const std::string& sql) const {
    const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(address.c_str()),
                                                                  &PQfinish);
    PQclear(PQexec(connection.get(), sql.c_str()));
    return PQerrorMessage(connection.get());
  }
  void stop() {
    if (server_ <= 0) return;
    ::kill(server_, SIGQUIT);
    ::waitpid(server_, nullptr, 0);
    server_ = 0;
  }
  bool begin() {
    server_ = spawn({program("postgres"), "-D", folder_ + "/data", "-k", folder_, "-F", "-c",
                     "listen_addresses=", "-c", "max_connections=40"});
    for (int i = 0; i < 600; ++i) {
      if (PQping(address("postgres").c_str()) == PQPING_OK) return true;
      if (::waitpid(server_, nullptr, WNOHANG) != 0) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }

 private:
  Server() {
    std::string pattern = (std::filesystem::temp_directory_path() / "etalon_pg_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    if (::geteuid() == 0 && ::chown(folder_.c_str(), nobody, nobody) != 0) folder_.clear();
  }

  static std::unique_ptr<Server> start() {
    if (program("initdb").empty()) return nullptr;
    std::unique_ptr<Server> server(new Server);
    int status = 1;
    ::waitpid(spawn({program("initdb"), "-D", server->folder_ + "/data", "-U", "owner", "-A",
                     "trust", "-E", "UTF8", "--locale=C", "--no-sync"}),
              &status, 0);
    if (status != 0 || !server->begin()) return nullptr;
    return server;
  }

  // Debian keeps each version's programs in a folder of its own; the newest is taken.
  static std::string program(const std::string& name) {
    std::error_code none;
    std::string found;
    int newest = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", none)) {
      const int number = std::atoi(entry.path().filename().c_str());
      const auto at = entry.path() / "bin" / name;
      if (number > newest && std::filesystem::exists(at, none)) {
        newest = number;
        found = at.string();
      }
    }
    return found;
  }

  // The server refuses to run as root.
  static pid_t spawn(std::vector<std::string> words) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid(), child = ::fork();
    if (child != 0) return child;
    if (::geteuid() == 0 && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) ::_exit(127);
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (::getppid() != parent || ::chdir("/") != 0) ::_exit(127);
    const int nowhere = ::open("/dev/null", O_RDWR);
    for (const int fd : {0, 1, 2})
      if (::dup2(nowhere, fd) < 0) ::_exit(127);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }

  static constexpr uid_t nobody = 65534;
  std::string folder_;
  pid_t server_ = 0;
  int made_ = 0;
};

}  // namespace etalon::testing
