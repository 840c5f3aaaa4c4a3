#include "parse_error.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace etalon::cli {
namespace {

// Letters to insert, remove or replace to get from one word to the other (Levenshtein).
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t k = 0; k < b.size(); ++k) {
      const std::size_t replaced = diagonal + (a[i] == b[k] ? 0 : 1);
      diagonal = row[k + 1];
      row[k + 1] = std::min({replaced, diagonal + 1, row[k] + 1});
    }
  }
  return row.back();
}

// "; did you mean 'verify'?", or nothing when no choice is near.
std::string nearest(const std::string& word, const std::vector<std::string>& choices) {
  const auto away = [&](const std::string& choice) {
    return choice.starts_with(word) ? 0 : distance(word, choice);
  };
  const auto best = std::min_element(
      choices.begin(), choices.end(),
      [&](const std::string& l, const std::string& r) { return away(l) < away(r); });
  if (best == choices.end() || away(*best) > std::max<std::size_t>(1, word.size() / 3)) return "";
  return "; did you mean '" + *best + "'?";
}

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!command->get_group().empty()) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

}  // namespace

std::string explain(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = &app;
  std::string path = app.get_name();
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    path += " " + command->get_name();
  }
  std::string reason = error.what();
  const std::vector<std::string> left = app.remaining(true), commands = commands_of(*command);
  if (left.empty() && !commands.empty() && dynamic_cast<const CLI::RequiredError*>(&error)) {
    reason = "a command is needed:";
    for (const std::string& name : commands) reason += " " + name;
  } else if (!left.empty()) {
    const std::string& word = left.front();
    if (word.starts_with("-"))
      reason = "no option '" + word + "'" + nearest(word, options_of(*command));
    else if (!commands.empty())
      reason = "no command '" + word + "'" + nearest(word, commands);
    else
      reason = "'" + word + "' is one argument too many" +
               (word.ends_with(".cbf") ? "; a series in many files is a folder or a quoted pattern"
                                       : std::string());
  }
  // Errors of the program start with its name; the subcommand's follows.
  const std::string where =
      path == app.get_name() ? path : app.get_name() + ":" + path.substr(app.get_name().size());
  return where + ": " + reason + "\nsee " + path + " --help";
}

}  // namespace etalon::cli
