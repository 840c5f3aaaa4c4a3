// Chunks of every type, bound and adversarial pattern through the encoder and back: each element is
// held to its bound. Exit code 4 when one is not, or when fewer elements were checked than asked.
//
//   codec_property [--elements N | --case NUMBER]   (one case of the longest run again)
#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cases.hpp"

namespace {

using namespace etalon;
using namespace etalon::property;

constexpr std::size_t elements_a_case = 450000;
constexpr std::uint64_t longest = 1000000000;
constexpr unsigned threads = 2;

struct Totals {
  std::uint64_t chunks = 0, elements = 0, raw_bytes = 0, bytes = 0;

  void add(const Outcome& outcome) {
    ++chunks;
    elements += outcome.elements;
    raw_bytes += outcome.raw_bytes;
    bytes += outcome.bytes;
  }
};

struct Report {
  std::mutex mutex;
  Totals all, dithered, regions, masked;
  std::array<Totals, 16> by_type;
  std::vector<std::string> failures;

  void add(const Case& one, const Outcome& outcome) {
    const std::lock_guard lock(mutex);
    all.add(outcome);
    by_type.at(static_cast<std::size_t>(one.dtype)).add(outcome);
    if (one.options.dither) dithered.add(outcome);
    if (!one.options.regions.empty()) regions.add(outcome);
    if (!one.options.mask.empty()) masked.add(outcome);
    if (!outcome.failure.empty()) failures.push_back(one.text() + ": " + outcome.failure);
  }
};

void print(const char* name, const Totals& totals) {
  std::printf("%-10s %8llu chunks %14llu elements  ratio %.2f\n", name,
              static_cast<unsigned long long>(totals.chunks),
              static_cast<unsigned long long>(totals.elements),
              static_cast<double>(totals.raw_bytes) /
                  static_cast<double>(std::max<std::uint64_t>(totals.bytes, 1)));
}

bool parse(const char* text, std::uint64_t& value) {
  const char* end = text + std::strlen(text);
  const auto [at, status] = std::from_chars(text, end, value);
  return status == std::errc{} && at == end && value > 0;
}

// A short run takes small chunks, so that it still meets many cases.
std::size_t elements_in_run(std::uint64_t wanted) {
  return std::clamp<std::size_t>(wanted / round_length(), 2000, elements_a_case);
}

int run(std::uint64_t wanted) {
  Report report;
  std::atomic<std::uint64_t> next{0}, checked{0};
  const std::size_t size = elements_in_run(wanted);
  const auto work = [&] {
    while (checked < wanted) {
      const Case one = make_case(next++, size);
      const Outcome outcome = run_case(one);
      checked += outcome.elements;
      report.add(one, outcome);
    }
  };
  std::vector<std::thread> crew;
  for (unsigned i = 0; i < threads; ++i) crew.emplace_back(work);
  for (std::thread& thread : crew) thread.join();

  for (DType dtype : all_types)
    print(std::string(name_of(dtype)).c_str(), report.by_type.at(static_cast<std::size_t>(dtype)));
  print("dithered", report.dithered);
  print("regions", report.regions);
  print("masked", report.masked);
  print("all", report.all);
  std::sort(report.failures.begin(), report.failures.end());
  for (std::size_t i = 0; i < std::min<std::size_t>(report.failures.size(), 20); ++i)
    std::printf("FAILED %s\n", report.failures[i].c_str());
  std::printf("%llu elements checked, %zu of %llu chunks failed\n",
              static_cast<unsigned long long>(report.all.elements), report.failures.size(),
              static_cast<unsigned long long>(report.all.chunks));
  return report.failures.empty() && report.all.elements >= wanted ? 0 : 4;
}

int run_one(std::uint64_t number) {
  const Case one = make_case(number, elements_in_run(longest));
  const Outcome outcome = run_case(one);
  std::printf("%s: %s\n", one.text().c_str(),
              outcome.failure.empty() ? "within its bounds" : outcome.failure.c_str());
  return outcome.failure.empty() ? 0 : 4;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t number = longest;
  if (argc == 1) return run(number);
  if (argc != 3 || !parse(argv[2], number)) return 2;
  if (std::strcmp(argv[1], "--elements") == 0) return run(number);
  return std::strcmp(argv[1], "--case") == 0 ? run_one(number) : 2;
}
