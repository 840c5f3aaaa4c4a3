#include "bytes_between.hpp"

#include <mpi.h>

#include <algorithm>

#include "waiting.hpp"

namespace etalon::mpi {
namespace {

constexpr int tag_size = 3, tag_bytes = 4;
constexpr std::size_t most_bytes = std::size_t{1} << 30;  // of a message: MPI counts in int

template <typename F>
void for_each_piece(std::size_t size, F&& f) {
  for (std::size_t at = 0; at < size; at += most_bytes)
    f(at, static_cast<int>(std::min(most_bytes, size - at)));
}

}  // namespace

void send_bytes(ByteSpan bytes, int to) {
  const std::uint64_t size = bytes.size();
  MPI_Send(&size, 1, MPI_UINT64_T, to, tag_size, MPI_COMM_WORLD);
  for_each_piece(bytes.size(), [&](std::size_t at, int count) {
    MPI_Send(bytes.data() + at, count, MPI_BYTE, to, tag_bytes, MPI_COMM_WORLD);
  });
}

Result<Bytes> receive_bytes(int from) {
  ETALON_TRY(wait_until([&] {
    int there = 0;
    MPI_Iprobe(from, tag_size, MPI_COMM_WORLD, &there, MPI_STATUS_IGNORE);
    return there != 0;
  }));
  std::uint64_t size = 0;
  MPI_Recv(&size, 1, MPI_UINT64_T, from, tag_size, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  Bytes bytes(size);
  for_each_piece(bytes.size(), [&](std::size_t at, int count) {
    MPI_Recv(bytes.data() + at, count, MPI_BYTE, from, tag_bytes, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
  });
  return bytes;
}

}  // namespace etalon::mpi
