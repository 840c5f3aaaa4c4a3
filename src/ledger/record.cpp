#include "ledger/record.hpp"

#include <algorithm>
#include <utility>

namespace etalon {
namespace {

cbor::Value to_cbor(const std::vector<Artifact>& artifacts) {
  cbor::List list;
  list.reserve(artifacts.size());
  for (const Artifact& a : artifacts) {
    const ByteSpan hash = a.hash.span();
    list.emplace_back(cbor::List{a.role, Bytes(hash.begin(), hash.end())});
  }
  return list;
}

Result<std::vector<Artifact>> artifacts_from(const cbor::Value& record, std::string_view key) {
  ETALON_ASSIGN(const cbor::Value* value, record.at(key));
  ETALON_ASSIGN(const cbor::List* list, value->as_list(key));
  std::vector<Artifact> artifacts;
  for (const cbor::Value& item : *list) {
    ETALON_ASSIGN(const cbor::List* pair, item.as_list(key));
    if (pair->size() != 2)
      return Error{Errc::malformed, std::string(key) + ": expected [role, hash]"};
    Artifact artifact;
    ETALON_ASSIGN(artifact.role, (*pair)[0].as_text(key));
    ETALON_ASSIGN(const ByteSpan hash, (*pair)[1].as_bytes(key));
    if (hash.size() != artifact.hash.bytes.size())
      return Error{Errc::malformed,
                   std::string(key) + ": a hash of " + std::to_string(hash.size()) + " bytes"};
    std::memcpy(artifact.hash.bytes.data(), hash.data(), hash.size());
    artifacts.push_back(std::move(artifact));
  }
  return artifacts;
}

}  // namespace

Bytes Record::encode() const {
  return cbor::encode(cbor::Map{{"kind", kind},
                                {"inputs", to_cbor(inputs)},
                                {"outputs", to_cbor(outputs)},
                                {"settings", settings},
                                {"program", program}});
}

Result<Record> Record::decode(ByteSpan bytes) {
  ETALON_ASSIGN(const cbor::Value value, cbor::decode(bytes));
  ETALON_ASSIGN(const cbor::Map* map, value.as_map("record"));
  if (map->size() != 5) return Error{Errc::malformed, "record: expected five keys"};
  Record record;
  ETALON_ASSIGN(const cbor::Value* kind, value.at("kind"));
  ETALON_ASSIGN(record.kind, kind->as_text("kind"));
  ETALON_ASSIGN(record.inputs, artifacts_from(value, "inputs"));
  ETALON_ASSIGN(record.outputs, artifacts_from(value, "outputs"));
  ETALON_ASSIGN(const cbor::Value* settings, value.at("settings"));
  record.settings = *settings;
  ETALON_ASSIGN(const cbor::Value* program, value.at("program"));
  ETALON_ASSIGN(record.program, program->as_text("program"));
  if (!std::ranges::equal(cbor::encode(value), bytes))
    return Error{Errc::malformed, "record: not in deterministic form"};
  return record;
}

Hash Record::id() const { return sha256(encode()); }

}  // namespace etalon
