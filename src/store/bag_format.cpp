#include "store/bag_format.hpp"

#include <algorithm>
#include <set>

namespace etalon {
namespace bag {
namespace {

// RFC 8493 2.1.3: line ends in names, and what they are written with.
std::string encoded(const std::string& name) {
  std::string text;
  for (const char c : name) {
    if (c == '\n')
      text += "%0A";
    else if (c == '\r')
      text += "%0D";
    else if (c == '%')
      text += "%25";
    else
      text += c;
  }
  return text;
}

}  // namespace

bool is_inside(std::string_view name) {
  if (name.empty() || name.find('\0') != std::string_view::npos) return false;
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    const std::string_view part = name.substr(at, end - at);
    if (part.empty() || part == "." || part == "..") return false;
    at = end + 1;
  }
  return true;
}

std::string manifest_of(const std::vector<BagFile>& files, const std::string& prefix) {
  std::string text;
  for (const BagFile& file : files)
    text += file.hash.hex() + "  " + prefix + encoded(file.name) + "\n";
  return text;
}

std::string info_of(const std::vector<std::pair<std::string, std::string>>& lines) {
  std::string text;
  for (const auto& [label, value] : lines) {
    text += label + ": ";
    for (const char c : value) {
      if (c == '\n')
        text += "\n  ";
      else if (c != '\r')
        text += c;
    }
    text += "\n";
  }
  return text;
}

}  // namespace bag

namespace {

std::string decoded(std::string_view text) {
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view code = text.substr(i, 3);
    const char c = code == "%0A" || code == "%0a"   ? '\n'
                   : code == "%0D" || code == "%0d" ? '\r'
                   : code == "%25"                  ? '%'
                                                    : '\0';
    name += c == '\0' ? text[i] : c;
    if (c != '\0') i += 2;
  }
  return name;
}

}  // namespace

Result<std::vector<BagFile>> parse_manifest(const std::string& text, const std::string& prefix) {
  std::vector<BagFile> files;
  std::set<std::string, std::less<>> names;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line(text.data() + at, end - at);
    at = end + 1;
    ++number;
    const auto wrong = [&](const std::string& reason) {
      return Error{Errc::malformed, "line " + std::to_string(number) + ": " + reason};
    };
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const std::size_t space = line.find_first_of(" \t");
    const auto hash = Hash::from_hex(line.substr(0, space));
    if (!hash.ok() || space == std::string_view::npos)
      return wrong("expected a SHA-256 and a name");
    const std::size_t from = line.find_first_not_of(" \t*", space);
    BagFile file{decoded(line.substr(std::min(from, line.size()))), 0, *hash, 0, 0};
    if (!file.name.starts_with(prefix) || !bag::is_inside(file.name.substr(prefix.size())))
      return wrong("'" + file.name + "' is no name inside " +
                   (prefix.empty() ? "the bag" : prefix));
    file.name.erase(0, prefix.size());
    if (!names.insert(file.name).second) return wrong("'" + file.name + "' comes a second time");
    files.push_back(std::move(file));
  }
  for (const std::string_view name : names)
    for (std::size_t at = name.find('/'); at != name.npos; at = name.find('/', at + 1))
      if (names.contains(name.substr(0, at)))
        return Error{Errc::malformed, "'" + std::string(name) + "' lies in '" +
                                          std::string(name.substr(0, at)) + "', which is a file"};
  return files;
}

}  // namespace etalon
