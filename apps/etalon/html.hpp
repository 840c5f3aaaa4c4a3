// A page of HTML that needs nothing but itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plot/plot.hpp"

namespace etalon::cli {

class HtmlPage {
 public:
  explicit HtmlPage(std::string title) : title_(std::move(title)) {}

  void section(std::string_view heading);
  void paragraph(std::string_view text);
  // `emphasis` marks what is good ("good"), wants a look ("warn") or is wrong ("bad"); empty: none.
  void verdict(std::string_view emphasis, std::string_view text);
  // The first row is the head; the first column names.
  void table(const std::vector<std::vector<std::string>>& rows);
  // Names and what they are.
  void facts(const std::vector<std::vector<std::string>>& rows);
  void picture(const plot::Picture& picture, std::string_view caption);
  // Shown when it is opened.
  void detail(std::string_view heading, std::string_view preformatted);

  std::string text() const;

  // Text as text: nothing in it is markup.
  static std::string escaped(std::string_view text);

 private:
  std::string title_, body_;
};

}  // namespace etalon::cli
