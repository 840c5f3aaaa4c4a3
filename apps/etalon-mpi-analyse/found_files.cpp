#include "found_files.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

namespace etalon::mpi {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view ending = ".found";
constexpr std::string_view half_written = ".part.etalon";  // OutputFile's

// Of a file that a checkpoint gives; none of any other.
std::optional<FoundName> parse_name(const std::string& text) {
  FoundName name;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&](std::string_view before, std::uint64_t& to) {
    if (!std::string_view(at, end).starts_with(before)) return false;
    const auto [next, failed] = std::from_chars(at + before.size(), end, to);
    at = next;
    return failed == std::errc{};
  };
  // A next generation must have a number, too.
  if (number("g", name.generation) && name.generation + 1 != 0 && number("-r", name.rank) &&
      number("-", name.number) && text_of_name(name) == text)
    return name;
  return {};
}

}  // namespace

std::string text_of_name(const FoundName& name) {
  return "g" + std::to_string(name.generation) + "-r" + std::to_string(name.rank) + "-" +
         std::to_string(name.number) + std::string(ending);
}

Result<std::vector<FoundName>> names_in(const std::string& folder) {
  std::vector<FoundName> names;
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed))
    if (const auto name = parse_name(entry->path().filename().string())) names.push_back(*name);
  if (failed) return Error{Errc::io, folder + ": cannot read: " + failed.message()};
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> all_files_of_ours(const std::string& folder) {
  std::vector<std::string> ours;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    std::string name = entry->path().filename().string();
    if (name.ends_with(half_written)) name.resize(name.size() - half_written.size());
    if (parse_name(name)) ours.push_back(entry->path().string());
  }
  return ours;
}

}  // namespace etalon::mpi
