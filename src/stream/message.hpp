// What travels between edge and centre: one CBOR item and its CRC-32C a message. The wire is
// written down in docs/decisions/wire.md.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/codec.hpp"
#include "etalon/peaks.hpp"
#include "etalon/result.hpp"
#include "frame/series.hpp"
#include "ledger/ledger.hpp"

namespace etalon {

inline constexpr std::string_view wire_name = "etalon.ship";
inline constexpr std::uint64_t wire_version = 2;

// One run of an edge node; drawn at random, so that two edges never mix.
struct RunId {
  std::array<std::uint8_t, 16> bytes{};
  bool operator==(const RunId&) const = default;
  static Result<RunId> random();
};

// Edge to centre: opens the run. Sequence number 0.
struct Hello {
  SeriesInfo info;
  Hash recipe;  // SHA-256 of the recipe file that the edge follows
  Bound bound;  // of elements in no region
  std::string program;
  bool spooled = false;     // the edge goes on with this run when it was killed, or cut off
  std::uint64_t first = 1;  // the edge has forgotten the data messages before it
};

// A frame that was not kept, and why.
struct VetoRow {
  std::uint64_t number = 0;
  std::uint64_t peaks = 0;
  double score = 0, resolution_angstrom = 0;
  bool audited = false;
  std::string reason;
  FrameSum raw_sum;
  bool operator==(const VetoRow&) const = default;
};

// What a frame that is only stored for the audit carries besides.
struct Rejected {
  VetoRow row;
  bool judged_hit = false;
  bool operator==(const Rejected&) const = default;
};

// Edge to centre: one kept frame; or one that was not kept, and is stored whole for the audit.
struct ShippedFrame {
  std::uint64_t number = 0;  // in the source series
  double time_s = 0;
  Bytes chunk;  // as encode_chunk gives it, shape (1, ny, nx)
  std::vector<Peak> peaks;
  FrameSum raw_sum;  // of the frame as it was received
  std::optional<FrameSum>
      decoded_sum;                   // of the frame as it must come back, where the edge decoded it
  std::optional<Rejected> rejected;  // set: for the audit; the peaks are those that the judge found
};

// Edge to centre: frames that were not kept and are not audited.
struct Vetoes {
  std::vector<VetoRow> rows;
};

// Edge to centre: nothing follows.
struct End {
  std::uint64_t received = 0, kept = 0, vetoed = 0;
  std::uint64_t audited = 0;                        // of the vetoed ones
  std::map<std::string, std::uint64_t> lost;        // by cause
  std::uint64_t raw_bytes = 0, raw_bytes_kept = 0;  // of frames received, and kept
  double seconds = 0;                               // since the first frame was asked for
  double latency_p99_ms = 0;                        // of the frames acknowledged so far
  bool complete = true;                             // false: interrupted before the source's end
  std::vector<Record> records;                      // of the edge's steps, parents first
};

// Edge to centre, when there is nothing else to say: answered by Ack. Carries no sequence number.
struct Ping {};

// Edge to centre: Done has arrived, nobody needs to repeat it. No sequence number.
struct Bye {};

// Centre to edge: all data messages before `next` are in the store; those from `limit` on must
// wait.
struct Ack {
  std::uint64_t next = 1, limit = 1;
  bool resend = false;                 // what was sent is lost: send again from `next`
  bool stop = false;                   // the collector wants an end: finish the frames in hand
  std::vector<std::uint64_t> missing;  // those between `next` and the last that came
};

// Centre to edge: the answer to End.
struct Done {
  std::string path;
  Hash sha256;  // of the stored file
  std::uint64_t stored = 0, vetoed = 0;
};

// Centre to edge: the run cannot go on.
struct Failure {
  Errc code = Errc::io;
  std::string message;
};

struct Message {
  using Body = std::variant<Hello, ShippedFrame, Vetoes, End, Ping, Ack, Done, Failure, Bye>;
  RunId run;
  std::uint64_t sequence = 0;  // data messages (ShippedFrame, Vetoes, End): from 1, without gaps
  Body body;
};

Bytes encode_message(const Message& message);

// Errc::malformed for anything that encode_message cannot have written, naming the place. Never
// allocates more than a few times the message's size.
Result<Message> decode_message(ByteSpan bytes);

}  // namespace etalon
