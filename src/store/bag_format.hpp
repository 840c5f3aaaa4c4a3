// The small texts of a bag.
#pragma once

#include <string>
#include <vector>

#include "store/bag.hpp"

namespace etalon::bag {

inline constexpr const char* declaration =
    "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
inline constexpr const char* manifest = "manifest-sha256.txt";
inline constexpr const char* tag_manifest = "tagmanifest-sha256.txt";
inline constexpr const char* payload = "data/";

// Whether a name stays inside the folder it is put in: no empty part, no "." or "..", no end of
// text inside.
bool is_inside(std::string_view name);
std::string manifest_of(const std::vector<BagFile>& files, const std::string& prefix);
// "Label: value" lines, folded at line ends.
std::string info_of(const std::vector<std::pair<std::string, std::string>>& lines);

}  // namespace etalon::bag
