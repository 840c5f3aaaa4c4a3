// A file that all ranks write together under a temporary name, and rank 0 gives its own.
#pragma once

#include <string>

#include "ranks.hpp"

namespace etalon::mpi {

class Output {
 public:
  // Collective. An empty PATH.part.etalon; errors as OutputFile::create_regular's.
  static Result<Output> create(const Ranks& ranks, const std::string& path, bool overwrite);
  ~Output();  // rank 0 removes what was not committed
  Output(Output&& other) noexcept;
  Output& operator=(Output&&) = delete;

  const std::string& part() const { return part_; }
  // Collective, after every rank has closed its handle: on the disk, then under its name.
  Result<void> commit();

 private:
  Output(const Ranks& ranks) : ranks_(&ranks) {}

  const Ranks* ranks_;
  std::string target_, part_;
  bool overwrite_ = false;
};

}  // namespace etalon::mpi
