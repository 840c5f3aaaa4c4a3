// Bytes of any number from one rank to another.
#pragma once

#include "base/bytes.hpp"
#include "etalon/result.hpp"

namespace etalon::mpi {

// Returns when the other rank has taken them, or MPI has.
void send_bytes(ByteSpan bytes, int to);
// What `from` sends next; Errc::interrupted when the process is told to end before.
Result<Bytes> receive_bytes(int from);

}  // namespace etalon::mpi
