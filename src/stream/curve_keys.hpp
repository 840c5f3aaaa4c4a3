// Keys of both ends of the wire: CURVE (RFC 26/CurveZMQ), which encrypts, and shows each end that
// the other is the one it knows.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "etalon/result.hpp"

namespace etalon {

// Of one end. Keys are 32 bytes, written as 40 characters (RFC 32/Z85).
struct CurveKeys {
  std::string own_secret, own_public;
  std::string peer_public;  // of the other end; nobody else is talked to
};

// FOLDER/OWN.key and FOLDER/PEER.pub; the ends are "edge" and "collector". Errc::missing,
// Errc::malformed; Errc::usage for a secret that others may read.
Result<CurveKeys> load_keys(const std::string& folder, const std::string& own,
                            const std::string& peer);

// FOLDER/edge.key, edge.pub, collector.key, collector.pub: a new pair for each end. Errc::usage
// when one of them is there.
Result<void> make_keys(const std::string& folder);

// A key's file: "etalon.KIND KEY\n", kind "public" or "secret". Errc::malformed.
Result<std::string> parse_key(std::string_view text, std::string_view kind);

// Whether nobody beyond this machine can get there: ipc:// and the loopback interface.
bool is_local_address(std::string_view address);

}  // namespace etalon
