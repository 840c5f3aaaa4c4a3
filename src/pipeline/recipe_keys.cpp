#include "pipeline/recipe_keys.hpp"

#include <algorithm>
#include <bit>

#include "pipeline/recipe_readers.hpp"

namespace etalon::recipe {
namespace {

Result<void> read_on_error(Recipe& r, const toml::node& node) {
  ETALON_ASSIGN(const std::string choice, one_of(node, {"stop", "skip"}));
  r.source.skip_unreadable = choice == "skip";
  return {};
}

Result<void> read_detector(Recipe& r, const toml::node& node) {
  ETALON_ASSIGN(r.calibrate.detector, one_of(node, {"none", "jungfrau", "camera"}));
  return {};
}

Result<void> read_common_mode(Recipe& r, const toml::node& node) {
  ETALON_ASSIGN(r.calibrate.common_mode, one_of(node, {"none", "rows", "columns", "asics"}));
  return {};
}

Result<void> read_dark_memory(Recipe& recipe, const toml::node& node) {
  ETALON_TRY(count_to(PICK(calibrate.dark_memory), 2, 65536)(recipe, node));
  if (std::has_single_bit(recipe.calibrate.dark_memory)) return {};
  return Error{Errc::usage, "expected a power of two from 2 to 65536"};
}

Result<void> read_bound(Recipe& r, const toml::node& node) {
  ETALON_ASSIGN(const std::string written, text(node));
  ETALON_ASSIGN(r.reduce.bound, parse_bound(written));
  return {};
}

Result<void> read_kind(Recipe& r, const toml::node& node) {
  ETALON_ASSIGN(r.analyse.kind, one_of(node, {"powder", "none"}));
  return {};
}

Result<void> read_runner(Recipe& r, const toml::node& node) {
  ETALON_ASSIGN(r.analyse.runner, one_of(node, {"local", "slurm", "pbs"}));
  return {};
}

Result<void> read_file(Recipe& r, const toml::node& node) {
  ETALON_ASSIGN(r.store.file, text(node));
  if (r.store.file.find('/') != std::string::npos)
    return Error{Errc::usage, "must be a file name without folders; store.folder says where"};
  return {};
}

std::vector<Key> make_keys() {
  return {
      {{"source", "path", "text", "", "",
        "What to read: an NXmx or other HDF5 file, a .cbf (also .bz2, .gz), TIFF, .npy, a folder "
        "or "
        "a pattern of such files; or a DECTRIS detector's stream, `tcp://HOST:PORT` or "
        "`ipc://PATH`; those of several detectors, with commas between. `--source` replaces it."},
       text_to(PICK(source.path))},
      {{"source", "dataset", "text", "", "\"\"",
        "Path of the images inside an HDF5 file; empty: found as NXmx says."},
       text_to(PICK(source.dataset))},
      {{"source", "name", "text", "", "\"\"",
        "Name of the series; empty: the one that the source has."},
       text_to(PICK(source.name))},
      {{"source", "first", "integer", "frames", "0", "Index of the first frame to take."},
       count_to(PICK(source.first), 0, any)},
      {{"source", "frames", "integer", "frames", "0", "How many to take; 0: up to the end."},
       count_to(PICK(source.frames), 0, any)},
      {{"source", "on_error", "\"stop\" or \"skip\"", "", "\"stop\"",
        "A frame that cannot be read ends the run, or is counted as lost (cause `unreadable`)."},
       read_on_error},
      {{"source", "channel", "text", "", "\"\"", "Which channel of a stream; empty: the first."},
       text_to(PICK(source.channel))},
      {{"source", "bind", "true or false", "", "false",
        "Listen at the address, for a detector that connects."},
       flag_to(PICK(source.bind))},
      {{"source", "settle_s", "number", "s", "1",
        "The end of a stream may overtake images: wait so long for more."},
       number_to(PICK(source.settle_s), 0, 3600)},
      {{"source", "silence_limit_s", "number", "s", "60",
        "A stream that has begun and says nothing for so long is over; 0: never."},
       number_to(PICK(source.silence_limit_s), 0, 1e6)},
      {{"source", "deadline_s", "number", "s", "1",
        "Of several streams: a frame whose parts are not all there so long after the first is "
        "incomplete, and lost."},
       number_to(PICK(source.deadline_s), 0, 3600)},

      {{"calibrate", "pixel_mask", "true or false", "", "true",
        "Do not look at pixels that the source's own mask names."},
       flag_to(PICK(calibrate.pixel_mask))},
      {{"calibrate", "mask", "text", "", "\"\"",
        "An array file (y, x): pixels where it is not 0 are not looked at."},
       text_to(PICK(calibrate.mask))},
      {{"calibrate", "geometry", "text", "", "\"\"",
        "A CrystFEL geometry file: where the panels are, and which pixels are bad (added to the "
        "source's own mask). Empty: as the source says."},
       text_to(PICK(calibrate.geometry))},
      {{"calibrate", "mask_invalid", "true or false", "", "true",
        "Do not look at pixels that hold the type's largest value (unsigned) or a negative one "
        "(signed) in the first frame: detectors mark gaps and dead pixels so."},
       flag_to(PICK(calibrate.mask_invalid))},
      {{"calibrate", "detector", "\"none\", \"jungfrau\" or \"camera\"", "", "\"none\"",
        "Raw frames become photons (jungfrau: i32) or shares of the open beam (camera: f32, (raw - "
        "dark)/(flat - dark)) before anything else; `mask_invalid` has no meaning then."},
       read_detector},
      {{"calibrate", "constants", "text", "", "\"\"",
        "HDF5 file of gains and pedestals; empty: they are in the source."},
       text_to(PICK(calibrate.constants))},
      {{"calibrate", "dark", "text", "", "\"\"",
        "Dark frames. jungfrau: an HDF5 file, pedestals and bad pixels from these; camera: "
        "`FILE` or `FILE:/dataset`."},
       text_to(PICK(calibrate.dark))},
      {{"calibrate", "flat", "text", "", "\"\"",
        "camera: frames of the open beam, `FILE` or `FILE:/dataset`."},
       text_to(PICK(calibrate.flat))},
      {{"calibrate", "energy_kev", "number", "keV", "0",
        "Energy of a photon; 0: what the constants' file says."},
       number_to(PICK(calibrate.energy_kev), 0, 1000)},
      {{"calibrate", "common_mode", "\"none\", \"rows\", \"columns\" or \"asics\"", "", "\"none\"",
        "Taken off each row, column or the whole of an ASIC of 256 x 256 pixels."},
       read_common_mode},
      {{"calibrate", "dark_every", "integer", "frames", "0",
        "jungfrau: so often a frame of the series is dark, and the pedestals of G0 follow; 0: "
        "never."},
       count_to(PICK(calibrate.dark_every), 0, 1000000000)},
      {{"calibrate", "dark_offset", "integer", "", "0",
        "The number of the first dark frame, below `dark_every`."},
       count_to(PICK(calibrate.dark_offset), 0, 1000000000)},
      {{"calibrate", "dark_memory", "integer", "frames", "16",
        "A pedestal is a mean in which a dark frame's weight falls to 1/e after so many others: 2, "
        "4, 8 ... 65536."},
       read_dark_memory},

      {{"veto", "min_peaks", "integer", "peaks", "0", "A frame with fewer is not kept."},
       count_to(PICK(veto.min_peaks), 0, 1000000)},
      {{"veto", "max_peaks", "integer", "peaks", "0",
        "A frame with more is not kept (ice, salt); 0: no limit."},
       count_to(PICK(veto.max_peaks), 0, 1000000)},
      {{"veto", "min_score", "number", "", "0",
        "A frame with a lower score, the sum of √SNR over its peaks, is not kept."},
       number_to(PICK(veto.min_score), 0, 1e9)},
      {{"veto", "resolution_angstrom", "number", "Å", "0",
        "A frame whose peaks do not reach so far is not kept; 0: they need not."},
       number_to(PICK(veto.resolution_angstrom), 0, 1e6)},
      {{"veto", "resolution_peaks", "integer", "peaks", "3",
        "So many of a frame's peaks must reach that resolution."},
       count_to(PICK(veto.resolution_peaks), 1, 1000000)},

      {{"audit", "share", "number", "0 to 1", "0.01",
        "So much of what is not kept is kept whole all the same, drawn at random, and judged "
        "again."},
       number_to(PICK(audit.share), 0, 1)},
      {{"audit", "seed", "integer", "", "0", "Another seed draws other frames."},
       count_to(PICK(audit.seed), 0, any)},
      {{"audit", "limit", "number", "0 to 1", "0",
        "The report says how many audited frames would show that no more than this share of the "
        "rejected frames was rejected wrongly; 0: it does not. `--audit-limit` replaces it."},
       number_to(PICK(audit.limit), 0, 0.999)},
      {{"audit", "min_peaks", "integer", "peaks", "",
        "What the judge calls a hit has so many peaks; without it, veto.min_peaks."},
       count_to(PICK(audit.min_peaks), 0, 1000000)},
      {{"audit", "threshold", "number", "ADU or photons", "",
        "The judge's find.threshold; without it, 0.75 of that."},
       number_to(PICK(audit.threshold), 0, 1e9)},
      {{"audit", "snr", "number", "", "",
        "The judge's find.snr, or find.sigma_strong; without it, 0.8 of that."},
       number_to(PICK(audit.snr), 0, 1e6)},
      {{"audit", "min_pixels", "integer", "pixels", "",
        "The judge's find.min_pixels; without it, the same."},
       count_to(PICK(audit.min_pixels), 1, 1000000)},

      {{"fast", "publish", "text", "", "\"\"",
        "Address at which the actions of single frames are published (ZeroMQ PUB), "
        "`tcp://*:5602`; empty: nowhere."},
       text_to(PICK(fast.publish))},
      {{"fast", "budget_ms", "number", "ms", "100",
        "From a frame's arrival to its action; longer ones are counted."},
       number_to(PICK(fast.budget_ms), 0.001, 1e6)},
      {{"fast", "wait_s", "number", "s", "0",
        "Before the first frame, wait so long for somebody who listens to the actions."},
       number_to(PICK(fast.wait_s), 0, 86400)},

      {{"reduce", "bound", "\"lossless\" or \"abs:E\"", "ADU or photons", "\"lossless\"",
        "How far a pixel in no region may be from what was measured."},
       read_bound},
      {{"reduce", "check_every", "integer", "kept frames", "16",
        "The first of every so many is decoded at the edge, compared pixel by pixel with what was "
        "measured, and compared again with what the closed file gives back; 0: none."},
       count_to(PICK(reduce.check_every), 0, any)},

      {{"ship", "address", "text", "", "\"tcp://127.0.0.1:5601\"",
        "Where `etalon collect` listens and `etalon edge` connects; `etalon run` uses a free port "
        "of its own."},
       text_to(PICK(ship.address))},
      {{"ship", "connect_limit_s", "number", "s", "5", "Wait so long for a collector to answer."},
       number_to(PICK(ship.connect_limit_s), 0.01, 86400)},
      {{"ship", "silence_limit_s", "number", "s", "30",
        "Without a word for so long, the other end counts as gone."},
       number_to(PICK(ship.silence_limit_s), 0.1, 86400)},
      {{"ship", "resend_after_s", "number", "s", "1",
        "Without progress for so long, the edge sends again."},
       number_to(PICK(ship.resend_after_s), 0.01, 3600)},
      {{"ship", "window", "integer", "messages", "32",
        "On their way at once: bounds the memory of both ends."},
       count_to(PICK(ship.window), 1, 100000)},
      {{"ship", "streams", "integer", "connections", "1",
        "Used side by side: a far link carries more on several."},
       count_to(PICK(ship.streams), 1, 64)},
      {{"ship", "spool", "text", "", "\"\"",
        "Folder on the edge's disk, from the current one, for what the collector has not stored: "
        "`etalon edge` goes on with it after a kill or a cut; empty: none. `--spool` replaces it."},
       text_to(PICK(ship.spool))},
      {{"ship", "spool_limit_mb", "integer", "MB", "1000",
        "So much may wait there; then the stages before wait, too."},
       count_to(PICK(ship.spool_limit_mb), 1, 1000000000)},
      {{"ship", "keys", "text", "", "\"\"",
        "Folder of keys that `etalon keys` made: what is shipped is encrypted, and each end knows "
        "the other. The edge needs `edge.key` and `collector.pub`, the collector `collector.key` "
        "and `edge.pub`."},
       text_to(PICK(ship.keys))},
      {{"ship", "insecure", "true or false", "", "false",
        "Without keys, addresses beyond this machine are refused unless this is set."},
       flag_to(PICK(ship.insecure))},

      {{"store", "folder", "text", "", "\"out\"",
        "Folder of what is written, from the current one; made where it is not there. `--out` "
        "replaces it."},
       text_to(PICK(store.folder))},
      {{"store", "file", "text", "", "\"\"", "Name of the stored file; empty: NAME.h5."},
       read_file},
      {{"store", "frames_per_file", "integer", "frames", "0",
        "The images go to files of so many frames, each named when it is whole; the stored file is "
        "a master that shows them as one. 0: all in one file."},
       count_to(PICK(store.frames_per_file), 0, any)},
      {{"store", "ledger", "text", "", "\"\"",
        "The ledger, from the current folder, or the address of a PostgreSQL database "
        "(postgresql://..); empty: $ETALON_LEDGER where that is set, else ledger.db in "
        "store.folder."},
       text_to(PICK(store.ledger))},

      {{"analyse", "kind", "\"powder\" or \"none\"", "", "\"powder\"",
        "The job on the stored file: virtual powder and hit statistics."},
       read_kind},
      {{"analyse", "urgent", "true or false", "", "true",
        "The job starts at once; background jobs are suspended meanwhile."},
       flag_to(PICK(analyse.urgent))},
      {{"analyse", "runner", "\"local\", \"slurm\" or \"pbs\"", "", "\"local\"",
        "Where the job runs, as of `etalon submit --runner`."},
       read_runner},
      {{"analyse", "deadline_s", "number", "s", "0",
        "slurm, pbs: a job that has not been started so long after it was handed over runs on this "
        "machine instead; 0: it waits."},
       number_to(PICK(analyse.deadline_s), 0, 1e7)},
      {{"analyse", "limit_s", "number", "s", "600", "Wait so long for the job."},
       number_to(PICK(analyse.limit_s), 1, 1e7)},

      {{"decide", "otherwise", "text", "", "\"continue\"", "The action when no rule holds."},
       text_to(PICK(decide.options.otherwise))},
      {{"decide", "min_frames", "integer", "frames", "1", "With fewer, the action is `abstain`."},
       count_to(PICK(decide.options.min_frames), 1, any)},
  };
}

}  // namespace

const std::vector<Key>& keys() {
  static const std::vector<Key> all = [] {
    std::vector<Key> made = make_keys(), finding = find_keys();
    const auto veto = std::find_if(made.begin(), made.end(),
                                   [](const Key& key) { return key.about.table == "veto"; });
    made.insert(veto, finding.begin(), finding.end());
    return made;
  }();
  return all;
}

}  // namespace etalon::recipe
