#!/usr/bin/env bash
# Installs into an empty folder and builds a program against it: with find_package, and with pkg-config; from C++ and from C.
set -euo pipefail
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
cmake --install "$ETALON_BINARY_DIR" --prefix "$root/usr" >"$root/install.log"
cmake -S "$ETALON_SOURCE_DIR/tests/install/consumer" -B "$root/build" -DCMAKE_PREFIX_PATH="$root/usr" >"$root/configure.log"
cmake --build "$root/build" >"$root/build.log" || { cat "$root/build.log"; exit 1; }
"$root/build/consumer"
"$root/build/c_consumer"

libdir=$(dirname "$(find "$root/usr" -name etalon.pc)")
flags=$(PKG_CONFIG_PATH=$libdir pkg-config --cflags --libs etalon)
# shellcheck disable=SC2086
g++ -std=c++20 "$ETALON_SOURCE_DIR/tests/install/consumer/main.cpp" $flags -o "$root/consumer"
LD_LIBRARY_PATH=$(dirname "$libdir") "$root/consumer"
# shellcheck disable=SC2086
cc -std=c99 "$ETALON_SOURCE_DIR/tests/install/consumer/series.c" $flags -o "$root/c_consumer"
LD_LIBRARY_PATH=$(dirname "$libdir") "$root/c_consumer"

if [[ -e $ETALON ]]; then "$root/usr/bin/etalon" version; fi

# The Python package, where it was built, from where it was installed.
if [[ -e $ETALON_BINARY_DIR/python/etalon ]] && compgen -G "$ETALON_BINARY_DIR/python/etalon/_core*.so" >/dev/null; then
  package=$(dirname "$(find "$root/usr" -path '*/dist-packages/etalon')")
  test -e "$package/etalon/__init__.pyi"
  cd /
  PYTHONPATH=$package /usr/bin/python3 - "$root" <<'PYTHON'
import sys
import numpy, etalon
assert etalon.__file__.startswith(sys.argv[1]), etalon.__file__
a = numpy.arange(24, dtype="u2").reshape(2, 3, 4)
assert (etalon.decompress(etalon.compress(a)) == a).all()
PYTHON
fi
test -e "$(dirname "$libdir")/hdf5/plugins/libh5etalon.so"
