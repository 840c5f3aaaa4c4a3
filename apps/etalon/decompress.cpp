#include <charconv>
#include <nlohmann/json.hpp>
#include <thread>

#include "bundle_command.hpp"
#include "codec/container_pieces.hpp"
#include "commands.hpp"
#include "pipeline/ordered.hpp"
#include "store/array_writer.hpp"
#include "store/byte_stream.hpp"

namespace etalon::cli {
namespace {

struct Options {
  std::string input, output, box, dataset;
  std::size_t preview = 1;
  unsigned threads = 0;
  bool overwrite = false, json = false;
};

// "3:5,0:100,:" as numpy slices; an end left out is the axis' own.
Result<Box> parse_box(const std::string& text, const Shape& shape) {
  const auto fail = [&](const std::string& reason) {
    return Error{Errc::usage, "--box '" + text + "': " + reason};
  };
  Box box;
  std::string_view rest = text;
  while (true) {
    const std::size_t comma = rest.find(','), axis = box.axes.size();
    const std::string_view item = rest.substr(0, comma);
    if (axis == shape.rank())
      return fail("the array has " + std::to_string(shape.rank()) + " axes");
    Box::Range range{0, shape[axis]};
    const std::size_t colon = item.find(':');
    const auto number = [](std::string_view t, std::size_t& value) {
      if (t.empty()) return true;
      const auto [end, status] = std::from_chars(t.data(), t.data() + t.size(), value);
      return status == std::errc{} && end == t.data() + t.size();
    };
    if (!number(item.substr(0, colon), range.begin)) return fail("expected 3:5,0:100,: and such");
    if (colon == std::string_view::npos) {
      if (item.empty()) return fail("an axis is empty");
      range.end = range.begin + 1;
    } else if (!number(item.substr(colon + 1), range.end)) {
      return fail("expected 3:5,0:100,: and such");
    }
    box.axes.push_back(range);
    if (comma == std::string_view::npos) break;
    rest = rest.substr(comma + 1);
  }
  while (box.axes.size() < shape.rank()) box.axes.push_back({0, shape[box.axes.size()]});
  return box;
}

// A piece on its way from the container to the output.
struct Piece {
  codec::ContainerPieces::Piece place;
  std::vector<Bytes> chunks;
};
struct Decoded {
  Shape origin;
  Result<Array> elements;
};

Result<Piece> read_piece(const ByteSource& source, const codec::ContainerIndex& index,
                         codec::ContainerPieces::Piece place) {
  Piece piece{std::move(place), {}};
  for (std::size_t c : piece.place.chunks) {
    Bytes room;
    ETALON_ASSIGN(const ByteSpan chunk,
                  source.read(index.chunks[c].offset, index.chunks[c].size, room));
    if (room.empty()) room.assign(chunk.begin(), chunk.end());
    piece.chunks.push_back(std::move(room));
  }
  return piece;
}

// At most two pieces a thread are in memory.
Result<void> write_pieces(const ByteSource& source, const codec::ContainerIndex& index,
                          const codec::ContainerPieces& pieces, unsigned threads,
                          ArrayWriter& writer) {
  std::size_t next = 0, written = 0;
  Progress progress("decompress", pieces.count(), "pieces");
  return run_ordered<Result<Piece>, Decoded>(
      threads, std::size_t{2} * threads,
      [&]() -> std::optional<Result<Piece>> {
        if (next == pieces.count()) return std::nullopt;
        if (interrupted) return Error{Errc::interrupted, "decompress: interrupted"};
        return read_piece(source, index, pieces.piece(next++));
      },
      [&](unsigned, Result<Piece> piece) {
        if (!piece.ok()) return Decoded{{}, std::move(piece).error()};
        return Decoded{piece->place.origin, pieces.decode(piece->place, piece->chunks)};
      },
      [&](Decoded decoded) -> Result<void> {
        if (!decoded.elements.ok()) return std::move(decoded.elements).error();
        if (decoded.elements->count() > 0)
          ETALON_TRY(writer.write(decoded.elements->view(), decoded.origin));
        progress.update(++written);
        return {};
      });
}

Result<void> run(const Options& options) {
  ETALON_TRY(refuse_same_file(options.input, options.output));
  const unsigned threads =
      options.threads == 0 ? std::max(1u, std::thread::hardware_concurrency()) : options.threads;
  if (names_bundle(options.input)) {
    if (!options.box.empty() || !options.dataset.empty())
      return Error{Errc::usage, "--box, --dataset: not for files of many arrays"};
    return decompress_bundle(options.input,
                             {options.output, options.overwrite, options.json, threads});
  }
  ETALON_ASSIGN(const auto source, open_source(options.input));
  const auto inside = [&](Error error) { return std::move(error).in(options.input); };
  const auto index = codec::parse_container(*source);
  if (!index.ok()) return inside(index.error());
  std::optional<Box> box;
  if (!options.box.empty()) {
    ETALON_ASSIGN(box, parse_box(options.box, index->shape));
  }
  const auto pieces =
      codec::ContainerPieces::create(*index, box ? &*box : nullptr, options.preview);
  if (!pieces.ok()) return inside(pieces.error());
  OpenOptions open;
  open.dataset = options.dataset;
  const Shape& shape = pieces->shape();
  ETALON_ASSIGN(ArrayWriter writer,
                ArrayWriter::create(options.output, index->dtype, shape, options.overwrite, open));
  auto done = write_pieces(*source, *index, *pieces, threads, writer);
  if (!done.ok())
    return done.error().code == Errc::malformed ? inside(std::move(done).error()) : done;
  ETALON_TRY(writer.commit());
  if (options.json) {
    const nlohmann::json report = {
        {"schema", "etalon.decompress/1"}, {"input", options.input},
        {"output", options.output},        {"dtype", name_of(index->dtype)},
        {"shape", shape.extents()},        {"raw_bytes", shape.count() * size_of(index->dtype)}};
    return print_report(report.dump(2), options.output);
  }
  note(options.input + ": " + std::string(name_of(index->dtype)) + " " + to_string(shape) + " -> " +
       options.output);
  return {};
}

}  // namespace

void add_decompress(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command =
      add_command(cli, "decompress", "Decompress a container, or a box of it", options, run);
  command->add_option("input", options->input, "Container; - is standard input")->required();
  command
      ->add_option(
          "-o,--output", options->output,
          ".npy, .h5 and other HDF5 endings (dataset /data), else raw; - is raw to standard "
          "output")
      ->required();
  command->add_option("--box", options->box,
                      "Part of the array, 3:5,0:100,: for instance; touches only its chunks");
  command
      ->add_option("--preview", options->preview,
                   "Every N-th element along every axis (of the box), as numpy's [::N, ::N]; of\n"
                   "fields only the coarse levels are decoded: fastest for powers of two")
      ->range(std::size_t{1}, std::size_t{1} << 40)
      ->type_name("N");
  command->add_option("--dataset", options->dataset, "HDF5 dataset to write");
  command->add_option("-T,--threads", options->threads, "Threads, 0 for one per core")
      ->range(0, 1024);
  command->add_flag("-f,--force", options->overwrite, "Overwrite the output");
  command->add_flag("--json", options->json, "Print JSON; to standard error with -o -");
  command->footer(
      "A file is read and written piece by piece: a few chunks a thread are in memory. Of\n"
      "standard input the whole container is.");
}

}  // namespace etalon::cli
