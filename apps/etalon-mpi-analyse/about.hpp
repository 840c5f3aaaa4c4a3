// What an analysis is of and how it is made, as lines of text: a checkpoint is good for no other.
#pragma once

#include <string>
#include <vector>

#include "command_line.hpp"

namespace etalon::mpi {

// The kind and every option that may change what is found; of files that options name, size and
// time, too.
std::string about_settings(const cli::Command& command);
// A line for a series of so many frames: what its files are called, their sizes and times.
std::string about_series(const std::string& path, std::uint64_t frames,
                         const std::vector<std::string>& files);

}  // namespace etalon::mpi
