// cbor: hexadecimal CBOR items, one a line, come back as their deterministic bytes, or as "error:
// ..". ledger PATH: a small ledger with a file beside it.
#include <fstream>
#include <iostream>
#include <string>

#include "ledger/ledger.hpp"

namespace {

using namespace etalon;

std::string to_hex(const Bytes& bytes) {
  const std::string text = cbor::diagnostic(cbor::Value(bytes));  // h'..'
  return text.substr(2, text.size() - 3);
}

int convert() {
  for (std::string line; std::getline(std::cin, line);) {
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < line.size(); i += 2)
      bytes.push_back(static_cast<std::byte>(std::stoi(line.substr(i, 2), nullptr, 16)));
    const auto value = cbor::decode(bytes);
    std::cout << (value.ok() ? to_hex(cbor::encode(*value)) : "error: " + value.error().message)
              << "\n";
  }
  return 0;
}

int make(const std::string& path) {
  const std::string beside = path + ".data";
  std::ofstream(beside) << "stored";
  auto ledger = Ledger::open(path);
  if (!ledger.ok()) return 1;
  const Record find{"find",
                    {{"series", sha256(bytes_of("series")), "/elsewhere/s\xFF.h5"}},
                    {{"peaks", sha256(bytes_of("peaks")), ""}},
                    cbor::Map{{"threshold", 8}, {"snr", 5.5}, {"deep", cbor::List{1, -1, "ü"}}},
                    "etalon 0.1.0"};
  const Record store{"store",
                     {{"record", find.id(), ""}},
                     {{"file", sha256(bytes_of("stored")), beside}},
                     {},
                     "etalon 0.1.0"};
  return ledger->add_all({find, store, find}).ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "cbor") return convert();
  if (verb == "ledger" && argc > 2) return make(argv[2]);
  return 2;
}
