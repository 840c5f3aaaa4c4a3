// CrystFEL's geometry files (crystfel_geometry(5) of CrystFEL 0.10).
#pragma once

#include <string>
#include <string_view>

#include "frame/panel_geometry.hpp"
#include "frame/series.hpp"

namespace etalon {

// Takes: panels with min_fs max_fs min_ss max_ss corner_x corner_y fs ss res clen coffset, bad
// regions (bad...), groups (group_..., rigid_group_...), photon_energy or wavelength, data, and
// values that hold for all panels below them. Other keys are passed over; of those that name bad
// pixels (mask..., flag_...) read_crystfel_geometry makes a remark. A clen or photon_energy
// that names a place in the image file is not known (0). Errc::malformed names line and reason;
// at most 4096 panels, bad regions and groups, and pixels 0 to 2^20 along an axis.
Result<PanelGeometry> parse_crystfel_geometry(std::string_view text);
Result<PanelGeometry> read_crystfel_geometry(const std::string& path);

// Gives a series the panels, the places and the bad pixels (NeXus bit 8) of a geometry file.
// Errc::usage for images that do not hold all panels.
Result<void> place_panels(const std::string& path, SeriesInfo& info);

}  // namespace etalon
