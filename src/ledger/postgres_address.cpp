#include <algorithm>
#include <cctype>

#include "ledger/postgres.hpp"

namespace etalon::postgres {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// "%70" is a 'p' to the server's library, and has to be one here.
std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    const std::string_view digits = "0123456789abcdef";
    return digits.find(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) < 16 &&
        digit(text[i + 2]) < 16) {
      out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

bool is_address(std::string_view name) {
  return name.starts_with("postgresql://") || name.starts_with("postgres://");
}

Result<void> check_address(const std::string& address) {
  const std::size_t begin = address.find("://") + 3;
  const std::string scheme = address.substr(0, begin);
  const std::size_t path = address.find('/', begin);
  const std::size_t options = address.find('?', path != std::string::npos ? path : begin);
  const std::size_t at = address.substr(0, options).rfind('@');
  const bool with_user = at != std::string::npos && address.find(':', begin) < at;
  const bool with_option =
      options != std::string::npos &&
      lower(percent_decoded(address.substr(options))).find("password=") != std::string::npos;
  if (!with_user && !with_option) return {};
  return Error{Errc::usage, scheme +
                                "..: a password does not belong in an address, where others "
                                "see it: keep it in ~/.pgpass or $PGPASSWORD"};
}

}  // namespace etalon::postgres
