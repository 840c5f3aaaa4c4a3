// The keys of [find]: several finders, of which some share a key.
#include "kernels/finder/finder.hpp"
#include "pipeline/recipe_readers.hpp"

namespace etalon::recipe {
namespace {

Result<void> read_centre(Recipe& r, const toml::node& node) {
  const toml::array* two = node.as_array();
  if (two == nullptr || two->size() != 2) return Error{Errc::usage, "must be two numbers: [x, y]"};
  std::array<double, 2> centre;
  for (std::size_t i = 0; i < 2; ++i) {
    ETALON_ASSIGN(centre[i], number(*two->get(i), -1e6, 1e6));
  }
  r.find.centre = centre;
  return {};
}

Result<void> read_method(Recipe& r, const toml::node& node) {
  ETALON_ASSIGN(const std::string name, one_of(node, find_method_names()));
  ETALON_ASSIGN(r.find.method, parse_find_method(name));
  return {};
}

Result<void> read_kernel_size(Recipe& r, const toml::node& node) {
  const toml::array* two = node.as_array();
  if (two == nullptr || two->size() != 2)
    return Error{Errc::usage, "must be two integers: [rows, columns]"};
  for (std::size_t i = 0; i < 2; ++i) {
    ETALON_ASSIGN(const std::uint64_t half, count(*two->get(i), 1, 30));
    r.find.dispersion.kernel_size[i] = static_cast<std::uint32_t>(half);
  }
  return {};
}

// A key of peakfinder8 and of the dispersion finders, whose defaults may differ.
Read both(Read one, Read other) {
  return [one = std::move(one), other = std::move(other)](Recipe& r,
                                                          const toml::node& node) -> Result<void> {
    ETALON_TRY(one(r, node));
    return other(r, node);
  };
}

}  // namespace

std::vector<Key> find_keys() {
  return {
      {{"find", "method", "\"peakfinder8\", \"dispersion\" or \"dispersion_extended\"", "",
        "\"peakfinder8\"",
        "peakfinder8: radial background, connected pixels, local background (Barty et al. 2014). "
        "dispersion, dispersion_extended: counts that scatter more than Poisson's, as DIALS finds "
        "them (Winter et al. 2018)."},
       read_method},
      {{"find", "threshold", "number", "ADU or photons", "8; dispersion: 0",
        "Least value of a peak's pixel; dispersion: they are above it."},
       both(number_to(PICK(find.parameters.threshold), 0, 1e9),
            number_to(PICK(find.dispersion.threshold), 0, 1e9))},
      {{"find", "snr", "number", "", "5",
        "peakfinder8: least signal over noise, of a pixel in its radial bin and of a peak in its "
        "ring."},
       number_to(PICK(find.parameters.snr), 0, 1e6)},
      {{"find", "min_pixels", "integer", "pixels", "2; dispersion: 3", "Smallest peak."},
       both(count_to(PICK(find.parameters.min_pixels), 1, 1000000),
            count_to(PICK(find.dispersion.min_pixels), 1, 1000000))},
      {{"find", "max_pixels", "integer", "pixels", "200; dispersion: 1000", "Largest peak."},
       both(count_to(PICK(find.parameters.max_pixels), 1, 1000000),
            count_to(PICK(find.dispersion.max_pixels), 1, 1000000))},
      {{"find", "local_radius", "integer", "pixels", "3",
        "peakfinder8: half-width of the square whose rim gives a peak's local background."},
       count_to(PICK(find.parameters.local_radius), 1, 100)},
      {{"find", "kernel_size", "[rows, columns]", "pixels", "[3, 3]",
        "dispersion: half-widths of the window round a pixel."},
       read_kernel_size},
      {{"find", "sigma_background", "number", "", "6",
        "dispersion: a window with a spot scatters more than Poisson's by so many standard "
        "deviations."},
       number_to(PICK(find.dispersion.sigma_background), 0, 1e6)},
      {{"find", "sigma_strong", "number", "", "3",
        "dispersion: a spot's pixels are so many standard deviations above their background."},
       number_to(PICK(find.dispersion.sigma_strong), 0, 1e6)},
      {{"find", "min_local", "integer", "pixels", "2",
        "dispersion: fewest good pixels of a window; 0: all of them."},
       count_to(PICK(find.dispersion.min_local), 0, 3721)},
      {{"find", "gain", "number", "ADU", "1", "dispersion: units of the image a photon."},
       number_to(PICK(find.dispersion.gain), 1e-9, 1e9)},
      {{"find", "max_separation", "number", "pixels", "2",
        "dispersion: a peak's centre of mass is no farther from its largest pixel."},
       number_to(PICK(find.dispersion.max_separation), 0, 1e6)},
      {{"find", "min_radius", "number", "pixels", "0", "Nearer to the beam, peaks are left out."},
       both(number_to(PICK(find.parameters.min_radius), 0, 1e9),
            number_to(PICK(find.dispersion.min_radius), 0, 1e9))},
      {{"find", "max_radius", "number", "pixels", "1e9", "Farther out, peaks are left out."},
       both(number_to(PICK(find.parameters.max_radius), 0, 1e9),
            number_to(PICK(find.dispersion.max_radius), 0, 1e9))},
      {{"find", "centre", "[x, y]", "pixels", "",
        "Beam centre, pixel centres at integers; without it, the source's own."},
       read_centre},
      {{"find", "ice_rings", "number", "1/Å²", "0",
        "Leave out pixels within half of this, in 1/d², of a ring of hexagonal ice, such as 0.002; "
        "0: off."},
       number_to(PICK(find.ice_rings), 0, 1)},
      {{"find", "max_elongation", "number", "", "0",
        "Leave out peaks on a feature that is more times as long as wide (streaks of a jet), such "
        "as 3; 0: off."},
       number_to(PICK(find.max_elongation), 0, 1e6)},
  };
}

}  // namespace etalon::recipe
