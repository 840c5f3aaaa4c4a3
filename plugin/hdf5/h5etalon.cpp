// The HDF5 filter as a plugin: two symbols that HDF5 asks for, and no symbol of HDF5 needed.
#include <H5PLextern.h>

#include <string>

#include "codec/hdf5_filter.hpp"
#include "error_stack.hpp"

namespace {

std::size_t filter(unsigned flags, std::size_t count, const unsigned* values, std::size_t bytes,
                   std::size_t* size, void** buffer) {
  std::string why;
  const std::size_t done = etalon::run_hdf5_filter(flags, count, values, bytes, size, buffer, &why);
  if (done == 0) etalon::push_on_error_stack(why.c_str());
  return done;
}

// No can_apply and no set_local: both would have to ask HDF5.
const H5Z_class2_t description = {H5Z_CLASS_T_VERS,
                                  etalon::hdf5_filter_id,
                                  1,
                                  1,
                                  etalon::hdf5_filter_name,
                                  nullptr,
                                  nullptr,
                                  filter};

}  // namespace

extern "C" {
__attribute__((visibility("default"))) H5PL_type_t H5PLget_plugin_type() {
  return H5PL_TYPE_FILTER;
}
__attribute__((visibility("default"))) const void* H5PLget_plugin_info() { return &description; }
}
