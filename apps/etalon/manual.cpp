// The manual page and the shell completion, made from the declarations of the options themselves.
#include <CLI/CLI.hpp>

#include "commands.hpp"
#include "etalon/version.hpp"

namespace etalon::cli {
namespace {

struct Options {
  const CLI::App* app = nullptr;
  std::string kind;
};

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  auto all = app.get_subcommands([](const CLI::App* c) { return !c->get_group().empty(); });
  return {all.begin(), all.end()};
}

// Text that roff takes literally; a line may not start like a request.
std::string roff(const std::string& text) {
  std::string out;
  for (char c : text) {
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else {
      if (c == '-') out += '\\';
      out += c;
    }
  }
  return out;
}

std::string roff(const CLI::Option& option) {
  const bool positional = !option.nonpositional();
  std::string head = "\\fB" + roff(option.get_name(positional, !positional)) + "\\fR";
  if (option.get_type_size() != 0 && !option.get_type_name().empty())
    head += " \\fI" + roff(option.get_type_name()) + "\\fR";
  std::string text = roff(option.get_description());
  if (!option.get_default_str().empty()) text += " [" + roff(option.get_default_str()) + "]";
  return ".TP\n" + head + "\n" + text + "\n";
}

std::string roff(const CLI::App& command, const std::string& path) {
  std::string text = ".SS " + roff(path) + "\n" + roff(command.get_description()) + "\n";
  for (const CLI::Option* option : command.get_options())
    if (!option->get_group().empty()) text += roff(*option);
  if (!command.get_footer().empty()) text += ".PP\n.nf\n" + roff(command.get_footer()) + "\n.fi\n";
  for (const CLI::App* sub : commands_of(command)) text += roff(*sub, path + " " + sub->get_name());
  return text;
}

std::string man_page(const CLI::App& app) {
  std::string text = ".TH ETALON 1 \"\" \"etalon " + std::string(version) + "\"\n.SH NAME\n" +
                     "etalon \\- from an instrument's data stream to a decision, with proof\n" +
                     ".SH SYNOPSIS\n.B etalon\n.I COMMAND\n.RI [ OPTION ]...\n.SH DESCRIPTION\n" +
                     roff(app.get_description()) + "\n.SH OPTIONS\n";
  for (const CLI::Option* option : app.get_options()) text += roff(*option);
  text += ".SH COMMANDS\n";
  for (const CLI::App* command : commands_of(app))
    text += roff(*command, "etalon " + command->get_name());
  return text +
         ".SH EXIT STATUS\n"
         "0 ok, 1 an operation failed, 2 usage, 3 input is malformed, 4 a check did not hold,\n"
         "5 something needed is not there, 130 interrupted.\n";
}

// A line of the completion's list for a command and those below it: "PATH) words=... ;;".
void add_cases(const CLI::App& command, const std::string& path, std::string& cases) {
  std::string words;
  for (const CLI::App* sub : commands_of(command)) words += sub->get_name() + " ";
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_group().empty()) continue;
    for (const std::string& name : option->get_lnames()) words += "--" + name + " ";
    for (const std::string& name : option->get_snames()) words += "-" + name + " ";
  }
  if (!words.empty()) words.pop_back();
  cases += "    \"" + path + "\") words=\"" + words + "\" ;;\n";
  for (const CLI::App* sub : commands_of(command))
    add_cases(*sub, path + " " + sub->get_name(), cases);
}

void add_paths(const CLI::App& command, const std::string& path, std::string& paths) {
  for (const CLI::App* sub : commands_of(command)) {
    const std::string below = path + " " + sub->get_name();
    paths += (paths.empty() ? "\"" : " | \"") + below + "\"";
    add_paths(*sub, below, paths);
  }
}

std::string bash_completion(const CLI::App& app) {
  std::string paths, cases;
  add_paths(app, "etalon", paths);
  add_cases(app, "etalon", cases);
  return "# bash completion for etalon\n"
         "_etalon() {\n"
         "  local command=etalon words= i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    case \"$command ${COMP_WORDS[i]}\" in\n"
         "    " +
         paths + ") command+=\" ${COMP_WORDS[i]}\" ;;\n" +
         "    esac\n"
         "  done\n"
         "  case $command in\n" +
         cases +
         "  esac\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
         "}\n"
         "complete -o default -F _etalon etalon\n";
}

Result<void> run(const Options& options) {
  return print(options.kind == "man" ? man_page(*options.app) : bash_completion(*options.app));
}

}  // namespace

void add_manual(Cli& cli) {
  auto options = std::make_shared<Options>();
  options->app = &cli.app.app();
  Command* command = add_command(
      cli, "manual", "Print the manual page or the completion of a shell", options, run);
  command->group("");  // for the installation
  command->add_option("kind", options->kind, "man or bash")->required()->one_of({"man", "bash"});
}

}  // namespace etalon::cli
