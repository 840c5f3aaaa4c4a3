#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "commands.hpp"
#include "etalon/version.hpp"
#include "ledger/ledger.hpp"
#include "ledger_json.hpp"
#include "series_json.hpp"
#include "store/bag.hpp"

namespace etalon::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> inputs;
  std::string output, ledger, description;
  bool overwrite = false, json = false;
};

std::string today() {
  using namespace std::chrono;
  const year_month_day date{floor<days>(system_clock::now())};
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", int(date.year()), unsigned(date.month()),
                unsigned(date.day()));
  return text;
}

// What of the files are series, for whoever looks for one without fetching the payload.
std::string index_of(const std::vector<BagSource>& sources, const std::vector<BagFile>& files) {
  nlohmann::json list = nlohmann::json::array();
  for (std::size_t i = 0; i < sources.size(); ++i) {
    nlohmann::json entry = {
        {"name", files[i].name}, {"bytes", files[i].bytes}, {"sha256", files[i].hash.hex()}};
    if (auto summary = summarize_series(sources[i].path); summary.ok())
      entry["series"] = summary_json(files[i].name, *summary);
    list.push_back(std::move(entry));
  }
  const nlohmann::json index = {{"schema", "etalon.archive.index/1"}, {"files", list}};
  return index.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

// PROV-JSON of everything that led to the files, and how many of these the ledger knows.
struct Provenance {
  std::string text;
  std::size_t known = 0;
};
Result<Provenance> provenance_of(const Ledger& ledger, const std::vector<BagFile>& files) {
  std::vector<Hash> ids;
  Provenance found;
  for (const BagFile& file : files) {
    ETALON_ASSIGN(const auto producers, ledger.producers(file.hash));
    if (producers.empty()) continue;
    ++found.known;
    ETALON_ASSIGN(const auto line, ledger.lineage(file.hash));
    for (const Hash& id : line)
      if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  ETALON_ASSIGN(const auto json, prov_json(ledger, ids));
  found.text = json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  return found;
}

Record record_of(const Options& options, const std::vector<BagSource>& sources,
                 const std::vector<BagFile>& files, const Hash& archive) {
  Record record;
  record.kind = "archive";
  record.program = "etalon " + std::string(version);
  for (std::size_t i = 0; i < files.size(); ++i)
    record.inputs.push_back({"file", files[i].hash, fs::absolute(sources[i].path).string()});
  if (options.output != "-")
    record.outputs.push_back({"archive", archive, fs::absolute(options.output).string()});
  return record;
}

// The archive itself must not be among what goes into it.
Result<void> refuse_output_among(const std::vector<BagSource>& sources, const std::string& output) {
  for (const BagSource& source : sources) ETALON_TRY(refuse_same_file(source.path, output));
  return {};
}

struct Made {
  std::vector<BagFile> files;
  std::uint64_t bytes = 0;
  std::size_t known = 0;
  Hash hash;
};

Result<Made> make(const Options& options, const std::vector<BagSource>& sources,
                  std::optional<Ledger>& ledger) {
  Made made;
  std::uint64_t done = 0;
  std::error_code unknown;
  std::uint64_t all = 0;
  for (const BagSource& source : sources) {
    const auto size = fs::file_size(source.path, unknown);
    if (!unknown) all += size;
  }
  Progress progress("archive", 2 * all, "bytes");
  const auto moved = [&](std::uint64_t bytes) {
    progress.update(done += bytes);
    return !interrupted;
  };
  ETALON_ASSIGN(made.files, hash_sources(sources, moved));
  for (const BagFile& file : made.files) made.bytes += file.bytes;
  std::vector<BagText> tags = {{"index.json", index_of(sources, made.files)}};
  if (ledger) {
    ETALON_ASSIGN(Provenance provenance, provenance_of(*ledger, made.files));
    made.known = provenance.known;
    tags.push_back({"provenance.json", std::move(provenance.text)});
  }
  std::vector<std::pair<std::string, std::string>> info = {
      {"Bagging-Date", today()},
      {"Bag-Software-Agent", "etalon " + std::string(version)},
      {"Payload-Oxum", std::to_string(made.bytes) + "." + std::to_string(made.files.size())}};
  if (!options.description.empty()) info.push_back({"External-Description", options.description});
  std::string name = options.output == "-" ? "archive" : fs::path(options.output).stem().string();
  ETALON_ASSIGN(OutputFile out, OutputFile::create(options.output, options.overwrite));
  ETALON_TRY(write_bag(out, name, sources, made.files, tags, info, moved));
  if (options.output == "-") {
    ETALON_TRY(out.commit());
    return made;
  }
  // What is on the disk is read again before it has its name.
  ETALON_TRY(out.finish());
  {
    ETALON_ASSIGN(const BagReader reader, BagReader::open(out.temporary_path()));
    for (const BagFile& file : reader.files())
      ETALON_TRY(reader.read(file, [](ByteSpan) -> Result<void> {
        if (interrupted) return Error{Errc::interrupted, "archive: interrupted"};
        return {};
      }));
  }
  ETALON_ASSIGN(made.hash, sha256_file(out.temporary_path()));
  ::chmod(out.temporary_path().c_str(), 0444);
  ETALON_TRY(out.name_as(options.output, options.overwrite));
  return made;
}

Result<void> run(const Options& options) {
  ETALON_ASSIGN(const auto sources, bag_sources(options.inputs));
  if (sources.empty()) return Error{Errc::usage, "archive: there are no files in what is named"};
  ETALON_TRY(refuse_output_among(sources, options.output));
  std::optional<Ledger> ledger;
  if (!options.ledger.empty()) {
    ETALON_ASSIGN(ledger, Ledger::open(options.ledger, true));
  }
  ETALON_ASSIGN(const Made made, make(options, sources, ledger));
  if (ledger && options.output != "-")
    ETALON_TRY(ledger->add(record_of(options, sources, made.files, made.hash)));
  if (options.json) {
    nlohmann::json report = {{"schema", "etalon.archive/1"},
                             {"output", options.output},
                             {"files", made.files.size()},
                             {"bytes", made.bytes}};
    if (options.output != "-") report["sha256"] = made.hash.hex();
    if (ledger) report["known_to_ledger"] = made.known;
    return print_report(report.dump(2) + "\n", options.output);
  }
  note(std::to_string(made.files.size()) + " files, " +
       human_bytes(static_cast<double>(made.bytes)) + " -> " + options.output +
       (options.output == "-" ? "" : ", SHA-256 " + made.hash.hex()));
  return {};
}

}  // namespace

void add_archive(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command =
      add_command(cli, "archive",
                  "Put files into one that does not change: checksummed, indexed, readable in part",
                  options, run);
  command->add_option("input", options->inputs, "Files, and folders with all that is in them")
      ->required();
  command
      ->add_option("-o,--output", options->output,
                   "The archive (.zip), made read-only; - is standard output, for an object store")
      ->required();
  command->add_option("--ledger", options->ledger,
                      "A ledger: where the files came from goes into the archive, and that they "
                      "were archived into the ledger");
  command->add_option("--description", options->description, "A sentence for bag-info.txt");
  command->add_flag("-f,--force", options->overwrite, "Write over an archive that exists");
  command->add_flag("--json", options->json, "Print JSON");
  command->footer(
      "The archive is a BagIt bag (RFC 8493) in a ZIP file without compression: any ZIP and BagIt\n"
      "program reads and checks it, and a member is one range of bytes. What was written is read\n"
      "again and checked before it has its name. `etalon restore` brings all or some of it back.");
}

}  // namespace etalon::cli
