// The command line: subcommands, and options bound to the variables that they set. CLI11 does the
// work, in command_line.cpp alone: its header costs seconds in every file that includes it. The
// functions mean what CLI11's of the same names mean.
#pragma once

#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace etalon::cli {

class Option {
 public:
  explicit Option(CLI::Option& option) : option_(option) {}

  Option* required();
  Option* group(const std::string& name);
  Option* type_name(const std::string& name);
  Option* default_str(const std::string& text);
  Option* capture_default_str();
  Option* delimiter(char between);
  Option* allow_extra_args(bool allow);
  Option* expected(int count);
  Option* description(const std::string& text);
  Option* option_text(const std::string& text);
  Option* needs(Option* other);
  Option* excludes(Option* other);
  Option* excludes(std::initializer_list<std::string> names);
  // What values may be; what is not is a usage error that names the option.
  template <typename T>
  Option* range(T least, T most);
  Option* positive();
  Option* not_negative();
  Option* one_of(std::initializer_list<std::string> words);
  // `change` makes the text that is read of the text that was given, or returns what is wrong.
  Option* transform(std::function<std::string(std::string& text)> change, const std::string& name);

  std::size_t count() const;  // how often it was given
  bool check_name(const std::string& name) const;
  std::string get_name() const;
  std::string get_group() const;

 private:
  CLI::Option& option_;
};

class Command {
 public:
  // A program: it needs a subcommand, and has --backend, which ETALON_BACKEND stands for.
  Command(const std::string& description, const std::string& name);
  explicit Command(CLI::App& subcommand);
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command();

  // Parses and sets the backend. The exit code where there is nothing to be run: after --help, or
  // what is wrong with the command line; `speak`: told on standard output and error.
  std::optional<int> parse(int argc, char** argv, bool speak = true);

  Command* add_subcommand(const std::string& name, const std::string& summary);
  void require_subcommand(int count);
  // T: bool is for flags; for the rest see the end of command_line.cpp.
  template <typename T>
  Option* add_option(const std::string& name, T& value, const std::string& help = "");
  Option* add_flag(const std::string& name, bool& value, const std::string& help = "");
  Option* add_flag_callback(const std::string& name, std::function<void()> call,
                            const std::string& help);
  void set_version_flag(const std::string& name, const std::string& text);
  void callback(std::function<void()> call);
  void parse_complete_callback(std::function<void()> call);
  std::size_t count(const std::string& name) const;  // how often this option was given
  void footer(const std::string& text);
  void group(const std::string& name);  // "": not in the help

  CLI::App& app() const { return *app_; }

 private:
  Option* keep(CLI::Option* option);

  std::unique_ptr<CLI::App> own_;
  CLI::App* app_;
  std::string backend_;
  std::deque<Option> options_;
  std::vector<std::unique_ptr<Command>> commands_;
};

}  // namespace etalon::cli
