// A recipe: one TOML file that describes one experiment from its source to its decision. Every key
// is documented in docs/recipe.md.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "etalon/codec.hpp"
#include "etalon/regions.hpp"
#include "etalon/result.hpp"
#include "kernels/finder/finder.hpp"
#include "ledger/ledger.hpp"
#include "steer/rules.hpp"

namespace etalon {

struct RegionRule {
  RegionSpec spec;       // kind peaks, box, annulus, mask or active
  std::size_t half = 4;  // peaks: a square of side 2 * half + 1
};

struct Recipe {
  struct Source {
    std::string path, dataset, name;
    std::uint64_t first = 0, frames = 0;  // frames 0: to the end
    bool skip_unreadable = false;
    std::string channel;  // of a stream; empty: the first
    bool bind = false;
    double settle_s = 1, silence_limit_s = 60, deadline_s = 1;
  };
  struct Calibrate {
    bool pixel_mask = true, mask_invalid = true;
    std::string mask, geometry;
    std::string detector = "none", constants, dark, flat, common_mode = "none";
    double energy_kev = 0;  // 0: what the constants' file says
    // Frames whose number is dark_offset, dark_offset + dark_every, ... are dark; 0: none is.
    std::uint64_t dark_every = 0, dark_offset = 0;
    std::uint64_t dark_memory = 16;  // dark frames; a power of two
  };
  struct Find : FinderSettings {
    std::optional<std::array<double, 2>> centre;  // x, y in pixels
  };
  struct Veto {
    std::uint64_t min_peaks = 0, max_peaks = 0;  // max_peaks 0: no limit
    double min_score = 0;
    double resolution_angstrom = 0;  // 0: whatever it is
    std::uint64_t resolution_peaks = 3;
  };
  struct Audit {
    double share = 0.01;  // of the frames that are not kept
    std::uint64_t seed = 0;
    double limit = 0;                        // of the false rejections that is to be shown; 0: none
    std::optional<std::uint64_t> min_peaks;  // the judge's; else the veto's
    std::optional<double> threshold, snr;
    std::optional<std::uint32_t> min_pixels;
  };
  struct FastRule {
    RuleText text;
    std::uint64_t hold_frames = 0;
  };
  struct Fast {
    std::string publish;  // an address; empty: nowhere
    double budget_ms = 100, wait_s = 0;
    std::vector<FastRule> rules;
  };
  struct Reduce {
    Bound bound;
    std::vector<RegionRule> regions;
    std::uint64_t check_every = 16;  // 0: never
  };
  struct Ship {
    std::string address = "tcp://127.0.0.1:5601";
    double connect_limit_s = 5, silence_limit_s = 30, resend_after_s = 1;
    std::uint64_t window = 32, streams = 1;
    std::string spool;  // empty: none
    std::uint64_t spool_limit_mb = 1000;
    std::string keys;  // folder; empty: none
    bool insecure = false;
  };
  struct Store {
    std::string folder = "out", file, ledger;
    std::uint64_t frames_per_file = 0;  // 0: one file
  };
  struct Analyse {
    std::string kind = "powder", runner = "local";
    bool urgent = true;
    double deadline_s = 0;
    double limit_s = 600;
  };
  struct Decide {
    std::vector<RuleText> rules;
    RuleTable::Options options;
  };

  std::string path;  // of the recipe itself
  Hash hash;         // SHA-256 of its bytes
  Source source;
  Calibrate calibrate;
  Find find;
  Veto veto;
  Audit audit;
  Fast fast;
  Reduce reduce;
  Ship ship;
  Store store;
  Analyse analyse;
  Decide decide;
};

// Errc::missing when there is no such file. Errc::usage for a key that does not exist, a value of
// the wrong type or out of range; Errc::malformed for what is not TOML. Messages begin with
// "FILE:LINE:COLUMN: ".
Result<Recipe> load_recipe(const std::string& path);
Result<Recipe> parse_recipe(std::string_view text, const std::string& path);

// A path as written in the recipe: ${NAME} is replaced from the environment (Errc::usage when it is
// not set). What is read lies relative to the recipe's folder; what is written, to the current one,
// so that a recipe's folder is not written to because the recipe lies there.
Result<std::string> recipe_path(const Recipe& recipe, std::string_view written);
// Of a source: "tcp://..." and "ipc://..." are streams, everything else is a path.
bool is_stream(std::string_view source);
// source.path: the same, but for the address of a stream, which stays as it is.
Result<std::string> source_path(const Recipe& recipe);
Result<std::string> output_path(const Recipe& recipe, std::string_view written);

// What recipes may say, for the documentation.
struct RecipeKey {
  std::string table, name, type, unit, preset, text;
};
std::vector<RecipeKey> recipe_keys();

// The keys as the tables of docs/recipe.md.
std::string recipe_keys_markdown();

}  // namespace etalon
