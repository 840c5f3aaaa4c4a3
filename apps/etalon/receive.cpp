#include <nlohmann/json.hpp>

#include "base/durations.hpp"
#include "base/text.hpp"
#include "commands.hpp"
#include "etalon/codec.hpp"
#include "reduce_input.hpp"
#include "store/nxmx_writer.hpp"
#include "stream/simplon_mask.hpp"
#include "stream/simplon_receiver.hpp"

namespace etalon::cli {
namespace {

struct Options {
  std::string connect = "tcp://127.0.0.1:31001", bind, output;
  double settle_s = 1, silence_limit_s = 0;
  bool overwrite = false, json = false;
};

// One NXmx file; one a channel where there are several, NAME.CHANNEL.h5.
class Store {
 public:
  explicit Store(const Options& options) : options_(options) {}

  // An image with damaged pixels is left out, and counted.
  Result<void> add(const SimplonImage& image, const std::optional<SimplonStart>& start) {
    std::vector<Array> channels;
    for (const auto& [channel, packed] : image.data) {
      auto pixels = packed.unpack();
      if (!pixels.ok()) {
        if (damaged_++ == 0) note(pixels.error().message);
        return {};
      }
      channels.push_back(std::move(*pixels));
    }
    for (std::size_t i = writers_.size(); i < channels.size(); ++i) {
      ETALON_TRY(create(image.data[i].first, channels[i], image, start, channels.size() > 1));
    }
    for (std::size_t i = 0; i < channels.size(); ++i) {
      const ArrayView view = channels[i].view();
      ETALON_ASSIGN(const auto chunk,
                    encode_chunk({view.data, view.dtype, {1, view.shape[0], view.shape[1]}},
                                 CompressOptions{}));
      ETALON_TRY(writers_[i].append(image.image_id, image.start_time.seconds(), chunk, {}));
    }
    return {};
  }
  Result<void> finish() {
    for (NxmxWriter& writer : writers_) {
      ETALON_TRY(writer.finish());
    }
    return {};
  }
  const std::vector<std::string>& paths() const { return paths_; }
  std::uint64_t damaged() const { return damaged_; }

 private:
  // What the start says as far as it is there and fits; the image itself knows its size and type.
  Result<void> create(const std::string& channel, const Array& array, const SimplonImage& image,
                      const std::optional<SimplonStart>& start, bool several) {
    SeriesInfo info;
    info.name = "series_" + std::to_string(image.series_id);
    info.start_time = image.series_date;
    if (start) info = series_info(*start, channel);
    info.dtype = array.dtype();
    info.geometry.ny = array.shape()[0];
    info.geometry.nx = array.shape()[1];
    if (start && !mask_fits(*start, channel, array.shape())) {
      info.pixel_mask.clear();
      note("start: its mask does not fit images of " + to_string(array.shape()) + ": left out");
    }
    std::string path = options_.output;
    if (several) path.insert(path.rfind('.'), "." + channel);
    ETALON_ASSIGN(NxmxWriter writer, NxmxWriter::create_live(path, info, Bound::lossless(),
                                                             options_.overwrite, false));
    writers_.push_back(std::move(writer));
    paths_.push_back(path);
    return {};
  }

  const Options& options_;
  std::vector<NxmxWriter> writers_;
  std::vector<std::string> paths_;
  std::uint64_t damaged_ = 0;
};

nlohmann::json json_of(const SimplonAccounts& a, std::uint64_t damaged) {
  return {{"messages", a.messages},
          {"bytes", a.bytes},
          {"starts", a.starts},
          {"images", a.images},
          {"ends", a.ends},
          {"corrupt", a.corrupt},
          {"stored", a.delivered - damaged},
          {"damaged", damaged},
          {"duplicate", a.duplicate},
          {"late", a.late},
          {"unexpected", a.unexpected},
          {"before_start", a.before_start},
          {"after_end", a.after_end},
          {"out_of_order", a.out_of_order},
          {"missing", a.missing},
          {"not_sent", a.not_sent}};
}

std::string text_of(const SimplonAccounts& a, std::uint64_t damaged) {
  const auto n = [](std::uint64_t count, const char* what) {
    return std::to_string(count) + " " + what;
  };
  return "messages    " + n(a.messages, "= ") + n(a.starts, "start + ") + n(a.images, "image + ") +
         n(a.ends, "end + ") + n(a.corrupt, "corrupt\n") + "accounts    " +
         n(a.images, "images = ") + n(a.delivered - damaged, "stored + ") +
         n(damaged, "damaged + ") + n(a.duplicate, "duplicate + ") + n(a.late, "late + ") +
         n(a.unexpected, "unexpected\n") + "never came  " + n(a.missing, "missing, ") +
         n(a.not_sent, "after the last\n") + "of these    " + n(a.out_of_order, "out of order, ") +
         n(a.before_start, "before the start, ") + n(a.after_end, "after the end\n");
}

Result<void> verdict(const SimplonReceiver& receiver, std::uint64_t damaged) {
  const SimplonSeries& series = receiver.series();
  const SimplonAccounts& a = series.accounts();
  const std::string& where = receiver.address();
  if (interrupted.load()) return Error{Errc::interrupted, where + ": interrupted"};
  if (!a.balanced()) return Error{Errc::check, where + ": the accounts do not balance"};
  if (!series.ended()) return Error{Errc::io, where + ": silence, and no end of the series"};
  if (a.missing > 0)
    return Error{Errc::check, where + ": " + counted(a.missing, "image") +
                                  " in between did not come: does a second client take them?"};
  if (a.not_sent + a.late + a.unexpected + a.corrupt + damaged > 0)
    return Error{Errc::check, where + ": the series is not whole"};
  return {};
}

Result<void> run(const Options& options) {
  reuse_memory();
  ETALON_TRY(check_ending(options.output, FileKind::hdf5, "HDF5"));
  SimplonReceiverOptions wire;
  wire.bind = !options.bind.empty();
  wire.address = wire.bind ? options.bind : options.connect;
  wire.settle = milliseconds_of(options.settle_s);
  wire.silence_limit = milliseconds_of(options.silence_limit_s);
  wire.interrupted = &interrupted;
  ETALON_ASSIGN(SimplonReceiver receiver, SimplonReceiver::open(wire));
  note(receiver.address() + ": waiting for a series");
  Store store(options);
  while (true) {
    ETALON_ASSIGN(const auto image, receiver.next());
    if (!image) break;
    if (auto added = store.add(*image, receiver.series().start()); !added.ok())
      return std::move(added).error().in("image " + std::to_string(image->image_id));
  }
  ETALON_TRY(store.finish());
  const SimplonSeries& series = receiver.series();
  if (!series.start()) note(receiver.address() + ": no start message came: no metadata");
  if (series.start())
    for (const std::string& remark : series.start()->remarks) note("start: " + remark);
  if (!series.last_error().empty()) note("last corrupt message: " + series.last_error());
  if (options.json) {
    nlohmann::json report = {
        {"schema", "etalon.receive/1"}, {"address", receiver.address()},
        {"outputs", store.paths()},     {"start", series.start().has_value()},
        {"ended", series.ended()},      {"accounts", json_of(series.accounts(), store.damaged())}};
    ETALON_TRY(print(report.dump(2) + "\n"));
  } else {
    std::string text = text_of(series.accounts(), store.damaged());
    for (const std::string& path : store.paths()) text += "output      " + path + "\n";
    ETALON_TRY(print(text));
  }
  return verdict(receiver, store.damaged());
}

}  // namespace

void add_receive(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command =
      add_command(cli, "receive", "Store a detector's stream and account for it", options, run);
  command->footer(
      "Takes one series of a DECTRIS detector (SIMPLON stream v2, ZeroMQ PULL), stores it without\n"
      "loss as NXmx and says what became of every message. Exit code 4: images did not come.\n\n"
      "  etalon receive --connect tcp://detector:31001 -o series.h5");
  Option* connect =
      command->add_option("--connect", options->connect, "Where the detector listens");
  command->add_option("--bind", options->bind, "Listen for a detector that connects instead")
      ->excludes(connect)
      ->default_str("");
  command
      ->add_option("-o,--output", options->output,
                   "NXmx file (.h5); with several channels, each has its own")
      ->required()
      ->default_str("");
  command->add_option("--settle", options->settle_s, "Seconds to wait for images after the end")
      ->range(0.0, 3600.0);
  command
      ->add_option("--silence-limit", options->silence_limit_s,
                   "Seconds without a message that end the series; 0: none")
      ->range(0.0, 1e6);
  command->add_flag("-f,--force", options->overwrite, "Overwrite what is there");
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace etalon::cli
