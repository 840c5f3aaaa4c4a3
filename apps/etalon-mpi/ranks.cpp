#include "ranks.hpp"

#include <mpi.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

namespace etalon::mpi {
namespace {

// What a signal handler may touch: bytes of fixed place, and system calls.
char doomed[4096] = {};

// Whether it was this rank that removed the file, or there is none to remove.
bool remove_doomed() { return doomed[0] == '\0' || ::unlink(doomed) == 0; }

extern "C" void on_signal(int) {
  remove_doomed();
  ::_exit(exit_code(Errc::interrupted));
}

template <typename T>
T reduce(T mine, MPI_Datatype type, MPI_Op op) {
  T all{};
  MPI_Allreduce(&mine, &all, 1, type, op, MPI_COMM_WORLD);
  return all;
}

std::string broadcast(std::string text, int root) {
  auto size = static_cast<unsigned long long>(text.size());
  MPI_Bcast(&size, 1, MPI_UNSIGNED_LONG_LONG, root, MPI_COMM_WORLD);
  text.resize(size);
  MPI_Bcast(text.data(), static_cast<int>(size), MPI_CHAR, root, MPI_COMM_WORLD);
  return text;
}

}  // namespace

Ranks::Ranks() {
  int rank = 0, size = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  rank_ = static_cast<std::size_t>(rank);
  size_ = static_cast<std::size_t>(size);
}

Result<void> Ranks::agree(const Result<void>& mine) const {
  const auto none = static_cast<int>(size_);
  const int first = reduce(mine.ok() ? none : static_cast<int>(rank_), MPI_INT, MPI_MIN);
  if (first == none) return {};
  failed_ = true;
  const bool ours = first == static_cast<int>(rank_);
  int code = ours ? exit_code(mine.error().code) : 0;
  MPI_Bcast(&code, 1, MPI_INT, first, MPI_COMM_WORLD);
  return Error{static_cast<Errc>(code), broadcast(ours ? mine.error().message : "", first)};
}

std::uint64_t Ranks::sum(std::uint64_t mine) const { return reduce(mine, MPI_UINT64_T, MPI_SUM); }
std::uint64_t Ranks::least(std::uint64_t mine) const { return reduce(mine, MPI_UINT64_T, MPI_MIN); }
double Ranks::least(double mine) const { return reduce(mine, MPI_DOUBLE, MPI_MIN); }
double Ranks::most(double mine) const { return reduce(mine, MPI_DOUBLE, MPI_MAX); }
std::string Ranks::from_first(std::string text) const { return broadcast(std::move(text), 0); }

int Ranks::report(const Error& error) const {
  if (first()) std::fprintf(stderr, "etalon-mpi: %s\n", error.message.c_str());
  return exit_code(error.code);
}

void Ranks::abort(const Error& error) const {
  // Several ranks may see the same failure: who removes the file speaks, and the others wait for
  // that.
  if (remove_doomed())
    std::fprintf(stderr, "etalon-mpi: %s\n", error.message.c_str());
  else
    ::sleep(1);
  MPI_Abort(MPI_COMM_WORLD, exit_code(error.code));
  std::_Exit(exit_code(error.code));
}

void remove_at_end(const std::string& path) {
  doomed[0] = '\0';
  if (path.size() >= sizeof doomed) return;
  std::memcpy(doomed + 1, path.c_str() + 1, path.size());
  doomed[0] = path.c_str()[0];  // last: a signal sees the whole name or none
}

void catch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaction(number, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);  // a file as large as may be is an error, not the end
}

}  // namespace etalon::mpi
