// What readers say of their files, said to people.
#pragma once

#include <string>

namespace etalon::cli {

// From here on readers' remarks are notes, each of them once: "PROGRAM: FILE: place: reason".
void note_remarks(const std::string& program);

}  // namespace etalon::cli
