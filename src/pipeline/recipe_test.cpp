#include "pipeline/recipe.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace etalon {
namespace {

Recipe good(std::string_view text) {
  auto recipe = parse_recipe(text, "r.toml");
  if (!recipe.ok()) {
    ADD_FAILURE() << recipe.error().message;
    return {};
  }
  return std::move(*recipe);
}

struct Bad {
  const char* text;
  Errc code;
  const char* where;    // beginning of the message
  const char* message;  // somewhere in it
};

TEST(Recipe, AnEmptyOneIsAllDefaults) {
  const Recipe r = good("");
  EXPECT_EQ(r.find.parameters, PeakParameters{});
  EXPECT_EQ(r.reduce.bound, Bound::lossless());
  EXPECT_EQ(r.store.folder, "out");
  EXPECT_EQ(r.hash, sha256({}));
}

TEST(Recipe, EveryTableIsRead) {
  const Recipe r = good(R"(
[source]
path = "a.h5"
dataset = "/x"
name = "n"
first = 3
frames = 4
on_error = "skip"
[calibrate]
pixel_mask = false
mask = "m.npy"
mask_invalid = false
detector = "jungfrau"
constants = "c.h5"
dark = "d.h5"
energy_kev = 12.4
common_mode = "rows"
dark_every = 50
dark_offset = 3
dark_memory = 64
[find]
method = "peakfinder8"
threshold = 10
snr = 6.5
min_pixels = 3
max_pixels = 50
local_radius = 4
min_radius = 10
max_radius = 500
centre = [1.5, 2]
[veto]
min_peaks = 15
max_peaks = 900
[reduce]
bound = "abs:2"
check_every = 5
[[reduce.region]]
kind = "annulus"
r = "50..80"
centre = "5/6"
bound = "abs:1"
[[reduce.region]]
kind = "peaks"
half = 3
bound = "lossless"
[[reduce.region]]
kind = "active"
quantile = 0.95
grow = 2
bound = "abs:0.5"
[ship]
address = "ipc:///x"
connect_limit_s = 2
silence_limit_s = 3
resend_after_s = 0.5
window = 7
[store]
folder = "o"
file = "f.h5"
frames_per_file = 3
ledger = "l.db"
[analyse]
kind = "powder"
urgent = false
runner = "slurm"
deadline_s = 7
limit_s = 20
[decide]
otherwise = "stop"
min_frames = 9
[[decide.rule]]
when = "hit_rate < 10% and frames >= 50"
action = "move_sample"
parameters = { dx_um = 20, why = "few" }
)");
  EXPECT_EQ(r.source.path, "a.h5");
  EXPECT_EQ(r.source.dataset, "/x");
  EXPECT_EQ(r.source.name, "n");
  EXPECT_EQ(r.source.first, 3u);
  EXPECT_EQ(r.source.frames, 4u);
  EXPECT_TRUE(r.source.skip_unreadable);
  EXPECT_FALSE(r.calibrate.pixel_mask);
  EXPECT_FALSE(r.calibrate.mask_invalid);
  EXPECT_EQ(r.calibrate.mask, "m.npy");
  EXPECT_EQ(r.calibrate.detector, "jungfrau");
  EXPECT_EQ(r.calibrate.dark_every, 50u);
  EXPECT_EQ(r.calibrate.dark_offset, 3u);
  EXPECT_EQ(r.calibrate.dark_memory, 64u);
  EXPECT_EQ(r.calibrate.constants, "c.h5");
  EXPECT_EQ(r.calibrate.dark, "d.h5");
  EXPECT_EQ(r.calibrate.energy_kev, 12.4);
  EXPECT_EQ(r.calibrate.common_mode, "rows");
  EXPECT_EQ(r.find.parameters, (PeakParameters{10, 6.5F, 3, 50, 4, 10, 500}));
  EXPECT_EQ(r.find.method, FindMethod::peakfinder8);
  EXPECT_EQ(r.find.centre, (std::array{1.5, 2.0}));
  EXPECT_EQ(r.veto.min_peaks, 15u);
  EXPECT_EQ(r.veto.max_peaks, 900u);
  EXPECT_EQ(r.reduce.bound, Bound::abs(2));
  EXPECT_EQ(r.reduce.check_every, 5u);
  ASSERT_EQ(r.reduce.regions.size(), 3u);
  EXPECT_EQ(r.reduce.regions[2].spec.get("quantile"), "0.95");
  EXPECT_EQ(r.reduce.regions[2].spec.get("grow"), "2");
  EXPECT_EQ(r.reduce.regions[2].spec.get("window"), "");
  EXPECT_EQ(r.reduce.regions[0].spec.get("r"), "50..80");
  EXPECT_EQ(r.reduce.regions[0].spec.bound, Bound::abs(1));
  EXPECT_EQ(r.reduce.regions[1].half, 3u);
  EXPECT_EQ(r.ship.address, "ipc:///x");
  EXPECT_EQ(r.ship.connect_limit_s, 2);
  EXPECT_EQ(r.ship.silence_limit_s, 3);
  EXPECT_EQ(r.ship.resend_after_s, 0.5);
  EXPECT_EQ(r.ship.window, 7u);
  EXPECT_EQ(r.store.folder, "o");
  EXPECT_EQ(r.store.file, "f.h5");
  EXPECT_EQ(r.store.frames_per_file, 3u);
  EXPECT_EQ(r.store.ledger, "l.db");
  EXPECT_FALSE(r.analyse.urgent);
  EXPECT_EQ(r.analyse.runner, "slurm");
  EXPECT_EQ(r.analyse.deadline_s, 7);
  EXPECT_EQ(r.analyse.limit_s, 20);
  EXPECT_EQ(r.decide.options.otherwise, "stop");
  EXPECT_EQ(r.decide.options.min_frames, 9u);
  ASSERT_EQ(r.decide.rules.size(), 1u);
  EXPECT_EQ(std::get<double>(r.decide.rules[0].parameters.at("dx_um")), 20);
  EXPECT_EQ(std::get<std::string>(r.decide.rules[0].parameters.at("why")), "few");
}

TEST(Recipe, MistakesAreNamedWithTheirPlace) {
  const Bad cases[] = {
      {"[find]\nsrn = 5\n", Errc::usage, "r.toml:2:1: ", "did you mean \"snr\"?"},
      {"[fnid]\n", Errc::usage, "r.toml:1:", "did you mean \"find\"?"},
      {"[find]\nqwertz = 5\n", Errc::usage, "r.toml:2:1: ", "there are: method, threshold"},
      {"find = 3\n", Errc::usage, "r.toml:1:", "must be a table"},
      {"[find]\nsnr = \"5\"\n", Errc::usage, "r.toml:2:7: ", "must be a number, not a text"},
      {"[find]\nsnr = nan\n", Errc::usage, "r.toml:2:7: ", "must be from"},
      {"[find]\nsnr = -1\n", Errc::usage, "r.toml:2:7: ", "find.snr: must be from 0"},
      {"[find]\nmin_pixels = 2.5\n", Errc::usage, "r.toml:2:", "must be an integer, not a number"},
      {"[find]\nmin_pixels = 9\nmax_pixels = 3\n", Errc::usage, "r.toml:2:", "max_pixels (3)"},
      {"[find]\ncentre = [1]\n", Errc::usage, "r.toml:2:", "two numbers"},
      {"[find]\nmin_pixels = 300\n", Errc::usage, "r.toml:2:", "max_pixels (200)"},
      {"[find]\nmethod = \"dispersion\"\nmin_pixels = 1001\n", Errc::usage, "r.toml:3:", "(1000)"},
      {"[find]\nmax_elongation = 0.5\n", Errc::usage, "r.toml:2:", "1 or more"},
      {"[find]\nkernel_size = [3]\n", Errc::usage, "r.toml:2:", "two integers"},
      {"[find]\nkernel_size = [3, 31]\n", Errc::usage, "r.toml:2:", "must be from 1"},
      {"[find]\nmethod = \"peakfinder9\"\n", Errc::usage, "r.toml:2:", "did you mean"},
      {"[veto]\nmin_peaks = -1\n", Errc::usage, "r.toml:2:", "must be from 0"},
      {"[veto]\nmin_peaks = 20\nmax_peaks = 3\n", Errc::usage, "r.toml:3:", "below veto.min_peaks"},
      {"[reduce]\nbound = \"abs:-1\"\n", Errc::usage, "r.toml:2:", "reduce.bound"},
      {"[reduce]\nregion = 3\n", Errc::usage, "r.toml:2:", "[[reduce.region]]"},
      {"[[reduce.region]]\nkind = \"peaks\"\n", Errc::usage, "r.toml:1:", "kind and bound"},
      {"[[reduce.region]]\nkind = \"box\"\nbound = \"abs:1\"\ny = \"1..2\"\n", Errc::usage,
       "r.toml:1:", "x must be given"},
      {"[[reduce.region]]\nkind = \"box\"\nbound = \"abs:1\"\ny = \"q\"\nx = \"0..1\"\n",
       Errc::usage, "r.toml:1:", "box"},
      {"[[reduce.region]]\nkind = \"peaks\"\nbound = \"abs:1\"\nr = \"1..2\"\n", Errc::usage,
       "r.toml:1:", "does not belong"},
      {"[[reduce.region]]\nkind = \"active\"\nbound = \"abs:1\"\n", Errc::usage,
       "r.toml:1:", "quantile must be given"},
      {"[[reduce.region]]\nkind = \"active\"\nbound = \"abs:1\"\nquantile = 2\n", Errc::usage,
       "r.toml:1:", "must be from 0 to 1"},
      {"[[reduce.region]]\nkind = \"active\"\nbound = \"abs:1\"\nquantile = 1\nwindow = 4\n",
       Errc::usage, "r.toml:1:", "an odd number from 3 to 63"},
      {"[[reduce.region]]\nkid = \"peaks\"\n", Errc::usage,
       "r.toml:2:1: ", "did you mean \"kind\""},
      {"[store]\nfile = \"a/b.h5\"\n", Errc::usage, "r.toml:2:", "without folders"},
      {"[[decide.rule]]\nwhen = \"hitrate < 1\"\naction = \"stop\"\n", Errc::usage,
       "r.toml:1:", "hitrate"},
      {"[[decide.rule]]\nwhen = \"hit_rate <\"\naction = \"stop\"\n", Errc::usage, "r.toml:1:", ""},
      {"[analyse]\nkind = \"none\"\n[[decide.rule]]\nwhen = \"hits < 1\"\naction = \"stop\"\n",
       Errc::usage, "r.toml:2:", "need an analysis"},
      {"[find\n", Errc::malformed, "r.toml:1:", ""},
      {"[find]\nsnr = 5\nsnr = 6\n", Errc::malformed, "r.toml:3:", ""},
      {"[)]idnf\ns", Errc::malformed, "r.toml:1:2: ", ""},
      {"[find]\n# é\nsnr\xc5\x98 = 5\n", Errc::malformed, "r.toml:3:4: ", ""},
      {"\xff\xfe", Errc::malformed, "r.toml:1:", ""},
  };
  for (const Bad& bad : cases) {
    auto recipe = parse_recipe(bad.text, "r.toml");
    ASSERT_FALSE(recipe.ok()) << bad.text;
    EXPECT_EQ(recipe.error().code, bad.code) << bad.text;
    EXPECT_TRUE(recipe.error().message.starts_with(bad.where))
        << bad.text << recipe.error().message;
    EXPECT_NE(recipe.error().message.find(bad.message), std::string::npos)
        << bad.text << recipe.error().message;
  }
}

TEST(Recipe, TextsAndCommentsMayHoldAnyLanguage) {
  EXPECT_EQ(good("# Röntgen\n[store]\nfolder = \"Prüfung ’\" # ñ\nfile='é.h5'").store.folder,
            "Prüfung ’");
  EXPECT_EQ(good("[source]\nname = \"\"\"a \\\" \"\" é\"\"\"\nfirst = 3").source.first, 3u);
}

TEST(Recipe, PathsAreTakenFromItsFolderAndTheEnvironment) {
  Recipe r;
  r.path = "/a/b/r.toml";
  EXPECT_EQ(recipe_path(r, "x.h5").value(), "/a/b/x.h5");
  EXPECT_EQ(recipe_path(r, "/x.h5").value(), "/x.h5");
  EXPECT_EQ(output_path(r, "out").value(), "out");
  ::setenv("ETALON_RECIPE_TEST", "/data", 1);
  EXPECT_EQ(recipe_path(r, "${ETALON_RECIPE_TEST}/x.h5").value(), "/data/x.h5");
  EXPECT_EQ(output_path(r, "${ETALON_RECIPE_TEST}/out").value(), "/data/out");
  ::unsetenv("ETALON_RECIPE_TEST");
  auto unset = recipe_path(r, "${ETALON_RECIPE_TEST}/x.h5");
  ASSERT_FALSE(unset.ok());
  EXPECT_EQ(unset.error().code, Errc::usage);
  EXPECT_NE(unset.error().message.find("ETALON_RECIPE_TEST"), std::string::npos);
}

TEST(Recipe, AMissingFileIsMissing) {
  auto recipe = load_recipe("/nowhere/r.toml");
  ASSERT_FALSE(recipe.ok());
  EXPECT_EQ(recipe.error().code, Errc::missing);
  EXPECT_NE(recipe.error().message.find("/nowhere/r.toml"), std::string::npos);
}

std::string source_file(const std::string& name) {
  const char* root = std::getenv("ETALON_SOURCE_DIR");
  if (root == nullptr) return "";
  std::ifstream file(std::string(root) + "/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Recipe, FindersShareKeysAndKeepTheirDefaults) {
  const Recipe plain = good("[find]\nmethod = \"dispersion\"\n");
  EXPECT_EQ(plain.find.method, FindMethod::dispersion);
  EXPECT_EQ(plain.find.dispersion, DispersionParameters{});
  const Recipe set = good(R"(
[find]
method = "dispersion_extended"
threshold = 7
min_pixels = 4
max_pixels = 90
kernel_size = [2, 5]
sigma_background = 5.5
sigma_strong = 2.5
min_local = 0
gain = 3
max_separation = 1.5
ice_rings = 0.002
max_elongation = 3
min_radius = 10
max_radius = 500
)");
  EXPECT_EQ(set.find.method, FindMethod::dispersion_extended);
  const DispersionParameters expected{true, {2, 5}, 5.5F, 2.5F, 7, 3, 0, 4, 90, 1.5F, 10, 500};
  EXPECT_EQ(set.find.dispersion, expected);
  EXPECT_EQ(set.find.ice_rings, 0.002);
  EXPECT_EQ(set.find.max_elongation, 3);
  EXPECT_EQ(set.find.parameters, (PeakParameters{7, 5, 4, 90, 3, 10, 500}));
}

TEST(Recipe, TheExamplesAreRecipes) {
  for (const char* name : {"demo", "serial", "thaumatin"}) {
    const std::string text = source_file("examples/" + std::string(name) + ".toml");
    if (text.empty()) GTEST_SKIP() << "ETALON_SOURCE_DIR is not set";
    auto recipe = parse_recipe(text, name);
    EXPECT_TRUE(recipe.ok()) << recipe.error().message;
  }
}

// The tables of docs/recipe.md are what the parser knows, word for word.
TEST(Recipe, TheDocumentationListsEveryKey) {
  const std::string page = source_file("docs/recipe.md");
  if (page.empty()) GTEST_SKIP() << "ETALON_SOURCE_DIR is not set";
  const std::string begin = "<!-- keys -->", end = "<!-- end of keys -->";
  const std::size_t from = page.find(begin), to = page.find(end);
  ASSERT_NE(from, std::string::npos);
  ASSERT_NE(to, std::string::npos);
  EXPECT_EQ(page.substr(from + begin.size(), to - from - begin.size()),
            "\n" + recipe_keys_markdown() + "\n");
}

}  // namespace
}  // namespace etalon
