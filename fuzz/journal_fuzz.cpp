// A journal's file: read to its end or its first damage, then appended to and read again.
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

#include "stream/journal.hpp"

namespace {

// Entries that could be read; none where the file is refused.
std::optional<int> count(etalon::Journal& journal) {
  for (int n = 0;; ++n) {
    auto entry = journal.read();
    if (!entry.ok()) return {};
    if (!*entry) return n;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace etalon;
  const std::string path = "/tmp/etalon_journal_fuzz_" + std::to_string(::getpid());
  ::unlink(path.c_str());
  const Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!write_all(fd.get(), path, std::as_bytes(std::span(data, size))).ok()) std::abort();
  std::optional<int> before;
  if (auto journal = Journal::open(path); journal.ok())
    if ((before = count(*journal)))
      if (!journal->append(bytes_of("more")).ok()) std::abort();
  if (before) {
    auto again = Journal::open(path);
    if (!again.ok() || count(*again) != *before + 1) std::abort();
  }
  ::unlink(path.c_str());
  return 0;
}
