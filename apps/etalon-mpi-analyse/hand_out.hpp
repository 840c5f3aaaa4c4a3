// Which rank takes which range: rank 0 hands them out one by one, between two frames of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "ranks.hpp"

namespace etalon::mpi {

class HandOut {
 public:
  // `open`, of rank 0: the numbers of the ranges that are still to be done.
  HandOut(const Ranks& ranks, std::vector<std::uint64_t> open);
  ~HandOut();
  HandOut(const HandOut&) = delete;
  HandOut& operator=(const HandOut&) = delete;

  // Between two frames: rank 0 answers whoever has asked.
  void attend();
  // Before the last frame of a range: asks for the next one, which is then there when it is needed.
  void ask();
  // The next range of this rank; none when there are no more, or a rank has failed.
  Result<std::optional<std::uint64_t>> next();
  // At the end: this rank takes no more; when it has failed, nobody does. Rank 0 stays until all
  // others have heard that there is nothing left.
  Result<void> leave(bool failed);

 private:
  std::optional<std::uint64_t> take();

  const Ranks& ranks_;
  std::vector<std::uint64_t> open_;  // rank 0
  std::size_t taken_ = 0, gone_ = 0;
  bool stopped_ = false;
  struct Request;  // of another rank
  std::unique_ptr<Request> request_;
};

}  // namespace etalon::mpi
