#!/usr/bin/env bash
# Etalon's front door: installs what is needed, builds, and runs the demo, the tests or the benchmarks.
# Every command may be repeated; a repeat does only what is left to do.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

build=build/release
jobs=${ETALON_JOBS:-$(nproc)}

usage() {
  cat <<'TEXT'
Usage: ./etalon.sh COMMAND

  setup [--full]   Install the Debian packages that Etalon needs (--full: also those of the tests)
  build            Install, then build into build/release (the program is build/release/bin/etalon)
  demo             Install, build, simulate a series and take it from frames to a decision
  test [--all]     Install, build and run the tests (--all: the long ones too, the sanitizers and linters; builds the benchmarks)
  bench [--check]  Install, build and run the benchmarks (--check: hold them to bench/gates.json)
  lint             Check the formatting and run clang-tidy
  clean            Remove build/

ETALON_JOBS sets the number of parallel compile jobs, ETALON_DATA the folder of the shared test data.
TEXT
}

say() { printf '\n== %s\n' "$*"; }

packages() { awk -v tier="$1" '!/^#/ && NF == 2 && ($1 == "core" || tier == "full") { print $2 }' tools/packages.txt; }

setup() {
  local tier=$1 missing=() package
  for package in $(packages "$tier"); do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then
    say "Packages: all $(packages "$tier" | wc -l) of the $tier tier are installed"
    return
  fi
  say "Packages: installing ${#missing[@]} of the $tier tier: ${missing[*]}"
  local run=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || { echo "etalon.sh: apt-get needs root; install these as root: ${missing[*]}" >&2; exit 5; }
    run=(sudo)
  fi
  "${run[@]}" apt-get update -qq
  "${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

build() {
  local options=("$@")
  say "Building Release into $build (log: $build/configure.log)"
  mkdir -p "$build"
  cmake --preset release "${options[@]}" >"$build/configure.log" 2>&1 || { cat "$build/configure.log" >&2; exit 1; }
  cmake --build --preset release -j "$jobs"
}

# The demo needs no test framework: tests are left out unless they were built before.
build_core() {
  if [[ -f $build/CMakeCache.txt ]]; then build; else build -DETALON_TESTS=OFF -DETALON_BENCH=OFF; fi
}
build_tests() { build -DETALON_TESTS=ON -DETALON_BENCH=OFF; }
build_full() { build -DETALON_TESTS=ON -DETALON_BENCH=ON; }

demo() {
  setup core
  build_core
  local etalon=$build/bin/etalon out=build/demo
  mkdir -p "$out"
  export ETALON_STATE=${ETALON_STATE:-$PWD/$out/state}
  say "Simulating 200 frames of a protein crystal in a jet (seed 7), with ground truth"
  if [[ -f $out/sim.h5 ]]; then echo "$out/sim.h5 is there already"; else "$etalon" simulate stills -n 200 --seed 7 -o "$out/sim.h5"; fi
  say "etalon run examples/demo.toml: frames to a decision"
  "$etalon" run examples/demo.toml --source "$out/sim.h5" --out "$out/run" -f
  say "The chain behind the decision is whole: etalon ledger verify"
  "$etalon" ledger verify --ledger "$out/run/ledger.db"
  cat <<TEXT

Everything lies in $out/run. To look further:
  $etalon ledger lineage $out/run/sim.h5
  $etalon find $out/sim.h5 --csv | head
  HDF5_PLUGIN_PATH=$build/plugin h5dump -H $out/run/sim.h5
TEXT
}

tests() {
  setup full
  build_tests
  say "Running the tests"
  # Skipped tests are listed by ctest and counted here.
  local log=$build/ctest.log status=0
  ctest --preset release --label-exclude '^long$' "$@" 2>&1 | tee "$log" || status=$?
  echo "Skipped: $(grep -c '\*\*\*Skipped' "$log" || true)"
  return "$status"
}

tests_all() {
  setup full
  build_full
  say "Running every test"
  ctest --preset release
  say "The same under AddressSanitizer and UndefinedBehaviorSanitizer"
  cmake --preset sanitize >/dev/null
  cmake --build --preset sanitize -j "$jobs"
  ctest --preset sanitize --label-exclude '^(long|interop)$'
  lint
}

lint() {
  say "clang-format"
  git ls-files '*.cpp' '*.hpp' | xargs clang-format --dry-run --Werror
  say "clang-tidy"
  cmake --preset lint >/dev/null # only for its compile commands
  git ls-files 'src/*.cpp' 'apps/*.cpp' 'plugin/*.cpp' 'python/*.cpp' | grep -vE '_(test|bench)\.cpp$' |
    xargs -P "$jobs" -n 4 clang-tidy -p build/lint --quiet --warnings-as-errors='*'
}

bench() {
  setup full
  build_full
  /usr/bin/python3 bench/run.py --build "$build" "$@"
}

command=${1:-}
shift || true
case $command in
  setup) case ${1:-} in --full) setup full ;; "") setup core ;; *) usage >&2; exit 2 ;; esac ;;
  build) setup core; build_core ;;
  demo) demo ;;
  test) case ${1:-} in --all) tests_all ;; "") tests ;; *) usage >&2; exit 2 ;; esac ;;
  bench) bench "$@" ;;
  lint) setup full; lint ;;
  clean) rm -rf build ;;
  -h | --help | help) usage ;;
  *) usage >&2; exit 2 ;;
esac
