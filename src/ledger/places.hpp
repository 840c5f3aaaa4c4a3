// How the ledger writes paths down: relative to its own folder where they lie below it, so that the
// folder can be moved as a whole; absolute elsewhere, and in a ledger that lies in no folder.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

namespace etalon {

class Places {
 public:
  Places() = default;  // of a ledger on a server
  explicit Places(const std::string& ledger_path);

  // The folder of a path is resolved (symbolic links, "..") so that a file has one name here.
  std::string stored(const std::string& path);
  std::string actual(std::string_view stored) const;  // absolute

 private:
  std::string folder_;  // the ledger's, ends with '/'; empty: none
  std::unordered_map<std::string, std::string> resolved_;
};

}  // namespace etalon
