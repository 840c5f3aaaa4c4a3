// The part of a job that brings together what its ranks have found: in each round the ranks that
// are left send to the one before them.
#include <mpi.h>

#include <algorithm>

#include "analyse/findings_part.hpp"
#include "bytes_between.hpp"
#include "job.hpp"

namespace etalon::mpi {
Result<void> Job::send_to(int rank) {
  std::vector<std::uint64_t> ranges = done_;
  std::ranges::sort(ranges);
  const Bytes found = found_->pack(ranges);
  const Bytes bytes = pack(FindingsPart{{}, std::move(ranges), found});
  send_bytes(bytes, rank);
  return {};
}

Result<void> Job::receive_from(int rank) {
  ETALON_ASSIGN(const Bytes bytes, receive_bytes(rank));
  ETALON_ASSIGN(const FindingsPart part, unpack_findings_part(bytes));
  std::uint64_t frames = 0;
  for (const std::uint64_t range : part.ranges) {
    if (range >= ranges_.size())
      return Error{Errc::io, "rank " + std::to_string(rank) + " sent a range that there is not"};
    frames += ranges_[range].frames();
  }
  ETALON_TRY(found_->merge(part.ranges, frames, part.findings));
  done_.insert(done_.end(), part.ranges.begin(), part.ranges.end());
  return {};
}

Result<void> Job::gather() {
  const std::size_t rank = ranks_.rank();
  for (std::size_t step = 1; step < ranks_.size(); step *= 2) {
    if (rank & step) return send_to(static_cast<int>(rank - step));
    if (rank + step < ranks_.size()) ETALON_TRY(receive_from(static_cast<int>(rank + step)));
  }
  return {};
}

void Job::gather_times() {
  times_.all = clock_.seconds();
  if (first()) all_times_.resize(ranks_.size());
  MPI_Gather(&times_, sizeof times_, MPI_BYTE, all_times_.data(), sizeof times_, MPI_BYTE, 0,
             MPI_COMM_WORLD);
}

}  // namespace etalon::mpi
