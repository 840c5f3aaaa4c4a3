// A batch job on disk: as a local job (job_files.hpp), with these differences.
//
//   N/script    what the scheduler is given
//   N/hold      keeps an allocation as long as the script runs in it as a step
//   N/batch     what the scheduler calls it
//   N/claim     who may run it: the scheduler's job, once its first instruction runs, or nobody any
//               more; the first writer wins, which is why a job never runs both here and there
//   N/cancel    somebody asked to end it
//   N/stopped   it has ended after the scheduler told it to; if it is started again, this is
//   removed N/log       what the script itself says, hence why it could not even begin
#pragma once

#include <string>

#include "jobs/job_files.hpp"

namespace etalon::jobs {

struct BatchRecord {
  std::string scheduler;  // "slurm" or "pbs"
  std::string id;         // the scheduler's
  bool step = false;      // it runs as a step of an allocation, which ends by cancelling that
};
struct BatchClaim {
  std::string holder;          // the scheduler's id; empty: it was withdrawn
  std::uint64_t moved_to = 0;  // the local job that runs instead; 0: none does
};

cbor::Value to_cbor(const BatchRecord& record);
cbor::Value to_cbor(const BatchClaim& record);
Result<void> from_cbor(const cbor::Value& value, BatchRecord& record);
Result<void> from_cbor(const cbor::Value& value, BatchClaim& record);

// Makes `claim` the job's if nobody has claimed it yet; returns whose it is now.
Result<BatchClaim> claim_batch_job(const std::string& directory, const BatchClaim& claim);
inline bool operator==(const BatchClaim& a, const BatchClaim& b) {
  return a.holder == b.holder && a.moved_to == b.moved_to;
}

// A small file that can be executed. Errc::io when it is there already.
Result<void> write_script(const std::string& path, const std::string& text);

// What a text is for a POSIX shell: one word, whatever it holds.
std::string shell_word(const std::string& text);
// Runs `EXECUTABLE batch-job DIRECTORY`. Nothing else of the job is in it: the command is in a
// record, and never passes a shell.
std::string batch_script(const std::string& executable, const std::string& directory);

}  // namespace etalon::jobs
