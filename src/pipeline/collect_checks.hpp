// What must hold between what an edge says at the end and what is stored. Errc::check names the
// recipe and what does not.
#pragma once

#include <cstdint>
#include <string>

#include "pipeline/stored_series.hpp"

namespace etalon {

// Every frame that the edge received is stored, vetoed or lost for a reason that has a name; and
// a series that is called complete has as many as were announced (0: a stream did not say).
Result<void> check_conserved(const End& end, const StoredSeries& series, std::uint64_t announced,
                             const std::string& recipe);

// What is stored is what the edge sent: its veto and reduce records hold Merkle roots over the
// frames as they were received and over the chunks.
Result<void> check_unharmed(const End& end, const StoredSeries& series, const std::string& recipe);

}  // namespace etalon
