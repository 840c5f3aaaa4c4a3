#include "ledger_json.hpp"

#include <cmath>

#include "base/utf8.hpp"

namespace etalon::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ToJson {
  const cbor::Value& value;

  Json operator()(cbor::Null) const { return nullptr; }
  Json operator()(cbor::Undefined) const { return nullptr; }
  Json operator()(bool b) const { return b; }
  Json operator()(std::int64_t n) const { return n; }
  Json operator()(std::uint64_t n) const { return n; }
  Json operator()(double d) const {
    if (std::isfinite(d)) return d;
    return cbor::diagnostic(value);
  }
  Json operator()(const std::string& text) const { return to_utf8(text); }
  Json operator()(const Bytes& bytes) const {
    const std::string text = cbor::diagnostic(cbor::Value(bytes));  // h'..'
    return text.substr(2, text.size() - 3);
  }
  Json operator()(const cbor::List& list) const {
    Json out = Json::array();
    for (const cbor::Value& item : list) out.push_back(to_json(item));
    return out;
  }
  Json operator()(const cbor::Map& map) const {
    Json out = Json::object();
    for (const auto& [key, item] : map) {
      const auto* text = key.get_if<std::string>();
      out[text != nullptr ? to_utf8(*text) : cbor::diagnostic(key)] = to_json(item);
    }
    return out;
  }
  Json operator()(const std::shared_ptr<const cbor::Tagged>& tagged) const {
    return tagged ? to_json(tagged->content) : Json();
  }
  template <typename Other>
  Json operator()(const Other&) const {
    return cbor::diagnostic(value);
  }
};

Json artifacts_json(const std::vector<Artifact>& artifacts) {
  Json out = Json::array();
  for (const Artifact& a : artifacts) {
    Json item = {{"role", a.role}, {"hash", a.hash.hex()}};
    if (!a.path.empty()) item["path"] = to_utf8(a.path);
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace

Json to_json(const cbor::Value& value) { return std::visit(ToJson{value}, value.variant()); }

Result<Json> record_json(const Ledger& ledger, const Hash& id) {
  ETALON_ASSIGN(const Record record, ledger.get(id));
  ETALON_ASSIGN(const auto events, ledger.events(id));
  ETALON_ASSIGN(const auto parents, ledger.parents(id));
  Json out = {{"id", id.hex()},
              {"kind", record.kind},
              {"program", record.program},
              {"settings", to_json(record.settings)},
              {"inputs", artifacts_json(record.inputs)},
              {"outputs", artifacts_json(record.outputs)},
              {"parents", Json::array()},
              {"events", Json::array()}};
  for (const Hash& parent : parents) out["parents"].push_back(parent.hex());
  for (const Event& e : events)
    out["events"].push_back({{"time", to_utf8(e.time)},
                             {"host", to_utf8(e.host)},
                             {"user", to_utf8(e.user)},
                             {"process", e.process},
                             {"hash", e.hash.hex()}});
  return out;
}

Result<Json> prov_json(const Ledger& ledger, const std::vector<Hash>& records) {
  Json out = {{"prefix",
               {{"etalon", "urn:etalon:"},
                {"record", "urn:etalon:record:"},
                {"sha256", "urn:etalon:sha256:"},
                {"agent", "urn:etalon:agent:"}}},
              {"entity", Json::object()},
              {"activity", Json::object()},
              {"agent", Json::object()},
              {"used", Json::object()},
              {"wasGeneratedBy", Json::object()},
              {"wasInformedBy", Json::object()},
              {"wasAssociatedWith", Json::object()}};
  std::size_t relations = 0;
  const auto relate = [&](const char* relation, Json members) {
    out[relation]["_:r" + std::to_string(++relations)] = std::move(members);
  };
  const auto entity = [&](const Artifact& artifact) {
    std::string name = "sha256:" + artifact.hash.hex();
    Json& described = out["entity"][name];
    if (described.is_null()) described = Json::object();
    if (!artifact.path.empty()) described["prov:location"] = to_utf8(artifact.path);
    return name;
  };
  for (const Hash& id : records) {
    ETALON_ASSIGN(const Record record, ledger.get(id));
    ETALON_ASSIGN(const auto events, ledger.events(id));
    const std::string activity = "record:" + id.hex();
    out["activity"][activity] = {{"prov:type", "etalon:" + record.kind},
                                 {"etalon:program", record.program},
                                 {"etalon:settings", to_json(record.settings).dump()}};
    if (!events.empty()) out["activity"][activity]["prov:endTime"] = to_utf8(events.back().time);
    for (const Artifact& input : record.inputs) {
      if (input.role == "record")
        relate("wasInformedBy",
               {{"prov:informed", activity}, {"prov:informant", "record:" + input.hash.hex()}});
      else
        relate("used", {{"prov:activity", activity},
                        {"prov:entity", entity(input)},
                        {"prov:role", input.role}});
    }
    for (const Artifact& output : record.outputs)
      relate("wasGeneratedBy", {{"prov:entity", entity(output)},
                                {"prov:activity", activity},
                                {"prov:role", output.role}});
    for (const Event& event : events) {
      const std::string who = to_utf8(event.user + "@" + event.host);
      const std::string agent = "agent:" + sha256(bytes_of(who)).hex().substr(0, 16);
      out["agent"][agent] = {{"prov:label", who}};
      relate("wasAssociatedWith", {{"prov:activity", activity}, {"prov:agent", agent}});
    }
  }
  return out;
}

}  // namespace etalon::cli
