// The same file as CXI has it: what readers of coherent-imaging files (CrystFEL, Cheetah, OM) look
// for.
#pragma once

#include "etalon/result.hpp"
#include "frame/series.hpp"
#include "store/hdf5_write.hpp"

namespace etalon {

// Version 1.60 of the CXI format (F. R. N. C. Maia, The Coherent X-ray Imaging Data Bank, Nature
// Methods 9 (2012) 854, and cxidb.org's cxi_spec):
//   /cxi_version                                   160
//   /entry_1/data_1/data, .../detector_1/data      links to the images
//   /entry_1/instrument_1/source_1/energy          of a photon, J
//   /entry_1/instrument_1/detector_1/              distance, x_pixel_size, y_pixel_size (m), mask
//   .../detector_1/{corner_position (3), basis_vectors (2, 3)}   m; of a detector of one panel
//   /entry_1/result_1                              a link to the peak lists, where there are any
// What the series does not know is left out.
Result<void> write_cxi_view(hid_t file, const SeriesInfo& info);

// CXI's bits of a pixel that has these of NXmx's pixel_mask.
std::uint32_t cxi_mask_of(std::uint32_t nxmx_bits);

}  // namespace etalon
