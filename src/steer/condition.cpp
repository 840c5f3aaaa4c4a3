#include "steer/condition.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

namespace etalon {
namespace {

using Operator = Comparison::Operator;

constexpr std::size_t max_characters = 4096;
constexpr std::size_t max_comparisons = 64;

// Longer signs first, so that "<=" is not read as "<".
constexpr std::array<std::pair<std::string_view, Operator>, 6> operators{{
    {"<=", Operator::less_equal},
    {">=", Operator::greater_equal},
    {"==", Operator::equal},
    {"!=", Operator::not_equal},
    {"<", Operator::less},
    {">", Operator::greater},
}};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Condition> parse() {
    Condition condition;
    while (true) {
      ETALON_ASSIGN(Comparison next, comparison());
      condition.comparisons.push_back(std::move(next));
      skip_blanks();
      if (at_ == text_.size()) return condition;
      if (text_[at_] == ',')
        ++at_;
      else if (word() == "and")
        at_ += 3;
      else
        return expected("'and', ',' or the end");
      if (condition.comparisons.size() == max_comparisons)
        return expected("no more than 64 comparisons");
    }
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  std::string_view word() const {
    std::size_t end = at_;
    if (end < text_.size() && is_letter(text_[end]))
      while (end < text_.size() &&
             (is_letter(text_[end]) || is_digit(text_[end]) || text_[end] == '.'))
        ++end;
    return text_.substr(at_, end - at_);
  }

  Result<Comparison> comparison() {
    skip_blanks();
    const std::string_view name = word();
    if (name.empty() || name == "and") return expected("the name of a metric");
    at_ += name.size();
    skip_blanks();
    const std::optional<Operator> op = sign();
    if (!op) return expected("one of < <= > >= == !=");
    skip_blanks();
    ETALON_ASSIGN(const double value, number());
    return Comparison{std::string(name), *op, value};
  }

  std::optional<Operator> sign() {
    for (const auto& [text, op] : operators)
      if (text_.substr(at_).starts_with(text)) {
        at_ += text.size();
        return op;
      }
    return std::nullopt;
  }

  Result<double> number() {
    std::size_t begin = at_;
    if (begin < text_.size() && text_[begin] == '+') ++begin;
    const std::size_t digits =
        begin + (begin == at_ && begin < text_.size() && text_[begin] == '-' ? 1 : 0);
    // from_chars would also read "inf" and "nan".
    if (digits == text_.size() || !(is_digit(text_[digits]) || text_[digits] == '.'))
      return expected("a number");
    double value = 0;
    const auto [end, error] =
        std::from_chars(text_.data() + begin, text_.data() + text_.size(), value);
    if (error != std::errc{} || !std::isfinite(value)) return expected("a number within range");
    at_ = static_cast<std::size_t>(end - text_.data());
    if (at_ < text_.size() && text_[at_] == '%') {
      value /= 100;
      ++at_;
    }
    if (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '.'))
      return expected("a blank after the number");
    return value;
  }

  Error expected(std::string_view what) const {
    return {Errc::usage, "column " + std::to_string(at_ + 1) + ": expected " + std::string(what)};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

bool compare(double left, Operator op, double right) {
  switch (op) {
    case Operator::less:
      return left < right;
    case Operator::less_equal:
      return left <= right;
    case Operator::greater:
      return left > right;
    case Operator::greater_equal:
      return left >= right;
    case Operator::equal:
      return left == right;
    case Operator::not_equal:
      break;
  }
  return left != right;
}

}  // namespace

Result<Condition> parse_condition(std::string_view text) {
  if (text.size() > max_characters)
    return Error{Errc::usage, "condition: longer than 4096 characters"};
  return Parser(text).parse();
}

std::string to_string(const Condition& condition) {
  std::string text;
  for (const Comparison& c : condition.comparisons) {
    if (!text.empty()) text += " and ";
    text += c.metric + " ";
    for (const auto& [sign, op] : operators)
      if (op == c.op) text += sign;
    std::array<char, 32> digits{};
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), c.number);
    text += " ";
    text.append(digits.data(), end);
  }
  return text;
}

Result<bool> holds(const Condition& condition, const Metrics& metrics) {
  bool all = true;
  for (const Comparison& c : condition.comparisons) {
    const auto found = metrics.find(c.metric);
    if (found == metrics.end()) {
      std::string known;
      for (const auto& [name, value] : metrics) known += (known.empty() ? "" : ", ") + name;
      return Error{Errc::usage, "metric '" + c.metric + "' does not exist; there are: " + known};
    }
    if (std::isnan(found->second))
      return Error{Errc::check, "metric '" + c.metric + "' is not a number"};
    all = all && compare(found->second, c.op, c.number);
  }
  return all;
}

}  // namespace etalon
