#include <fnmatch.h>
#include <stdlib.h>

#include <algorithm>
#include <cstring>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "export_series.hpp"
#include "printable.hpp"
#include "store/bag.hpp"
#include "store/hdf5.hpp"
#include "store/nxmx_reader.hpp"

namespace etalon::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string archive, output, frames;
  std::vector<std::string> names;
  bool list = false, check = false, overwrite = false, json = false;
};

// Those that a name, a folder or a pattern of the command line means; all when there are none.
Result<std::vector<BagFile>> chosen(const BagReader& reader, const Options& options) {
  if (options.names.empty()) return reader.files();
  std::vector<BagFile> files;
  std::vector<bool> used(options.names.size());
  for (const BagFile& file : reader.files()) {
    bool wanted = false;
    for (std::size_t i = 0; i < options.names.size(); ++i) {
      std::string name = options.names[i];
      while (name.ends_with('/')) name.pop_back();
      if (file.name != name && !file.name.starts_with(name + "/") &&
          ::fnmatch(name.c_str(), file.name.c_str(), 0) != 0)
        continue;
      wanted = used[i] = true;
    }
    if (wanted) files.push_back(file);
  }
  for (std::size_t i = 0; i < used.size(); ++i)
    if (!used[i])
      return Error{Errc::missing, options.archive + ": holds no '" + options.names[i] + "'"};
  return files;
}

Result<void> restore_file(const BagReader& reader, const BagFile& file, const std::string& path,
                          bool overwrite) {
  std::error_code failed;
  fs::create_directories(fs::path(path).parent_path(), failed);
  if (failed) return Error{Errc::io, path + ": its folder cannot be made: " + failed.message()};
  ETALON_ASSIGN(OutputFile out, OutputFile::create_regular(path, overwrite));
  ETALON_TRY(reader.read(file, [&](ByteSpan piece) -> Result<void> {
    if (interrupted) return Error{Errc::interrupted, "restore: interrupted"};
    return out.write(piece);
  }));
  return out.commit();
}

// A folder that goes away.
class Scratch {
 public:
  static Result<Scratch> beside(const std::string& path) {
    std::string name = (fs::path(path).parent_path() / ".etalon-restore-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      return Error{Errc::io, name + ": cannot be made: " + std::strerror(errno)};
    return Scratch(name);
  }
  ~Scratch() {
    std::error_code failed;
    if (!path_.empty()) fs::remove_all(path_, failed);
  }
  Scratch(Scratch&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  Scratch& operator=(Scratch&&) = delete;
  std::string file(const std::string& name) const {
    return (fs::path(path_) / fs::path(name).filename()).string();
  }

 private:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// The names in the archive of what a master's virtual dataset shows of files beside it.
std::vector<std::string> pieces_of(const std::string& path, const std::string& name) {
  std::vector<std::string> names;
  const auto file = h5::File::open(path);
  if (!file.ok()) return names;  // no HDF5: it has none
  const auto images = find_images(*file, "", false);
  if (!images.ok()) return names;  // reading it will say why
  const auto dataset = file->dataset(*images);
  if (!dataset.ok()) return names;
  const auto pieces = dataset->virtual_pieces();
  if (!pieces.ok()) return names;
  for (const h5::VirtualPiece& piece : *pieces)
    names.push_back((fs::path(name).parent_path() / piece.file).lexically_normal().string());
  return names;
}

// Some frames of one series: its files are taken out, and what is asked for of them kept.
Result<void> restore_frames(const BagReader& reader, const std::vector<BagFile>& files,
                            const Options& options) {
  ETALON_ASSIGN(const Scratch scratch, Scratch::beside(options.output));
  for (const BagFile& file : files)
    ETALON_TRY(restore_file(reader, file, scratch.file(file.name), false));
  const BagFile& series = files.front();
  const std::vector<std::string> pieces = pieces_of(scratch.file(series.name), series.name);
  for (const BagFile& file : reader.files())
    if (std::ranges::find(pieces, file.name) != pieces.end() &&
        fs::path(file.name).parent_path() == fs::path(series.name).parent_path() &&
        !fs::exists(scratch.file(file.name)))
      ETALON_TRY(restore_file(reader, file, scratch.file(file.name), false));
  ExportRequest request;
  request.input = scratch.file(series.name);
  request.output = options.output;
  request.frames = options.frames;
  request.filter = "etalon";
  request.overwrite = options.overwrite;
  ETALON_ASSIGN(const Exported done, export_series(request));
  note(options.archive + ": " + std::to_string(done.frames) + " frames of " + series.name + " -> " +
       options.output);
  return {};
}

Result<void> list(const BagReader& reader, const std::vector<BagFile>& files,
                  const Options& options) {
  if (!options.json) {
    std::string text;
    for (const BagFile& file : files) {
      char size[32];
      std::snprintf(size, sizeof size, "%14llu  ", static_cast<unsigned long long>(file.bytes));
      text += file.hash.hex().substr(0, 16) + size + printable(file.name) + "\n";
    }
    return print(text);
  }
  nlohmann::json report = {{"schema", "etalon.restore.list/1"},
                           {"archive", options.archive},
                           {"bag", reader.name()},
                           {"files", nlohmann::json::array()}};
  for (const BagFile& file : files)
    report["files"].push_back(
        {{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.hash.hex()}});
  return print(report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

// Every file is read and compared; all that is wrong is said before the end.
Result<void> check(const BagReader& reader, const std::vector<BagFile>& files,
                   const Options& options) {
  std::size_t wrong = 0;
  std::uint64_t done = 0, all = 0;
  for (const BagFile& file : files) all += file.bytes;
  Progress progress("check", all, "bytes");
  for (const BagFile& file : files) {
    auto read = reader.read(file, [&](ByteSpan piece) -> Result<void> {
      if (interrupted) return Error{Errc::interrupted, "restore: interrupted"};
      progress.update(done += piece.size());
      return {};
    });
    if (read.ok()) continue;
    if (read.error().code == Errc::interrupted) return read;
    note("etalon: " + read.error().message);
    ++wrong;
  }
  if (wrong > 0)
    return Error{Errc::check, options.archive + ": " + std::to_string(wrong) + " of " +
                                  std::to_string(files.size()) + " files are not what they were"};
  note(options.archive + ": all is well: " + std::to_string(files.size()) + " files, " +
       human_bytes(static_cast<double>(all)));
  return {};
}

Result<void> run(const Options& options) {
  if (options.list + options.check + !options.output.empty() != 1)
    return Error{Errc::usage, "restore: one of -o, --list and --check is needed"};
  ETALON_ASSIGN(const BagReader reader, BagReader::open(options.archive));
  ETALON_ASSIGN(const std::vector<BagFile> files, chosen(reader, options));
  if (options.list) return list(reader, files, options);
  if (options.check) return check(reader, files, options);
  if (!options.frames.empty()) {
    if (options.names.empty())
      return Error{Errc::usage, "restore --frames: name the series in the archive"};
    return restore_frames(reader, files, options);
  }
  std::uint64_t bytes = 0;
  for (const BagFile& file : files) {
    ETALON_TRY(restore_file(reader, file, (fs::path(options.output) / file.name).string(),
                            options.overwrite));
    bytes += file.bytes;
  }
  note(options.archive + ": " + std::to_string(files.size()) + " files, " +
       human_bytes(static_cast<double>(bytes)) + " -> " + options.output);
  return {};
}

}  // namespace

void add_restore(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command = add_command(
      cli, "restore", "Bring back what is in an archive, or some of it; check it", options, run);
  command
      ->add_option("archive", options->archive,
                   "What `etalon archive` made, or any BagIt bag "
                   "with SHA-256 in a ZIP file")
      ->required();
  command
      ->add_option("name", options->names,
                   "Only these: names, folders and patterns, as --list shows them")
      ->default_str("");
  command->add_option("-o,--output", options->output,
                      "Folder to put them in; with --frames the file");
  command->add_option("--frames", options->frames,
                      "Only these frames of the series that is named, as 10:20; the files that a "
                      "master shows come along, those it links to are named after it");
  command->add_flag("--list", options->list, "Show what is there");
  command->add_flag("--check", options->check,
                    "Read every file and compare it with its SHA-256; exit 4 when one differs");
  command->add_flag("-f,--force", options->overwrite, "Write over files that exist");
  command->add_flag("--json", options->json, "Print --list as JSON");
}

}  // namespace etalon::cli
