// The processes that run this program together, and how they agree.
#pragma once

#include <cstdint>
#include <string>

#include "etalon/result.hpp"

namespace etalon::mpi {

// Of MPI_COMM_WORLD, between MPI_Init and MPI_Finalize. What is marked collective must be called by
// every rank.
class Ranks {
 public:
  Ranks();
  std::size_t rank() const { return rank_; }
  std::size_t size() const { return size_; }
  bool first() const { return rank_ == 0; }

  // Collective: well where all ranks are; else everywhere the error of the lowest rank that has
  // one.
  Result<void> agree(const Result<void>& mine) const;
  template <typename T>
  Result<void> agree(const Result<T>& mine) const {
    return agree(mine.ok() ? Result<void>() : Result<void>(mine.error()));
  }
  // Whether they have agreed on an error: all know of it, and none is to ask the others again.
  bool failed() const { return failed_; }
  // Collective.
  std::uint64_t sum(std::uint64_t mine) const;
  std::uint64_t least(std::uint64_t mine) const;
  double least(double mine) const;
  double most(double mine) const;
  std::string from_first(std::string text) const;

  // The exit code of an error that all ranks have; the first one prints it.
  int report(const Error& error) const;
  // Ends all ranks with this message and its exit code: for a failure inside a collective call,
  // where the others wait and cannot be told. Removes what remove_at_end() names.
  [[noreturn]] void abort(const Error& error) const;

 private:
  std::size_t rank_ = 0, size_ = 1;
  mutable bool failed_ = false;
};

// A file that must not outlive a program that is ended by abort() or a signal; empty: none.
// SIGTERM is also what mpirun sends to the others when one rank was killed.
void remove_at_end(const std::string& path);
void catch_signals();

}  // namespace etalon::mpi
