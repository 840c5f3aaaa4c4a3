#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "boxes.hpp"
#include "cli.hpp"
#include "commands.hpp"
#include "output.hpp"
#include "pieces.hpp"
#include "store/array_file.hpp"
#include "store/file.hpp"
#include "store/npy.hpp"

namespace etalon::mpi {
namespace {

struct Options {
  InputOptions input;
  std::string output;
  bool overwrite = false;
};

Result<void> write_at(const Fd& fd, const std::string& path, std::size_t offset, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path, "write");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::size_t>(n);
  }
  return {};
}

// Each rank its boxes, wherever their elements belong in the file.
Result<void> write_own(const Ranks& ranks, const Input& input, const std::string& path,
                       ByteSpan header) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return system_error(path, "open");
  if (ranks.first()) ETALON_TRY(write_at(fd, path, 0, header));
  const Pieces pieces(input.dtype(), input.shape(), input.chunk(), ranks.size());
  const std::size_t size = size_of(input.dtype());
  ETALON_TRY(for_each_own(pieces, ranks, [&](const Piece& piece) -> Result<void> {
    ETALON_ASSIGN(const Array box, input.read(piece));
    return for_each_run(input.shape(), piece.origin, piece.extent, [&](const Run& run) {
      return write_at(fd, path, header.size() + run.in_array * size,
                      box.view().bytes().subspan(run.in_box * size, run.count * size));
    });
  }));
  if (::fsync(fd.get()) != 0) return system_error(path, "write");
  return {};
}

Result<void> run(const Options& options, const Ranks& ranks) {
  const FileKind kind = ending_kind(options.output);
  if (kind == FileKind::hdf5 || kind == FileKind::cbf || kind == FileKind::tiff)
    return Error{Errc::usage,
                 options.output + ": raw or .npy is written; h5repack -f NONE makes plain HDF5"};
  ETALON_TRY(ranks.agree(refuse_same_file(options.input.path, options.output)));
  auto input = Input::open(options.input);
  ETALON_TRY(ranks.agree(input));
  ETALON_ASSIGN(Output output, Output::create(ranks, options.output, options.overwrite));
  const Bytes header = kind == FileKind::npy ? npy_header(input->dtype(), input->shape()) : Bytes();
  ETALON_TRY(ranks.agree(write_own(ranks, *input, output.part(), header)));
  return output.commit();
}

}  // namespace

void add_decompress(Cli& cli) {
  auto options = std::make_shared<Options>();
  cli::Command* command = add_command(
      cli, "decompress", "Write the elements of a dataset as raw bytes or .npy", options, run);
  add_input(*command, options->input, "input");
  command->add_option("-o,--output", options->output, "File to write: .npy, anything else raw")
      ->required();
  command->add_flag("-f,--force", options->overwrite, "Overwrite the output");
}

}  // namespace etalon::mpi
