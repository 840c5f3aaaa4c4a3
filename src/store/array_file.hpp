// Which kind of file a name stands for.
#pragma once

#include <string_view>

namespace etalon {

enum class FileKind { hdf5, npy, cbf, raw };

// By ending (.h5 .hdf5 .nxs .nx5 .cxi, .npy, .cbf with or without .bz2 or .gz), else by the bytes
// the file starts with, else raw.
FileKind file_kind(std::string_view path);

}  // namespace etalon
