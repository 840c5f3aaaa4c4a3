#include "html.hpp"

#include "store/base64.hpp"

namespace etalon::cli {
namespace {

constexpr std::string_view style = R"(
:root { color-scheme: light; }
body { font: 15px/1.5 "Helvetica Neue", Arial, sans-serif; color: #1d2330; background: #fff; max-width: 62rem; margin: 2rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid #d8dce4; padding-bottom: .2rem; }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .22rem .8rem; border-bottom: 1px solid #e7e9ef; vertical-align: top; }
.facts td { text-align: left; word-break: break-word; }
th:first-child, td:first-child { text-align: left; padding-left: 0; } th { font-weight: 600; color: #4b5468; }
.verdict { padding: .5rem .8rem; border-left: 4px solid #98a1b3; background: #f5f6f9; margin: .6rem 0; }
.good { border-color: #2a8a57; } .warn { border-color: #c98a1b; } .bad { border-color: #c2352b; }
figure { margin: 1rem 0; } figure img { max-width: 100%; } figcaption { color: #4b5468; font-size: .9rem; }
details { margin: .5rem 0; } summary { cursor: pointer; color: #2b5ea8; } pre { font-size: .8rem; overflow-x: auto; background: #f5f6f9; padding: .6rem; }
code { word-break: break-all; }
@media print { body { margin: 0; max-width: none; } figure { break-inside: avoid; } }
)";

std::string cell(std::string_view tag, const std::string& text) {
  return "<" + std::string(tag) + ">" + HtmlPage::escaped(text) + "</" + std::string(tag) + ">";
}

}  // namespace

std::string HtmlPage::escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t')
      out += c;
  }
  return out;
}

void HtmlPage::section(std::string_view heading) { body_ += "<h2>" + escaped(heading) + "</h2>\n"; }

void HtmlPage::paragraph(std::string_view text) { body_ += "<p>" + escaped(text) + "</p>\n"; }

void HtmlPage::verdict(std::string_view emphasis, std::string_view text) {
  body_ += "<p class=\"verdict " + escaped(emphasis) + "\">" + escaped(text) + "</p>\n";
}

void HtmlPage::table(const std::vector<std::vector<std::string>>& rows) {
  body_ += "<table>\n";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    body_ += "<tr>";
    for (const std::string& text : rows[r]) body_ += cell(r == 0 ? "th" : "td", text);
    body_ += "</tr>\n";
  }
  body_ += "</table>\n";
}

void HtmlPage::facts(const std::vector<std::vector<std::string>>& rows) {
  body_ += "<table class=\"facts\">\n";
  for (const auto& row : rows) {
    body_ += "<tr>";
    for (const std::string& text : row) body_ += cell("td", text);
    body_ += "</tr>\n";
  }
  body_ += "</table>\n";
}

void HtmlPage::picture(const plot::Picture& picture, std::string_view caption) {
  body_ += "<figure><img width=\"" + std::to_string(picture.width_px) + "\" alt=\"" +
           escaped(caption) + "\" src=\"data:image/png;base64," + to_base64(picture.png) +
           "\"><figcaption>" + escaped(caption) + "</figcaption></figure>\n";
}

void HtmlPage::detail(std::string_view heading, std::string_view preformatted) {
  body_ += "<details><summary>" + escaped(heading) + "</summary><pre>" + escaped(preformatted) +
           "</pre></details>\n";
}

std::string HtmlPage::text() const {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         escaped(title_) + "</title>\n<style>" + std::string(style) +
         "</style></head>\n<body>\n<h1>" + escaped(title_) + "</h1>\n" + body_ + "</body></html>\n";
}

}  // namespace etalon::cli
