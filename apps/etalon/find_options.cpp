#include "find_options.hpp"

namespace etalon::cli {
void add_find_options(Command& command, std::shared_ptr<FindOptions> options) {
  command
      .add_option("file", options->file, "Series: HDF5 (NXmx), CBF, TIFF, .npy, a folder or a glob")
      ->required()
      ->type_name("FILE")
      ->default_str("");
  command
      .add_option("--dataset", options->dataset, "Images in an HDF5 file (default: as NXmx says)")
      ->type_name("/PATH")
      ->default_str("");
  add_finder_options(command, options->finder);
  command
      .add_flag(
          "--auto", options->learn,
          "Learn threshold and snr (dispersion: the sigmas, and gain and --min-pixels unless\n"
          "given) from some of the frames, and say what they are and why")
      ->excludes({"--threshold", "--snr", "--sigma-background", "--sigma-strong"});
  command.add_option("--dtype", options->dtype, "Raw files: element type, such as u16")
      ->default_str("");
  command.add_option("--shape", options->shape, "Raw files: frames,rows,columns")->default_str("");
  command.add_option("-T,--threads", options->threads, "Threads (0: one per core)")->range(0, 1024);
  Option* json = command.add_flag("--json", options->json, "Print JSON");
  command.add_flag("--csv", options->csv, "Print one line a peak")->excludes(json);
}

}  // namespace etalon::cli
