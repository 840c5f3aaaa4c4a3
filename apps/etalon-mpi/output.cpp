#include "output.hpp"

#include <unistd.h>

#include <utility>

#include "store/file.hpp"

namespace etalon::mpi {

// OutputFile's lock ends here: MPI-IO takes locks of its own on some file systems and would wait
// for it.
Result<Output> Output::create(const Ranks& ranks, const std::string& path, bool overwrite) {
  Output output(ranks);
  output.overwrite_ = overwrite;
  Result<void> made;
  if (ranks.first()) {
    auto file = OutputFile::create_regular(path, overwrite);
    if (file.ok()) {
      file->keep();
      output.part_ = file->temporary_path();
    } else {
      made = std::move(file).error();
    }
  }
  ETALON_TRY(ranks.agree(made));
  output.part_ = ranks.from_first(output.part_);
  // A link leads to the file that is replaced: the part says which.
  output.target_ = output.part_.substr(0, output.part_.rfind(".part.etalon"));
  remove_at_end(output.part_);
  return output;
}

Output::Output(Output&& other) noexcept
    : ranks_(other.ranks_),
      target_(std::move(other.target_)),
      part_(std::exchange(other.part_, {})),
      overwrite_(other.overwrite_) {}

Output::~Output() {
  if (part_.empty()) return;
  if (ranks_->first()) ::unlink(part_.c_str());
  remove_at_end({});
}

Result<void> Output::commit() {
  const auto finish = [&]() -> Result<void> {
    if (!ranks_->first()) return {};
    ETALON_ASSIGN(auto file, OutputFile::left_behind(target_));
    if (!file) return Error{Errc::io, part_ + ": was taken away while it was written"};
    ETALON_TRY(file->finish());
    return file->name_as(target_, overwrite_);
  };
  ETALON_TRY(ranks_->agree(finish()));
  remove_at_end({});
  part_.clear();
  return {};
}

}  // namespace etalon::mpi
