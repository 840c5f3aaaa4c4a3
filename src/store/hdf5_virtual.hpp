// Where virtual datasets and external links lead.
#pragma once

#include <string>

#include "store/hdf5.hpp"

namespace etalon::h5 {

// Errc::malformed for a virtual dataset that shows itself, at last, which HDF5 would read until its
// stack ends; for one that is virtual more than four deep; for one that shows more than a million
// datasets, all counted as often as they are shown, or what is no file. Sources that are not there
// are none of its business.
Result<void> check_virtual(hid_t dataset, const std::string& place);

// From now on HDF5 follows no external link to what is no file: it would wait for a pipe, and could
// not be interrupted.
void follow_links_to_files_only();

// A name that HDF5 tells by ask(to, size).
template <typename F>
std::string name_from(F&& ask) {
  const ssize_t size = ask(nullptr, 0);
  if (size <= 0 || size > 65536) return "";
  std::string name(static_cast<std::size_t>(size) + 1, '\0');
  ask(name.data(), name.size());
  name.resize(static_cast<std::size_t>(size));
  return name;
}

}  // namespace etalon::h5
