// Text that others wrote, as it may be shown.
#pragma once

#include <string>
#include <string_view>

namespace etalon::cli {

// Control characters would spoil the terminal, and a reader's trust in what it shows.
inline std::string printable(std::string_view text) {
  std::string shown(text);
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  return shown;
}

// The same of text that has lines and columns.
inline std::string printable_lines(std::string_view text) {
  std::string shown(text);
  for (char& c : shown)
    if ((static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\t') || c == 127) c = '?';
  return shown;
}

}  // namespace etalon::cli
