// The ledger's records as JSON and as W3C PROV-JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "base/cbor.hpp"
#include "ledger/ledger.hpp"

namespace etalon::cli {

// Bytes become hexadecimal text, tags their content; NaN, infinities and keys that are no text
// become text as in CBOR's diagnostic notation.
nlohmann::ordered_json to_json(const cbor::Value& value);

// id, kind, program, settings, inputs, outputs, parents, events.
Result<nlohmann::ordered_json> record_json(const Ledger& ledger, const Hash& id);

// These records as a document of https://www.w3.org/submissions/prov-json/: a record is an
// activity, an artifact an entity, who did it an agent.
Result<nlohmann::ordered_json> prov_json(const Ledger& ledger, const std::vector<Hash>& records);

}  // namespace etalon::cli
