"""The plugin needs no HDF5 symbol and shows HDF5 its two entry points and nothing else."""
import subprocess

from common import LIBRARY, need

need(programs=("nm",))


def symbols(kind):
    text = subprocess.run(["nm", "-D", kind, LIBRARY], capture_output=True, text=True,
                          check=True).stdout
    return [line.split()[-1] for line in text.splitlines()]


wanted = [name for name in symbols("--undefined-only") if name.lower().startswith("h5")]
assert wanted == [], f"undefined HDF5 symbols: {wanted}"
given = [name for name in symbols("--defined-only") if not name.startswith("_")]
assert sorted(given) == ["H5PLget_plugin_info", "H5PLget_plugin_type"], given
dynamic = subprocess.run(["readelf", "-d", LIBRARY], capture_output=True, text=True).stdout
assert "libhdf5" not in dynamic and "RUNPATH" not in dynamic and "RPATH" not in dynamic, dynamic
