#include "hand_out.hpp"

#include <mpi.h>

#include <utility>

#include "waiting.hpp"

namespace etalon::mpi {
namespace {

constexpr int tag_ask = 1, tag_answer = 2;
constexpr std::uint64_t nothing_left = ~std::uint64_t{0};
enum Words : std::uint64_t { want_more, have_failed };

void tell_first(std::uint64_t word) {
  MPI_Send(&word, 1, MPI_UINT64_T, 0, tag_ask, MPI_COMM_WORLD);
}

}  // namespace

struct HandOut::Request {
  MPI_Request answered = MPI_REQUEST_NULL;
  std::uint64_t answer = 0;
  bool asked = false, over = false;
};

HandOut::HandOut(const Ranks& ranks, std::vector<std::uint64_t> open)
    : ranks_(ranks), open_(std::move(open)), request_(std::make_unique<Request>()) {}

HandOut::~HandOut() = default;

std::optional<std::uint64_t> HandOut::take() {
  if (stopped_ || taken_ == open_.size()) return {};
  return open_[taken_++];
}

void HandOut::attend() {
  if (!ranks_.first()) return;
  for (;;) {
    int there = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, tag_ask, MPI_COMM_WORLD, &there, &status);
    if (!there) return;
    std::uint64_t word = 0;
    MPI_Recv(&word, 1, MPI_UINT64_T, status.MPI_SOURCE, tag_ask, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (word == have_failed) {
      stopped_ = true;
      ++gone_;
      continue;
    }
    const auto range = take();
    const std::uint64_t answer = range.value_or(nothing_left);
    gone_ += range ? 0 : 1;
    MPI_Send(&answer, 1, MPI_UINT64_T, status.MPI_SOURCE, tag_answer, MPI_COMM_WORLD);
  }
}

void HandOut::ask() {
  if (ranks_.first() || request_->asked || request_->over) return;
  MPI_Irecv(&request_->answer, 1, MPI_UINT64_T, 0, tag_answer, MPI_COMM_WORLD, &request_->answered);
  tell_first(want_more);
  request_->asked = true;
}

Result<std::optional<std::uint64_t>> HandOut::next() {
  if (ranks_.first()) {
    attend();
    return take();
  }
  ask();
  if (!request_->over)
    ETALON_TRY(wait_until([&] {
      int there = 0;
      MPI_Test(&request_->answered, &there, MPI_STATUS_IGNORE);
      return there != 0;
    }));
  request_->asked = false;
  request_->over = request_->over || request_->answer == nothing_left;
  if (request_->over) return std::optional<std::uint64_t>();
  return std::optional(request_->answer);
}

Result<void> HandOut::leave(bool failed) {
  stopped_ = stopped_ || failed;
  if (ranks_.first())
    return wait_until([&] {
      attend();
      return gone_ + 1 == ranks_.size();
    });
  if (request_->asked) ETALON_TRY(next());
  if (!request_->over) tell_first(have_failed);
  request_->over = true;
  return {};
}

}  // namespace etalon::mpi
