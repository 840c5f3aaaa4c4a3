// Which kind of file a name stands for.
#pragma once

#include <string>
#include <string_view>

namespace etalon {

enum class FileKind { hdf5, npy, cbf, tiff, raw };

// By ending (.h5 .hdf5 .nxs .nx5 .cxi, .npy, .cbf with or without .bz2 or .gz, .tif .tiff), else by
// the bytes the file starts with, else raw.
FileKind file_kind(std::string_view path);
// By ending alone.
FileKind ending_kind(std::string_view path);

// The name of a format that is neither read nor written, by ending alone or first by the bytes that
// the file starts with; empty when it is none that we know.
std::string_view foreign_ending(std::string_view path);
std::string_view foreign_format(const std::string& path);

}  // namespace etalon
