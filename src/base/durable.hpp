// What a power cut must not take.
#pragma once

#include <string>

#include "etalon/result.hpp"

namespace etalon {

// Waits until the disk has all that was written to the file; `path` is for the message. After a
// failure the file is not to be trusted: a second call may succeed all the same.
Result<void> sync_data(int fd, const std::string& path);

// Waits until the disk has the names in the folder of `path`: files that were made, renamed or
// removed there. File systems that cannot be asked for it count as if they had done it.
Result<void> sync_names_beside(const std::string& path);

}  // namespace etalon
