#include "ledger_text.hpp"

#include <cstdio>
#include <filesystem>
#include <set>

#include "base/utf8.hpp"

namespace etalon::cli {
namespace {

std::string brief(const Hash& hash) { return hash.hex().substr(0, 12); }

// "2026-11-23 06:34:53"
std::string when(const std::vector<Event>& events) {
  if (events.empty()) return "time unknown";
  std::string time = to_utf8(events.back().time).substr(0, 19);
  if (time.size() > 10) time[10] = ' ';
  return time + (events.size() > 1 ? " (" + std::to_string(events.size()) + " times)" : "");
}

// Below the current folder, as seen from there.
std::string path_text(const std::string& path) {
  std::error_code failed;
  const std::string here = std::filesystem::current_path(failed).string() + "/";
  if (!failed && path.starts_with(here)) return to_utf8(path.substr(here.size()));
  return to_utf8(path);
}

std::string artifact_text(const Artifact& artifact) {
  std::string text = artifact.role + " " + brief(artifact.hash);
  if (!artifact.path.empty()) text += "  " + path_text(artifact.path);
  return text;
}

// "snr=5 threshold=8", cut where it gets long.
std::string settings_text(const cbor::Value& settings) {
  constexpr std::size_t longest = 100;
  std::string text;
  if (const auto* map = settings.get_if<cbor::Map>()) {
    for (const auto& [key, value] : *map) {
      const auto* name = key.get_if<std::string>();
      text += (text.empty() ? "" : " ") + (name != nullptr ? *name : cbor::diagnostic(key)) + "=" +
              cbor::diagnostic(value);
    }
  } else if (settings.get_if<cbor::Null>() == nullptr) {
    text = cbor::diagnostic(settings);
  }
  if (text.size() <= longest) return text;
  std::size_t cut = longest;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return text.substr(0, cut) + "…";
}

class Tree {
 public:
  explicit Tree(const Ledger& ledger) : ledger_(ledger) {}

  // The walk keeps its own stack: a lineage may be longer than the machine's.
  Result<std::string> draw(const Hash& root) {
    stack_.push_back({root, "", "", false});
    while (!stack_.empty()) {
      const Branch branch = std::move(stack_.back());
      stack_.pop_back();
      ETALON_TRY(node(branch));
    }
    return std::move(text_);
  }

 private:
  struct Branch {
    Hash id;
    std::string first, rest;  // what stands before its first line and before the others
    bool absent;              // named as an input, and not in this ledger
  };

  Result<void> node(const Branch& branch) {
    if (branch.absent) {
      text_ += branch.first + "record " + brief(branch.id) + ": not in this ledger\n";
      return {};
    }
    ETALON_ASSIGN(const Record record, ledger_.get(branch.id));
    text_ += branch.first + record.kind + " " + brief(branch.id);
    if (!drawn_.insert(branch.id).second) {
      text_ += "  (see above)\n";
      return {};
    }
    ETALON_ASSIGN(const auto events, ledger_.events(branch.id));
    text_ += "  " + when(events) + "  " + record.program + "\n";

    std::vector<Branch> below;
    ETALON_ASSIGN(const auto parents, ledger_.parents(branch.id));
    for (const Hash& parent : parents) below.push_back({parent, "", "", false});
    for (const Artifact& input : record.inputs)
      if (input.role == "record" && !ledger_.get(input.hash).ok() && !drawn_.contains(input.hash))
        below.push_back({input.hash, "", "", true});

    const std::string indent = branch.rest + (below.empty() ? "    " : "│   ");
    if (const std::string settings = settings_text(record.settings); !settings.empty())
      text_ += indent + settings + "\n";
    for (const Artifact& output : record.outputs)
      text_ += indent + "out " + artifact_text(output) + "\n";
    for (const Artifact& input : record.inputs)
      if (input.role != "record") text_ += indent + "in  " + artifact_text(input) + "\n";

    for (std::size_t i = below.size(); i-- > 0;) {
      const bool last = i + 1 == below.size();
      below[i].first = branch.rest + (last ? "└── " : "├── ");
      below[i].rest = branch.rest + (last ? "    " : "│   ");
      stack_.push_back(std::move(below[i]));
    }
    return {};
  }

  const Ledger& ledger_;
  std::string text_;
  std::set<Hash> drawn_;
  std::vector<Branch> stack_;
};

}  // namespace

Result<std::string> list_text(const Ledger& ledger) {
  ETALON_ASSIGN(const auto ids, ledger.all());
  std::string text;
  for (const Hash& id : ids) {
    ETALON_ASSIGN(const Record record, ledger.get(id));
    ETALON_ASSIGN(const auto events, ledger.events(id));
    char line[160];
    std::snprintf(line, sizeof line, "%s  %s  %-12s", brief(id).c_str(),
                  when(events).substr(0, 19).c_str(), record.kind.c_str());
    text += line;
    for (const Artifact& output : record.outputs)
      if (!output.path.empty()) text += "  " + path_text(output.path);
    text += "\n";
  }
  return text;
}

Result<std::string> record_text(const Ledger& ledger, const Hash& id) {
  ETALON_ASSIGN(const Record record, ledger.get(id));
  ETALON_ASSIGN(const auto events, ledger.events(id));
  std::string text = "record   " + id.hex() + "\nkind     " + record.kind + "\nprogram  " +
                     record.program + "\nsettings " + cbor::diagnostic(record.settings) + "\n";
  const auto add = [&](const char* side, const std::vector<Artifact>& artifacts) {
    for (const Artifact& a : artifacts)
      text += std::string(side) + a.role + " " + a.hash.hex() +
              (a.path.empty() ? "" : "  " + path_text(a.path)) + "\n";
  };
  add("input    ", record.inputs);
  add("output   ", record.outputs);
  for (const Event& e : events)
    text += "event    " + to_utf8(e.time) + "  " + to_utf8(e.user + "@" + e.host) + "  process " +
            std::to_string(e.process) + "\n";
  return text;
}

Result<std::string> tree_text(const Ledger& ledger, const Hash& root) {
  return Tree(ledger).draw(root);
}

}  // namespace etalon::cli
