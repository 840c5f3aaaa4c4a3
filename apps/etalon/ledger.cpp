#include <cstdlib>
#include <filesystem>

#include "commands.hpp"
#include "ledger/ledger.hpp"
#include "ledger_json.hpp"
#include "ledger_text.hpp"

namespace etalon::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string ledger, name, format = "prov-json";
  bool json = false;
};

// --ledger, else $ETALON_LEDGER, else ledger.db beside the file that was named or in one of the
// folders above it, else ledger.db here.
std::string ledger_path(const Options& options) {
  if (!options.ledger.empty()) return options.ledger;
  if (const char* set = std::getenv("ETALON_LEDGER"); set != nullptr && *set != '\0') return set;
  std::error_code failed;
  if (!options.name.empty() && std::filesystem::exists(options.name, failed)) {
    auto folder = std::filesystem::absolute(options.name, failed).lexically_normal();
    while (!failed && folder.has_relative_path()) {
      folder = folder.parent_path();
      if (const auto beside = folder / "ledger.db"; std::filesystem::exists(beside, failed))
        return beside.string();
    }
  }
  return "ledger.db";
}

Result<Ledger> open(const Options& options) {
  const std::string path = ledger_path(options);
  auto ledger = Ledger::open(path, true);
  if (!ledger.ok() && ledger.error().code == Errc::missing && options.ledger.empty())
    return Error{Errc::missing, ledger.error().message + ": name it with --ledger PATH"};
  return ledger;
}

Json document(const std::string& verb, const Options& options) {
  return {{"schema", "etalon.ledger." + verb + "/1"}, {"ledger", ledger_path(options)}};
}

// Names and settings may hold anything; JSON text may not.
std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Json> records_json(const Ledger& ledger, const std::vector<Hash>& ids) {
  Json list = Json::array();
  for (const Hash& id : ids) {
    if (interrupted) return Error{Errc::interrupted, "interrupted"};
    ETALON_ASSIGN(Json record, record_json(ledger, id));
    list.push_back(std::move(record));
  }
  return list;
}

// The records that a name stands for: itself, or those that made or used the bytes.
struct Named {
  Hash hash;
  std::vector<Hash> records;
  bool is_record = false;
  std::vector<Hash> used_by;
};
Result<Named> named(const Ledger& ledger, const std::string& name) {
  Named found;
  ETALON_ASSIGN(found.hash, ledger.resolve(name));
  const auto record = ledger.get(found.hash);
  if (record.ok() || record.error().code == Errc::check) {
    ETALON_TRY(record);
    found.is_record = true;
    found.records = {found.hash};
    return found;
  }
  ETALON_ASSIGN(found.records, ledger.producers(found.hash));
  ETALON_ASSIGN(found.used_by, ledger.consumers(found.hash));
  return found;
}

Result<void> show(const Options& options) {
  ETALON_ASSIGN(const Ledger ledger, open(options));
  Json out = document("show", options);
  if (options.name.empty()) {
    if (!options.json) {
      ETALON_ASSIGN(const std::string text, list_text(ledger));
      if (text.empty()) note(ledger_path(options) + ": holds no records");
      return print(text);
    }
    ETALON_ASSIGN(const auto ids, ledger.all());
    ETALON_ASSIGN(out["records"], records_json(ledger, ids));
    return print(dump(out));
  }
  ETALON_ASSIGN(const Named found, named(ledger, options.name));
  if (options.json) {
    out["hash"] = found.hash.hex();
    ETALON_ASSIGN(out["records"], records_json(ledger, found.records));
    out["used_by"] = Json::array();
    for (const Hash& id : found.used_by) out["used_by"].push_back(id.hex());
    return print(dump(out));
  }
  std::string text;
  if (!found.is_record) text = "sha256   " + found.hash.hex() + "\n";
  for (const Hash& id : found.records) {
    ETALON_ASSIGN(const std::string record, record_text(ledger, id));
    text += (found.is_record ? "" : "\nmade by\n") + record;
  }
  if (!found.is_record && found.records.empty())
    text += "made by no record: it came from outside\n";
  if (!found.used_by.empty()) text += "\nused by\n";
  for (const Hash& id : found.used_by) {
    ETALON_ASSIGN(const Record record, ledger.get(id));
    text += id.hex() + "  " + record.kind + "\n";
  }
  return print(text);
}

Result<void> lineage(const Options& options) {
  ETALON_ASSIGN(const Ledger ledger, open(options));
  ETALON_ASSIGN(const Named found, named(ledger, options.name));
  if (options.json) {
    Json out = document("lineage", options);
    out["start"] = found.hash.hex();
    ETALON_ASSIGN(const auto ids, ledger.lineage(found.hash));
    ETALON_ASSIGN(out["records"], records_json(ledger, ids));
    return print(dump(out));
  }
  std::string text;
  for (const Hash& id : found.records) {
    ETALON_ASSIGN(const std::string tree, tree_text(ledger, id));
    text += tree;
  }
  if (text.empty())
    text = "sha256 " + found.hash.hex() + "  made by no record: it came from outside\n";
  return print(text);
}

Result<void> verify(const Options& options) {
  ETALON_ASSIGN(const Ledger ledger, open(options));
  Tally tally;
  std::uint64_t hashed = 0;
  Progress progress("verify", 0, "MB");
  auto problems = ledger.verify(&tally, [&](std::uint64_t bytes) {
    progress.update((hashed += bytes) / 1000000);
    return !interrupted;
  });
  if (!problems.ok()) return std::move(problems).error();
  const std::string path = ledger_path(options);

  if (options.json) {
    Json out = document("verify", options);
    out["ok"] = problems->empty();
    out["records"] = tally.records;
    out["events"] = tally.events;
    out["files"] = tally.files;
    out["file_bytes"] = tally.file_bytes;
    out["superseded"] = tally.superseded;
    out["head"] = tally.head.hex();
    out["problems"] = Json::array();
    for (const Problem& p : *problems)
      out["problems"].push_back({{"what", p.what}, {"name", p.name}, {"reason", p.reason}});
    ETALON_TRY(print(dump(out)));
  } else {
    std::string text;
    for (const Problem& p : *problems) text += p.what + " " + p.name + ": " + p.reason + "\n";
    if (problems->empty())
      text = path + ": all is well: " + std::to_string(tally.records) + " records, " +
             std::to_string(tally.events) + " events, " + std::to_string(tally.files) + " files (" +
             human_bytes(static_cast<double>(tally.file_bytes)) + "), head " + tally.head.hex() +
             "\n";
    ETALON_TRY(print(text));
  }
  if (problems->empty()) return {};
  return Error{Errc::check, path + ": " + std::to_string(problems->size()) +
                                (problems->size() == 1 ? " problem" : " problems")};
}

Result<void> export_records(const Options& options) {
  ETALON_ASSIGN(const Ledger ledger, open(options));
  std::vector<Hash> ids;
  if (options.name.empty()) {
    ETALON_ASSIGN(ids, ledger.all());
  } else {
    ETALON_ASSIGN(const Hash start, ledger.resolve(options.name));
    ETALON_ASSIGN(ids, ledger.lineage(start));
  }
  ETALON_ASSIGN(const Json out, prov_json(ledger, ids));
  return print(dump(out));
}

}  // namespace

void add_ledger(Cli& cli) {
  Command* ledger = cli.app.add_subcommand(
      "ledger", "Ask the ledger where a file, a record or a decision came from; check its proof");
  ledger->require_subcommand(1);
  ledger->footer(
      "NAME is a file, a record id, or a hash; of ids and hashes the first 6 or more digits do.\n"
      "The ledger is --ledger, else $ETALON_LEDGER, else ledger.db beside the named file or in a\n"
      "folder above it, else ledger.db in the current folder: a file, or the address of a\n"
      "PostgreSQL database, postgresql://[user@][host][:port]/database[?option=value].");
  const auto options = std::make_shared<Options>();
  const auto add_path = [&](Command* command) {  // before or after the verb
    command
        ->add_option("--ledger", options->ledger,
                     "The ledger's file or address (default: $ETALON_LEDGER, else a ledger.db near "
                     "NAME)")
        ->default_str("");
  };
  add_path(ledger);
  const auto add = [&](const char* name, const char* summary, Result<void> (*run)(const Options&)) {
    Command* command = ledger->add_subcommand(name, summary);
    command->callback(
        [&cli, options, run] { cli.chosen = [options, run] { return run(*options); }; });
    add_path(command);
    return command;
  };
  const auto add_json = [&](Command* command) {
    command->add_flag("--json", options->json, "Print JSON");
  };

  Command* command =
      add("show", "List all records, or show everything about one or about a file", show);
  command->add_option("NAME", options->name, "File, record id or hash");
  add_json(command);

  command = add("lineage", "Draw what led to a record or a file, back to the source", lineage);
  command->add_option("NAME", options->name, "File, record id or hash")->required();
  add_json(command);

  command = add("verify",
                "Recompute every record's id, walk the chain of events, hash every file written; "
                "exit 4 when something was changed or is gone",
                verify);
  add_json(command);

  command = add("export", "Print records for other programs", export_records);
  command->add_option("NAME", options->name, "Only what led to this file, record id or hash");
  command->add_option("--format", options->format, "W3C PROV-JSON")->one_of({"prov-json"});
}

}  // namespace etalon::cli
