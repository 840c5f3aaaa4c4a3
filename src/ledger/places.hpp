// How the ledger writes paths down: relative to its own folder where they lie below it, so that the
// folder can be moved as a whole; absolute elsewhere.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

namespace etalon {

class Places {
 public:
  explicit Places(const std::string& ledger_path);

  // The folder of a path is resolved (symbolic links, "..") so that a file has one name here.
  std::string stored(const std::string& path);
  std::string actual(std::string_view stored) const;  // absolute

 private:
  std::string folder_;  // the ledger's, ends with '/'
  std::unordered_map<std::string, std::string> resolved_;
};

}  // namespace etalon
