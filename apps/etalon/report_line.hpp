// Lines of reports for people.
#pragma once

#include <cstdio>
#include <string>

namespace etalon::cli {

// A word, then what printf makes of the rest.
template <typename... Args>
std::string line(const char* name, const char* format, Args... args) {
  std::string text(static_cast<std::size_t>(std::snprintf(nullptr, 0, format, args...)), '\0');
  std::snprintf(text.data(), text.size() + 1, format, args...);
  char head[16];
  std::snprintf(head, sizeof head, "%-12s", name);
  return head + text + "\n";
}

inline unsigned long long ull(std::uint64_t n) { return n; }

}  // namespace etalon::cli
