// golden_make DIR [SEED]: writes the golden files, or with a seed fresh ones of the same kinds,
// each beside what it decodes to as .npy.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "cases.hpp"

namespace {

using namespace etalon;

void write(const std::filesystem::path& path, ByteSpan bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

Bytes npy(const ArrayView& a) {
  static const char* const types[] = {"",    "|u1", "<u2", "<u4", "<u8", "|i1",
                                      "<i2", "<i4", "<i8", "<f4", "<f8"};
  std::string shape;
  for (std::size_t e : a.shape.extents()) shape += std::to_string(e) + ",";
  std::string head = "{'descr': '" + std::string(types[static_cast<int>(a.dtype)]) +
                     "', 'fortran_order': False, 'shape': (" + shape + ")}";
  while ((10 + head.size() + 1) % 64 != 0) head += ' ';
  head += '\n';
  ByteWriter out;
  out.append(bytes_of(std::string_view("\x93NUMPY\x01\x00", 8)));
  out.put(static_cast<std::uint16_t>(head.size()));
  out.append(bytes_of(head));
  out.append(a.bytes());
  return out.take();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: golden_make DIR [SEED]\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder / "bad");
  const auto good = argc > 2 ? golden::fresh_cases(std::stoull(argv[2])) : golden::good_cases();
  for (const auto& g : good) {
    write(folder / (g.name + ".etalon"), g.bytes);
    // What is larger is all zeros and not worth a file.
    if (g.decoded.view().size_bytes() < (1 << 17))
      write(folder / (g.name + ".npy"), npy(g.decoded.view()));
  }
  if (argc > 2) return 0;
  for (const auto& b : golden::bad_cases()) write(folder / "bad" / (b.name + ".etalon"), b.bytes);
  return 0;
}
