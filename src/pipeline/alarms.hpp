// What a stream's frames suffer, said as it happens.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace etalon {

// Says each cause when it is first seen, and again whenever its count has grown tenfold.
class Alarms {
 public:
  explicit Alarms(std::function<void(const std::string&)> say) : say_(std::move(say)) {}
  void count(const char* what, std::uint64_t n, const std::string& more) {
    std::uint64_t& next = next_.try_emplace(what, 1).first->second;
    if (n < next) return;
    while (next <= n) next *= 10;
    word(std::to_string(n) + " " + what + more);
  }
  void word(const std::string& text) const {
    if (say_) say_(text);
  }

 private:
  std::function<void(const std::string&)> say_;
  std::map<std::string, std::uint64_t> next_;  // by cause: the count to speak at
};

}  // namespace etalon
