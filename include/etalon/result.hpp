// Result<T>: a value or the reason why there is none. No Etalon function throws across its public
// boundary.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace etalon {

// What kind of failure this is. The list is closed, and each number is also the exit code of the
// command line.
enum class Errc : std::uint8_t {
  io = 1,             // an operation failed: I/O error, disk full, connection lost
  usage = 2,          // the caller asked for something senseless: flags, recipe keys, values
  malformed = 3,      // input exists, and is not what it should be
  check = 4,          // a check did not hold: a bound, a hash
  missing = 5,        // something needed is not there: file, collector, scheduler, backend
  interrupted = 130,  // SIGINT or SIGTERM
};

constexpr int exit_code(Errc code) { return static_cast<int>(code); }

// Message form: "WHERE: PLACE: REASON", for instance "a.h5: /entry/data/data: dtype float16 is not
// supported".
struct Error {
  Errc code;
  std::string message;

  // The same error seen from further out: the message gains "where: " in front.
  Error in(std::string_view where) && {
    return {code, std::string(where) + ": " + std::move(message)};
  }
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return *checked(); }
  const T& value() const& { return *const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(*checked()); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return checked(); }
  const T* operator->() const { return const_cast<Result*>(this)->checked(); }

  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  T* checked() {
    assert(ok() && "value() of a failed Result");
    return std::get_if<0>(&state_);
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return *error_; }
  Error&& error() && { return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace etalon

// NOLINTBEGIN(bugprone-macro-parentheses): `target` may be a declaration.
#define ETALON_CONCAT_(a, b) a##b
#define ETALON_CONCAT(a, b) ETALON_CONCAT_(a, b)

// ETALON_TRY(expr);             leaves the function with expr's error if it has one.
// ETALON_ASSIGN(auto x, expr);  the same, and x is expr's value otherwise.
#define ETALON_TRY(expr) ETALON_TRY_(expr, ETALON_CONCAT(etalon_try_, __LINE__))
#define ETALON_TRY_(expr, temporary)                                                   \
  do {                                                                                 \
    if (auto temporary = (expr); !temporary.ok()) return std::move(temporary).error(); \
  } while (false)
#define ETALON_ASSIGN(target, expr) \
  ETALON_ASSIGN_(target, expr, ETALON_CONCAT(etalon_result_, __LINE__))
#define ETALON_ASSIGN_(target, expr, temporary)             \
  auto temporary = (expr);                                  \
  if (!temporary.ok()) return std::move(temporary).error(); \
  target = std::move(temporary).value()
// NOLINTEND(bugprone-macro-parentheses)
