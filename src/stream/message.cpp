#include "stream/message.hpp"

#include <sys/random.h>

#include "base/crc32c.hpp"
#include "stream/message_body.hpp"

namespace etalon {
namespace {

using cbor::List;
using cbor::Map;
using cbor::Value;
using namespace wire;

// Message types; the numbers are on the wire: never reuse one.
enum Type : std::uint64_t {
  type_hello = 1,
  type_frame = 2,
  type_vetoes = 3,
  type_end = 4,
  type_ping = 5,
  type_bye = 6,
  type_ack = 16,
  type_done = 17,
  type_failure = 18,
};

Error bad(std::string_view what) { return {Errc::malformed, std::string(what)}; }

Value row_value(const VetoRow& row) {
  Value v;
  v.set("number", row.number).set("peaks", row.peaks).set("reason", row.reason);
  v.set("score", row.score).set("resolution_angstrom", row.resolution_angstrom);
  v.set("audited", row.audited);
  v.set("raw_sum", to_bytes(row.raw_sum.bytes));
  return v;
}

Result<VetoRow> veto_row(const Value& v) {
  VetoRow row;
  ETALON_ASSIGN(row.number, uint_at(v, "number"));
  ETALON_ASSIGN(row.peaks, uint_at(v, "peaks"));
  ETALON_ASSIGN(row.score, number_at(v, "score"));
  ETALON_ASSIGN(row.resolution_angstrom, number_at(v, "resolution_angstrom"));
  ETALON_ASSIGN(row.audited, bool_at(v, "audited"));
  ETALON_ASSIGN(row.reason, text_at(v, "reason"));
  ETALON_ASSIGN(row.raw_sum.bytes, fixed<16>(v, "raw_sum"));
  return row;
}

struct Encoded {
  Type type;
  Value body;
};

struct Encoder {
  Encoded operator()(const Hello& m) const {
    Value v;
    v.set("info", to_cbor(m.info)).set("recipe", to_bytes(m.recipe.bytes));
    v.set("bound", to_string(m.bound)).set("program", m.program);
    if (m.spooled) v.set("spooled", true).set("first", m.first);
    return {type_hello, v};
  }
  Encoded operator()(const ShippedFrame& m) const {
    Value v;
    v.set("number", m.number).set("time_s", m.time_s).set("chunk", m.chunk);
    v.set("peaks", pack_peaks(m.peaks)).set("raw_sum", to_bytes(m.raw_sum.bytes));
    if (m.decoded_sum) v.set("decoded_sum", to_bytes(m.decoded_sum->bytes));
    if (m.rejected)
      v.set("veto", row_value(m.rejected->row)).set("judged_hit", m.rejected->judged_hit);
    return {type_frame, v};
  }
  Encoded operator()(const Vetoes& m) const {
    List rows;
    rows.reserve(m.rows.size());
    for (const VetoRow& row : m.rows) rows.push_back(row_value(row));
    Value v;
    v.set("rows", std::move(rows));
    return {type_vetoes, v};
  }
  Encoded operator()(const End& m) const {
    Value lost(Map{}), v;
    for (const auto& [cause, count] : m.lost) lost.set(cause, count);
    List records;
    for (const Record& r : m.records) records.push_back(to_cbor(r));
    v.set("received", m.received).set("kept", m.kept).set("vetoed", m.vetoed).set("lost", lost);
    v.set("audited", m.audited);
    v.set("raw_bytes", m.raw_bytes).set("raw_bytes_kept", m.raw_bytes_kept);
    v.set("seconds", m.seconds).set("latency_p99_ms", m.latency_p99_ms);
    v.set("complete", m.complete).set("records", std::move(records));
    return {type_end, v};
  }
  Encoded operator()(const Ping&) const { return {type_ping, Value(Map{})}; }
  Encoded operator()(const Bye&) const { return {type_bye, Value(Map{})}; }
  Encoded operator()(const Ack& m) const {
    Value v;
    v.set("next", m.next).set("limit", m.limit).set("resend", m.resend);
    v.set("stop", m.stop);
    if (!m.missing.empty()) v.set("missing", List(m.missing.begin(), m.missing.end()));
    return {type_ack, v};
  }
  Encoded operator()(const Done& m) const {
    Value v;
    v.set("path", m.path).set("sha256", to_bytes(m.sha256.bytes));
    v.set("stored", m.stored).set("vetoed", m.vetoed);
    return {type_done, v};
  }
  Encoded operator()(const Failure& m) const {
    Value v;
    v.set("code", static_cast<unsigned>(m.code)).set("message", m.message);
    return {type_failure, v};
  }
};

Result<Message::Body> hello(const Value& v) {
  Hello m;
  ETALON_ASSIGN(const Value* info, v.at("info"));
  ETALON_ASSIGN(m.info, series_info(*info));
  ETALON_ASSIGN(m.recipe.bytes, fixed<32>(v, "recipe"));
  ETALON_ASSIGN(const std::string bound, text_at(v, "bound"));
  auto parsed = parse_bound(bound);
  if (!parsed.ok()) return bad("bound: " + parsed.error().message);
  m.bound = *parsed;
  ETALON_ASSIGN(m.program, text_at(v, "program"));
  if (v.find("spooled") != nullptr) {
    ETALON_ASSIGN(m.spooled, bool_at(v, "spooled"));
    ETALON_ASSIGN(m.first, uint_at(v, "first"));
    if (!m.spooled) return bad("spooled: not true");
  }
  return Message::Body(std::move(m));
}

Result<Message::Body> frame(const Value& v) {
  ShippedFrame m;
  ETALON_ASSIGN(m.number, uint_at(v, "number"));
  ETALON_ASSIGN(m.time_s, number_at(v, "time_s"));
  ETALON_ASSIGN(const Value* chunk_value, v.at("chunk"));
  ETALON_ASSIGN(const ByteSpan chunk, chunk_value->as_bytes("chunk"));
  m.chunk.assign(chunk.begin(), chunk.end());
  ETALON_ASSIGN(const Value* peaks_value, v.at("peaks"));
  ETALON_ASSIGN(const ByteSpan peaks, peaks_value->as_bytes("peaks"));
  ETALON_ASSIGN(m.peaks, unpack_peaks(peaks));
  ETALON_ASSIGN(m.raw_sum.bytes, fixed<16>(v, "raw_sum"));
  if (v.find("decoded_sum") != nullptr) {
    FrameSum sum;
    ETALON_ASSIGN(sum.bytes, fixed<16>(v, "decoded_sum"));
    m.decoded_sum = sum;
  }
  if (const Value* row = v.find("veto")) {
    Rejected rejected;
    ETALON_ASSIGN(rejected.row, veto_row(*row));
    ETALON_ASSIGN(rejected.judged_hit, bool_at(v, "judged_hit"));
    if (rejected.row.number != m.number || !rejected.row.audited)
      return bad("veto: not the row of this frame");
    m.rejected = std::move(rejected);
  }
  return Message::Body(std::move(m));
}

Result<Message::Body> vetoes(const Value& v) {
  Vetoes m;
  ETALON_ASSIGN(const Value* value, v.at("rows"));
  ETALON_ASSIGN(const List* rows, value->as_list("rows"));
  for (const Value& item : *rows) {
    ETALON_ASSIGN(VetoRow row, veto_row(item));
    m.rows.push_back(std::move(row));
  }
  return Message::Body(std::move(m));
}

Result<Message::Body> end(const Value& v) {
  End m;
  ETALON_ASSIGN(m.received, uint_at(v, "received"));
  ETALON_ASSIGN(m.kept, uint_at(v, "kept"));
  ETALON_ASSIGN(m.vetoed, uint_at(v, "vetoed"));
  ETALON_ASSIGN(m.audited, uint_at(v, "audited"));
  ETALON_ASSIGN(const Value* lost_value, v.at("lost"));
  ETALON_ASSIGN(const Map* lost, lost_value->as_map("lost"));
  for (const auto& [cause, count] : *lost) {
    ETALON_ASSIGN(const std::string name, cause.as_text("cause of loss"));
    ETALON_ASSIGN(m.lost[name], count.as_uint(name));
  }
  ETALON_ASSIGN(m.raw_bytes, uint_at(v, "raw_bytes"));
  ETALON_ASSIGN(m.raw_bytes_kept, uint_at(v, "raw_bytes_kept"));
  ETALON_ASSIGN(m.seconds, number_at(v, "seconds"));
  ETALON_ASSIGN(m.latency_p99_ms, number_at(v, "latency_p99_ms"));
  ETALON_ASSIGN(m.complete, bool_at(v, "complete"));
  ETALON_ASSIGN(const Value* records_value, v.at("records"));
  ETALON_ASSIGN(const List* records, records_value->as_list("records"));
  for (const Value& item : *records) {
    ETALON_ASSIGN(Record r, record(item));
    m.records.push_back(std::move(r));
  }
  return Message::Body(std::move(m));
}

Result<Message::Body> ack(const Value& v) {
  Ack m;
  ETALON_ASSIGN(m.next, uint_at(v, "next"));
  ETALON_ASSIGN(m.limit, uint_at(v, "limit"));
  ETALON_ASSIGN(m.resend, bool_at(v, "resend"));
  ETALON_ASSIGN(m.stop, bool_at(v, "stop"));
  if (const Value* value = v.find("missing")) {
    ETALON_ASSIGN(const List* missing, value->as_list("missing"));
    for (const Value& item : *missing) {
      ETALON_ASSIGN(m.missing.emplace_back(), item.as_uint("missing"));
    }
    if (m.missing.empty()) return bad("missing: empty");
  }
  return Message::Body(std::move(m));
}

Result<Message::Body> done(const Value& v) {
  Done m;
  ETALON_ASSIGN(m.path, text_at(v, "path"));
  ETALON_ASSIGN(m.sha256.bytes, fixed<32>(v, "sha256"));
  ETALON_ASSIGN(m.stored, uint_at(v, "stored"));
  ETALON_ASSIGN(m.vetoed, uint_at(v, "vetoed"));
  return Message::Body(std::move(m));
}

Result<Message::Body> failure(const Value& v) {
  Failure m;
  ETALON_ASSIGN(const std::uint64_t code, uint_at(v, "code"));
  switch (code) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 130:
      m.code = static_cast<Errc>(code);
      break;
    default:
      return bad("code: no such kind of failure");
  }
  ETALON_ASSIGN(m.message, text_at(v, "message"));
  return Message::Body(std::move(m));
}

Result<Message::Body> body_of(std::uint64_t type, const Value& v) {
  switch (type) {
    case type_hello:
      return hello(v);
    case type_frame:
      return frame(v);
    case type_vetoes:
      return vetoes(v);
    case type_end:
      return end(v);
    case type_ping:
      return Message::Body(Ping{});
    case type_bye:
      return Message::Body(Bye{});
    case type_ack:
      return ack(v);
    case type_done:
      return done(v);
    case type_failure:
      return failure(v);
    default:
      return bad("type " + std::to_string(type) + " is not known");
  }
}

}  // namespace

Result<RunId> RunId::random() {
  RunId id;
  if (::getrandom(id.bytes.data(), id.bytes.size(), 0) != static_cast<ssize_t>(id.bytes.size()))
    return Error{Errc::io, "getrandom: no random bytes"};
  return id;
}

Bytes encode_message(const Message& message) {
  Encoded encoded = std::visit(Encoder{}, message.body);
  Bytes bytes =
      cbor::encode(List{wire_name, wire_version, static_cast<std::uint64_t>(encoded.type),
                        to_bytes(message.run.bytes), message.sequence, std::move(encoded.body)});
  const std::uint32_t crc = crc32c(bytes);
  const ByteSpan tail = std::as_bytes(std::span(&crc, 1));
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  return bytes;
}

Result<Message> decode_message(ByteSpan bytes) {
  std::uint32_t crc = 0;
  if (bytes.size() < sizeof crc) return bad("message: shorter than its checksum");
  const ByteSpan content = bytes.first(bytes.size() - sizeof crc);
  std::memcpy(&crc, bytes.data() + content.size(), sizeof crc);
  if (crc32c(content) != crc) return bad("message: CRC-32C does not match");
  ETALON_ASSIGN(const Value item, cbor::decode(content));
  ETALON_ASSIGN(const List* list, item.as_list("message"));
  if (list->size() != 6) return bad("message: not six parts");
  const std::string* name = (*list)[0].get_if<std::string>();
  if (name == nullptr || *name != wire_name) return bad("message: not of this protocol");
  ETALON_ASSIGN(const std::uint64_t version, (*list)[1].as_uint("version"));
  if (version != wire_version)
    return bad("message: version " + std::to_string(version) + " of the protocol is not known");
  ETALON_ASSIGN(const std::uint64_t type, (*list)[2].as_uint("type"));
  ETALON_ASSIGN(const ByteSpan run, (*list)[3].as_bytes("run"));
  Message message;
  if (run.size() != message.run.bytes.size()) return bad("run: not 16 bytes");
  std::memcpy(message.run.bytes.data(), run.data(), run.size());
  ETALON_ASSIGN(message.sequence, (*list)[4].as_uint("sequence"));
  ETALON_ASSIGN(message.body, body_of(type, (*list)[5]));
  return message;
}

}  // namespace etalon
