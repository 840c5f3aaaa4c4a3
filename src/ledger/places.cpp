#include "ledger/places.hpp"

#include <filesystem>
#include <system_error>

#include "base/posix.hpp"

namespace etalon {
namespace {

// Ends with '/'.
std::string resolve_folder(const std::filesystem::path& folder) {
  std::error_code failed;
  std::filesystem::path resolved = std::filesystem::weakly_canonical(folder, failed);
  if (failed) resolved = folder.lexically_normal();
  std::string text = resolved.string();
  if (text.empty() || text.back() != '/') text += '/';
  return text;
}

std::filesystem::path normal(const std::string& path) {
  return std::filesystem::path(absolute_path(path)).lexically_normal();
}

}  // namespace

Places::Places(const std::string& ledger_path)
    : folder_(resolve_folder(normal(ledger_path).parent_path())) {}

std::string Places::stored(const std::string& path) {
  const std::filesystem::path whole = normal(path);
  const auto [entry, fresh] = resolved_.try_emplace(whole.parent_path().string());
  if (fresh) entry->second = resolve_folder(whole.parent_path());
  std::string text = entry->second + whole.filename().string();
  if (text.starts_with(folder_)) text.erase(0, folder_.size());
  return text;
}

std::string Places::actual(std::string_view stored) const {
  if (stored.starts_with('/')) return std::string(stored);
  return folder_ + std::string(stored);
}

}  // namespace etalon
