#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.hpp"
#include "commands.hpp"
#include "pipeline/ordered.hpp"
#include "store/series_reader.hpp"
#include "stream/simplon_message.hpp"
#include "stream/socket.hpp"

namespace etalon::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::string file, dataset, bind = "tcp://127.0.0.1:31001", connect;
  std::string compression = "bslz4", channel = "threshold_1";
  double rate = 0;
  std::uint64_t loops = 1, series_id = 1;
  unsigned threads = 0;
  bool preload = false, json = false;
};

// A detector's end of the stream. Every message waits until a client takes it.
class Sender {
 public:
  explicit Sender(Socket socket) : socket_(std::move(socket)) {}

  // False: interrupted before anybody took it.
  Result<bool> send(ByteSpan message) {
    while (true) {
      ETALON_ASSIGN(const bool sent, socket_.send(message));
      if (sent) break;
      if (interrupted.load()) return false;
      ETALON_TRY(socket_.wait_to_send(std::chrono::milliseconds(100)));
    }
    bytes += message.size();
    return true;
  }
  // The last message of a series that was begun; whoever does not take it now is gone.
  Result<void> send_end(ByteSpan message) {
    for (int tries = 0; tries < 20; ++tries) {
      ETALON_ASSIGN(const bool sent, socket_.send(message));
      if (sent) {
        bytes += message.size();
        return {};
      }
      ETALON_TRY(socket_.wait_to_send(std::chrono::milliseconds(100)));
    }
    socket_.forget();
    return Error{Errc::io, socket_.address() + ": nobody took the end of the series"};
  }

  std::uint64_t bytes = 0;

 private:
  Socket socket_;
};

SimplonTime nanoseconds(double seconds) {
  return {static_cast<std::uint64_t>(std::llround(std::max(seconds, 0.0) * 1e9)), 1'000'000'000};
}

// False: interrupted.
bool wait_until(Clock::time_point due) {
  while (Clock::now() < due) {
    if (interrupted.load()) return false;
    std::this_thread::sleep_until(std::min(due, Clock::now() + std::chrono::milliseconds(50)));
  }
  return !interrupted.load();
}

// An image's pixels as the stream carries them.
struct Encoded {
  double time_s = 0;
  Bytes data;
};

// Reads and encodes images first to last - 1, which go round the series, and hands them on in
// order.
class Encoder {
 public:
  Encoder(SeriesReader& reader, const Options& options, DectrisCompression compression)
      : reader_(reader),
        channel_(options.channel),
        compression_(compression),
        threads_(options.threads != 0 ? options.threads
                                      : std::max(1U, std::thread::hardware_concurrency())) {}

  Result<void> run(std::uint64_t images, const std::function<Result<void>(Encoded)>& take) {
    std::uint64_t index = 0;
    using Item = Result<Frame>;
    return run_ordered<Item, Result<Encoded>>(
        threads_, 2 * std::size_t{threads_} + 2,
        [&]() -> std::optional<Item> {
          if (index == images || interrupted.load()) return {};
          return reader_.read(index++ % reader_.info().frames);
        },
        [&](unsigned, Item frame) { return encode(std::move(frame)); },
        [&](Result<Encoded> encoded) -> Result<void> {
          ETALON_TRY(encoded);
          return take(std::move(encoded).value());
        });
  }

 private:
  Result<Encoded> encode(Result<Frame> frame) const {
    ETALON_TRY(frame);
    std::vector<std::pair<std::string, Array>> channels;
    channels.emplace_back(channel_, simplon_pixels(std::move(frame->image)));
    return Encoded{frame->time_s, encode_simplon_data(channels, compression_)};
  }

  SeriesReader& reader_;
  std::string channel_;
  DectrisCompression compression_;
  unsigned threads_;
};

Result<void> check(const Options& options, const SeriesInfo& info) {
  if (info.frames == 0) return Error{Errc::malformed, options.file + ": holds no frames"};
  if (options.loops > UINT64_MAX / info.frames)
    return Error{Errc::usage, "--loop: too many images"};
  return {};
}

Result<void> run(const Options& options) {
  reuse_memory();
  ETALON_ASSIGN(const DectrisCompression compression,
                parse_dectris_compression(options.compression));
  OpenOptions open;
  open.dataset = options.dataset;
  ETALON_ASSIGN(const auto reader, open_series(options.file, open));
  const SeriesInfo& info = reader->info();
  ETALON_TRY(check(options, info));
  auto described = simplon_start(info, options.channel);
  if (!described.ok()) return std::move(described).error().in(options.file);
  SimplonStart start = std::move(described).value();
  const std::uint64_t images = info.frames * options.loops;
  start.number_of_images = images;
  start.series_id = options.series_id;
  start.series_unique_id = info.name;

  Encoder encoder(*reader, options, compression);
  std::vector<Encoded> loaded;
  if (options.preload) {
    Progress progress("encoding", info.frames, "images");
    ETALON_TRY(encoder.run(info.frames, [&](Encoded e) -> Result<void> {
      loaded.push_back(std::move(e));
      progress.update(loaded.size());
      return {};
    }));
    if (interrupted.load()) return Error{Errc::interrupted, options.file + ": interrupted"};
  }

  Socket::Options wire;
  wire.queued = 16;
  wire.linger = std::chrono::seconds(30);  // what a slow client has not taken yet
  ETALON_ASSIGN(Socket socket, options.connect.empty()
                                   ? Socket::bind(options.bind, wire, Socket::Kind::push)
                                   : Socket::connect(options.connect, wire, Socket::Kind::push));
  const std::string address = socket.address();
  note(options.file + ": " + counted(images, "image") + " at " + address +
       ", waiting for a client");
  Sender sender(std::move(socket));
  ETALON_ASSIGN(bool going, sender.send(encode_simplon(start, compression)));
  if (!going) return Error{Errc::interrupted, address + ": interrupted, no client came"};

  SimplonImage image;
  image.series_id = start.series_id;
  image.series_unique_id = start.series_unique_id;
  image.series_date = info.start_time;
  image.real_time = nanoseconds(info.count_time_s);
  const auto begun = Clock::now();
  Progress progress("sending", images, "images");
  const auto play = [&](double time_s, ByteSpan data) -> Result<void> {
    const std::uint64_t round = image.image_id / info.frames;
    time_s += static_cast<double>(round * info.frames) * info.frame_time_s;
    image.start_time = nanoseconds(time_s);
    image.stop_time = nanoseconds(time_s + info.count_time_s);
    const Bytes message = encode_simplon_image(image, data);
    if (options.rate > 0)
      going = wait_until(begun +
                         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
                             static_cast<double>(image.image_id) / options.rate)));
    if (!going || interrupted.load()) return Error{Errc::interrupted, address};
    ETALON_ASSIGN(going, sender.send(message));
    if (!going) return Error{Errc::interrupted, address};
    progress.update(++image.image_id);
    return {};
  };
  Result<void> played;
  if (options.preload) {
    while (played.ok() && image.image_id < images) {
      const Encoded& next = loaded[image.image_id % info.frames];
      played = play(next.time_s, next.data);
    }
  } else {
    played = encoder.run(images, [&](const Encoded& e) { return play(e.time_s, e.data); });
  }
  going = image.image_id == images;
  if (!played.ok() && played.error().code == Errc::interrupted) played = {};
  // A client that has begun is told of the end whatever happens here.
  const std::chrono::duration<double> taken = Clock::now() - begun;
  auto ended = sender.send_end(encode_simplon(SimplonEnd{start.series_id, start.series_unique_id}));
  ETALON_TRY(std::move(played));
  ETALON_TRY(std::move(ended));

  const double per_s = taken.count() > 0 ? 1 / taken.count() : 0;
  const double frames_per_s = static_cast<double>(image.image_id) * per_s;
  if (going && frames_per_s < 0.95 * options.rate) {
    char rates[96];
    std::snprintf(rates, sizeof rates, ": %.1f images/s instead of %.1f", frames_per_s,
                  options.rate);
    note(address + rates +
         (options.preload ? ": the client was slower"
                          : ": the client or encoding (--preload) was slower"));
  }
  if (options.json) {
    const nlohmann::json report = {
        {"schema", "etalon.replay/1"}, {"source", options.file},       {"address", address},
        {"frames", image.image_id},    {"announced", images},          {"bytes", sender.bytes},
        {"seconds", taken.count()},    {"frames_per_s", frames_per_s}, {"complete", going}};
    ETALON_TRY(print(report.dump(2) + "\n"));
  } else {
    char rates[96];
    std::snprintf(rates, sizeof rates, " in %.2f s: %.1f images/s, ", taken.count(), frames_per_s);
    ETALON_TRY(print(address + ": " + counted(image.image_id, "image") + rates +
                     human_bytes(static_cast<double>(sender.bytes) * per_s) + "/s\n"));
  }
  if (!going)
    return Error{Errc::interrupted, address + ": interrupted after " +
                                        counted(image.image_id, "image") + " of " +
                                        std::to_string(images) + ", the end was sent"};
  return {};
}

}  // namespace

void add_replay(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command =
      add_command(cli, "replay", "Play a stored series as a detector's stream", options, run);
  command->footer(
      "Sends start, images and end as a DECTRIS detector does (SIMPLON stream v2, ZeroMQ PUSH).\n"
      "Waits for a client; several clients share the images, as at a detector. Ctrl-C sends the "
      "end.\n\n"
      "  etalon replay series.h5 --rate 500\n"
      "  etalon replay series.h5 --bind tcp://0.0.0.0:31001 --compression lz4 --loop 10\n"
      "  etalon replay series.h5 --preload --loop 100 --rate 1000");
  command
      ->add_option("file", options->file,
                   "Series: HDF5 (NXmx), CBF, TIFF, .npy, a folder or a glob")
      ->required()
      ->type_name("FILE")
      ->default_str("");
  command
      ->add_option("--dataset", options->dataset, "Images in an HDF5 file (default: as NXmx says)")
      ->type_name("/PATH")
      ->default_str("");
  Option* bind = command->add_option("--bind", options->bind, "Where clients connect");
  command->add_option("--connect", options->connect, "Connect to a client that listens instead")
      ->excludes(bind)
      ->default_str("");
  command->add_option("--rate", options->rate, "Images a second; 0: as fast as they are taken")
      ->range(0.0, 1e6);
  command->add_option("--compression", options->compression, "none, lz4 or bslz4");
  command->add_option("--channel", options->channel, "Name of the channel");
  command->add_option("--series-id", options->series_id, "Number of the series");
  command->add_option("--loop", options->loops, "Send the images so often, in one series")
      ->range(std::uint64_t{1}, std::uint64_t{1} << 40);
  command->add_flag("--preload", options->preload,
                    "Encode the series once, before a client is waited for, and keep it in memory");
  command->add_option("-T,--threads", options->threads, "Threads that encode; 0: one per processor")
      ->range(0U, 1024U);
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace etalon::cli
