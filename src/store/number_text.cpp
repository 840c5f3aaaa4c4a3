#include "store/number_text.hpp"

#include <charconv>
#include <cmath>

namespace etalon {
namespace {

constexpr int most_digits = 40;

template <typename T>
void print_value(T value, NumberFormat format, std::string& out) {
  char text[512];
  char* const end = text + sizeof text;
  std::to_chars_result done{text, {}};
  if constexpr (std::is_integral_v<T>) {
    done = std::to_chars(text, end, value);
  } else {
    const int precision = format.precision;
    using Kind = NumberFormat::Kind;
    switch (format.kind) {
      case Kind::general:
        done = std::to_chars(text, end, value, std::chars_format::general, precision);
        break;
      case Kind::scientific:
        done = std::to_chars(text, end, value, std::chars_format::scientific, precision);
        break;
      case Kind::fixed:
        done = std::to_chars(text, end, value, std::chars_format::fixed, precision);
        break;
      case Kind::python: {
        const double size = std::abs(static_cast<double>(value));
        const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
        done = std::to_chars(text, end, value,
                             plain ? std::chars_format::fixed : std::chars_format::scientific);
        out.append(text, done.ptr);
        const std::string_view printed(text, static_cast<std::size_t>(done.ptr - text));
        if (plain && printed.find_first_of(".n") == std::string_view::npos) out += ".0";
        return;
      }
      default:
        done = std::to_chars(text, end, value);
    }
  }
  if (done.ec == std::errc{}) out.append(text, done.ptr);
}

template <typename T>
bool prints_all(std::span<const T> values, const std::vector<std::string_view>& words,
                NumberFormat format, std::string& room) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    room.clear();
    print_value(values[i], format, room);
    if (room != words[i]) return false;
  }
  return true;
}

}  // namespace

std::string_view next_word(std::string_view text, std::size_t& at) {
  while (at < text.size() && is_space(text[at])) ++at;
  const std::size_t begin = at;
  while (at < text.size() && !is_space(text[at])) ++at;
  return text.substr(begin, at - begin);
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0;;) {
    const std::string_view word = next_word(text, at);
    if (word.empty()) return words;
    words.push_back(word);
  }
}

Result<Array> parse_numbers(const std::vector<std::string_view>& words, DType dtype,
                            const Shape& shape) {
  if (words.size() != shape.count())
    return Error{Errc::malformed, std::to_string(words.size()) + " numbers where " +
                                      std::to_string(shape.count()) + " should be"};
  Array array(dtype, shape);
  std::size_t bad = words.size();
  visit(dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto out = array.as<T>();
    for (std::size_t i = 0; i < words.size(); ++i) {
      std::string_view word = words[i];
      if (word.starts_with('+')) word.remove_prefix(1);
      const char* const end = word.data() + word.size();
      auto done = std::from_chars(word.data(), end, out[i]);
      if constexpr (std::is_floating_point_v<T>) {
        // from_chars leaves what is beyond the type alone: such numbers are kept as text.
        if (done.ec == std::errc::result_out_of_range) done.ptr = word.data();
      }
      if (done.ec != std::errc{} || done.ptr != end) {
        bad = i;
        return;
      }
    }
  });
  if (bad < words.size())
    return Error{Errc::malformed, "number " + std::to_string(bad) + ": '" +
                                      std::string(words[bad].substr(0, 40)) + "' is no " +
                                      std::string(name_of(dtype))};
  return array;
}

void print_number(const ArrayView& array, std::size_t i, NumberFormat format, std::string& out) {
  visit(array.dtype, [&](auto zero) { print_value(array.as<decltype(zero)>()[i], format, out); });
}

bool find_format(const ArrayView& array, const std::vector<std::string_view>& words,
                 NumberFormat& format) {
  using Kind = NumberFormat::Kind;
  std::string room;
  return visit(array.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto values = array.as<T>();
    if constexpr (std::is_integral_v<T>) {
      format = {Kind::integer, 0};
      return prints_all(values, words, format, room);
    } else {
      for (const Kind kind : {Kind::shortest, Kind::python}) {
        format = {kind, 0};
        if (prints_all(values, words, format, room)) return true;
      }
      for (const Kind kind : {Kind::scientific, Kind::fixed, Kind::general})
        for (int p = 0; p <= most_digits; ++p) {
          format = {kind, static_cast<std::uint8_t>(p)};
          if (prints_all(values, words, format, room)) return true;
        }
      format = {Kind::shortest, 0};
      return false;
    }
  });
}

}  // namespace etalon
