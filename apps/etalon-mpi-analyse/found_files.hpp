// The files of a checkpoint: gGENERATION-rRANK-NUMBER.found.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "etalon/result.hpp"

namespace etalon::mpi {

struct FoundName {
  std::uint64_t generation = 0, rank = 0, number = 0;
  auto operator<=>(const FoundName&) const = default;  // NOLINT(modernize-use-nullptr): no pointer
};

std::string text_of_name(const FoundName& name);
// Ascending; what else is in the folder is not looked at.
Result<std::vector<FoundName>> names_in(const std::string& folder);
// Paths; also of what a killed rank has half written.
std::vector<std::string> all_files_of_ours(const std::string& folder);

}  // namespace etalon::mpi
