// conformance_make FOLDER: writes the cases of formats/finders. To be run when a case is added;
// what is there must come out the same.
#include <cstdio>

#include "case_file.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto cases = etalon::conformance::make_cases();
  if (!cases.ok()) return 1;
  for (const auto& c : *cases) {
    const auto written = etalon::conformance::write_case(argv[1], c);
    if (!written.ok()) {
      std::fprintf(stderr, "%s\n", written.error().message.c_str());
      return 1;
    }
    std::printf("%s: %zu peaks\n", c.name.c_str(), c.peaks.size());
  }
}
