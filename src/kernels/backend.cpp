#include "etalon/backend.hpp"

#include <hwy/targets.h>

#include <cstdlib>

#include "kernels/dispatch.hpp"

namespace etalon {
namespace {

struct Named {
  std::string_view name;
  std::int64_t target;
};
constexpr Named simd[] = {
#if HWY_ARCH_X86
    {"sse4", HWY_SSE4},
    {"avx2", HWY_AVX2},
    {"avx512", HWY_AVX3},
#else
    {"neon", HWY_NEON},
#endif
};

std::int64_t machine_targets() {
  static const std::int64_t targets = hwy::SupportedTargets();
  return targets;
}

std::string_view chosen = "auto";
thread_local std::int64_t last_run = -1;  // no kernel yet

std::string_view widest() {
  std::string_view best = "scalar";
  for (const Named& n : simd)
    if (machine_targets() & n.target) best = n.name;
  return best;
}

// Highway's table then holds these targets only.
void restrict_to(std::int64_t targets) {
  hwy::SetSupportedTargetsForTest(targets);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace

void record_run(std::int64_t target) { last_run = target; }

std::string_view backend_that_ran() {
  if (last_run == -1) return "";
  if (last_run == 0) return "scalar";
  for (const Named& n : simd)
    if (n.target == last_run) return n.name;
  return "unlisted";
}

bool use_reference() {
  static const bool no_simd = widest() == "scalar";
  return no_simd || chosen == "scalar";
}

std::vector<std::string> backends() {
  std::vector<std::string> names = {"scalar"};
  for (const Named& n : simd)
    if (machine_targets() & n.target) names.emplace_back(n.name);
  return names;
}

std::string backend() { return std::string(chosen == "auto" ? widest() : chosen); }

Result<void> set_backend(std::string_view name) {
  machine_targets();  // read before any restriction
  if (name == "auto" || name == "scalar") {
    chosen = name == "auto" ? "auto" : "scalar";
    restrict_to(0);
    return {};
  }
  for (const Named& n : simd) {
    if (n.name != name) continue;
    if (!(machine_targets() & n.target))
      return Error{Errc::missing,
                   "backend '" + std::string(name) + "': this machine does not have it"};
    chosen = n.name;
    restrict_to(n.target);
    return {};
  }
  std::string all = "auto, scalar";
  for (const Named& n : simd) all += ", " + std::string(n.name);
  return Error{Errc::usage, "backend '" + std::string(name) + "': expected one of " + all};
}

Result<void> set_backend_from_environment() {
  const char* name = std::getenv("ETALON_BACKEND");
  if (name == nullptr || *name == '\0') return {};
  return set_backend(name);
}

}  // namespace etalon
