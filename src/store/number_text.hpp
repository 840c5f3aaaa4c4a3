// Numbers as files of text have them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/array.hpp"

namespace etalon {

// integer; printf's %.Pg, %.Pe, %.Pf; the fewest digits that lead back to the number; the same as
// Python prints it ("1.0"). The numbers are written in files.
struct NumberFormat {
  enum class Kind : std::uint8_t {
    integer = 0,
    general = 1,
    scientific = 2,
    fixed = 3,
    shortest = 4,
    python = 5
  };
  Kind kind = Kind::shortest;
  std::uint8_t precision = 0;  // at most 40

  bool operator==(const NumberFormat&) const = default;
};

constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
// The words of a text, which blanks separate.
std::vector<std::string_view> words_of(std::string_view text);
// The first word from `at` on, which moves behind it; empty at the end.
std::string_view next_word(std::string_view text, std::size_t& at);

// Errc::malformed, naming the first word that is no number of the type.
Result<Array> parse_numbers(const std::vector<std::string_view>& words, DType dtype,
                            const Shape& shape);
void print_number(const ArrayView& array, std::size_t i, NumberFormat format, std::string& out);

// The format in which every element prints as its word; false where there is none.
bool find_format(const ArrayView& array, const std::vector<std::string_view>& words,
                 NumberFormat& format);

}  // namespace etalon
