#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "etalon/backend.hpp"
#include "parse_error.hpp"

namespace etalon::cli {

Option* Option::required() {
  option_.required();
  return this;
}
Option* Option::group(const std::string& name) {
  option_.group(name);
  return this;
}
Option* Option::type_name(const std::string& name) {
  option_.type_name(name);
  return this;
}
Option* Option::default_str(const std::string& text) {
  option_.default_str(text);
  return this;
}
Option* Option::capture_default_str() {
  option_.capture_default_str();
  return this;
}
Option* Option::delimiter(char between) {
  option_.delimiter(between);
  return this;
}
Option* Option::allow_extra_args(bool allow) {
  option_.allow_extra_args(allow);
  return this;
}
Option* Option::expected(int count) {
  option_.expected(count);
  return this;
}
Option* Option::description(const std::string& text) {
  option_.description(text);
  return this;
}
Option* Option::option_text(const std::string& text) {
  option_.option_text(text);
  return this;
}
Option* Option::needs(Option* other) {
  option_.needs(&other->option_);
  return this;
}
Option* Option::excludes(Option* other) {
  option_.excludes(&other->option_);
  return this;
}
Option* Option::excludes(std::initializer_list<std::string> names) {
  for (const std::string& name : names) option_.excludes(name);
  return this;
}
template <typename T>
Option* Option::range(T least, T most) {
  option_.check(CLI::Range(least, most));
  return this;
}
Option* Option::positive() {
  option_.check(CLI::PositiveNumber);
  return this;
}
Option* Option::not_negative() {
  option_.check(CLI::NonNegativeNumber);
  return this;
}
Option* Option::one_of(std::initializer_list<std::string> words) {
  option_.check(CLI::IsMember(std::vector<std::string>(words)));
  return this;
}
Option* Option::transform(std::function<std::string(std::string& text)> change,
                          const std::string& name) {
  option_.transform(CLI::Validator(std::move(change), name));
  return this;
}
std::size_t Option::count() const { return option_.count(); }
bool Option::check_name(const std::string& name) const { return option_.check_name(name); }
std::string Option::get_name() const { return option_.get_name(); }
std::string Option::get_group() const { return option_.get_group(); }

Command::Command(const std::string& description, const std::string& name)
    : own_(std::make_unique<CLI::App>(description, name)), app_(own_.get()) {
  app_->require_subcommand(1);
  app_->get_formatter()->column_width(36);
  app_->option_defaults()->always_capture_default();
  app_->add_option("--backend", backend_,
                   "Instruction set of the kernels: auto, scalar, sse4, avx2, avx512")
      ->envname("ETALON_BACKEND");
  app_->fallthrough();
}

Command::Command(CLI::App& subcommand) : app_(&subcommand) {}

Command::~Command() = default;

std::optional<int> Command::parse(int argc, char** argv, bool speak) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return speak ? app_->exit(asked) : 0;
  } catch (const CLI::ParseError& e) {
    if (speak) std::fprintf(stderr, "%s\n", explain(*app_, e).c_str());
    return exit_code(Errc::usage);
  }
  if (backend_.empty()) return std::nullopt;
  const auto set = set_backend(backend_);
  if (set.ok()) return std::nullopt;
  if (speak)
    std::fprintf(stderr, "%s: %s\n", app_->get_name().c_str(), set.error().message.c_str());
  return exit_code(set.error().code);
}

Command* Command::add_subcommand(const std::string& name, const std::string& summary) {
  CLI::App& subcommand = *app_->add_subcommand(name, summary);
  return commands_.emplace_back(std::make_unique<Command>(subcommand)).get();
}
void Command::require_subcommand(int count) { app_->require_subcommand(count); }
Option* Command::keep(CLI::Option* option) { return &options_.emplace_back(*option); }
template <typename T>
Option* Command::add_option(const std::string& name, T& value, const std::string& help) {
  return keep(app_->add_option(name, value, help));
}
Option* Command::add_flag(const std::string& name, bool& value, const std::string& help) {
  return keep(app_->add_flag(name, value, help));
}
Option* Command::add_flag_callback(const std::string& name, std::function<void()> call,
                                   const std::string& help) {
  return keep(app_->add_flag_callback(name, std::move(call), help));
}
void Command::set_version_flag(const std::string& name, const std::string& text) {
  app_->set_version_flag(name, text);
}
void Command::callback(std::function<void()> call) { app_->callback(std::move(call)); }
void Command::parse_complete_callback(std::function<void()> call) {
  app_->parse_complete_callback(std::move(call));
}
std::size_t Command::count(const std::string& name) const { return app_->count(name); }
void Command::footer(const std::string& text) { app_->footer(text); }
void Command::group(const std::string& name) { app_->group(name); }

// The types of values that options have.
template Option* Option::range(int, int);
template Option* Option::range(unsigned, unsigned);
template Option* Option::range(std::uint64_t, std::uint64_t);
template Option* Option::range(double, double);

#define ETALON_OPTION(...)                                                          \
  template Option* Command::add_option(const std::string& name, __VA_ARGS__& value, \
                                       const std::string& help)
ETALON_OPTION(std::string);
ETALON_OPTION(int);
ETALON_OPTION(unsigned);
ETALON_OPTION(std::uint64_t);
ETALON_OPTION(float);
ETALON_OPTION(double);
ETALON_OPTION(std::optional<std::uint64_t>);
ETALON_OPTION(std::optional<double>);
ETALON_OPTION(std::array<std::uint32_t, 2>);
ETALON_OPTION(std::vector<double>);
ETALON_OPTION(std::vector<std::string>);
#undef ETALON_OPTION

}  // namespace etalon::cli
