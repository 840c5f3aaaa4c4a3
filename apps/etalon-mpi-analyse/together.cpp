// The part of a job that all ranks go through together: where it goes on from, and what is kept.
#include "job.hpp"

namespace etalon::mpi {
namespace {

void pack(const Generation& generation, ByteWriter& out) {
  out.put(generation.frames);
  for (const Generation::File& file : generation.files) {
    out.put(file.first);
    out.put(file.last);
    out.put(std::uint64_t{file.path.size()});
    out.append(bytes_of(file.path));
  }
}

Result<Generation> unpack_generation(ByteSpan bytes) {
  ByteReader in(bytes);
  Generation generation;
  ETALON_ASSIGN(generation.frames, in.get<std::uint64_t>());
  while (!in.done()) {
    Generation::File& file = generation.files.emplace_back();
    ETALON_ASSIGN(file.first, in.get<std::uint64_t>());
    ETALON_ASSIGN(file.last, in.get<std::uint64_t>());
    ETALON_ASSIGN(const auto size, in.get<std::uint64_t>());
    ETALON_ASSIGN(const ByteSpan path, in.take(size));
    file.path = text_of(path);
  }
  return generation;
}

}  // namespace

Result<Generation> Job::begin_together(const Plan& plan, std::size_t parts,
                                       const FramesOfParts& frames) {
  frames_ = ranks_.sum(first() ? plan.frames.front() : 0);
  Result<Generation> newest(Generation{});
  if (first() && checkpoint_.used()) newest = checkpoint_.load_newest(plan.about, parts, frames);
  ETALON_TRY(agree(newest));
  ByteWriter packed;
  pack(*newest, packed);
  const std::string text = ranks_.from_first(std::string(text_of(packed.buffer())));
  ETALON_ASSIGN(Generation generation, unpack_generation(bytes_of(text)));
  resumed_frames_ = generation.frames;
  if (first()) tell_of_resumption();
  checkpoint_.begin(plan.about);
  times_.preparing = last_save_ = clock_.seconds();
  return generation;
}

bool Job::is_to_be_saved() {
  if (!checkpoint_.used()) return false;
  const bool due = first() && clock_.seconds() - last_save_ >= options_.every_s;
  return ranks_.sum(due ? 1 : 0) > 0;
}

Result<void> Job::save_together(std::vector<std::uint64_t> parts, ByteSpan packed) {
  const Stopwatch saving(times_.saving);
  ETALON_TRY(agree(checkpoint_.save_parts(std::move(parts), packed)));
  checkpoint_.end_generation();
  last_save_ = clock_.seconds();
  return {};
}

}  // namespace etalon::mpi
