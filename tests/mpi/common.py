"""What the tests of etalon-mpi share: how it is run, what a dataset's chunks are."""
import atexit
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

BUILD = os.environ["ETALON_BINARY_DIR"]
PROGRAM = os.path.join(BUILD, "bin", "etalon-mpi")
os.environ["HDF5_PLUGIN_PATH"] = os.path.join(BUILD, "plugin")  # before h5py is imported

for module in ("numpy", "h5py"):
    if importlib.util.find_spec(module) is None:
        print("skipped: no python module", module)
        sys.exit(77)
if shutil.which("mpirun") is None:
    print("skipped: no program mpirun")
    sys.exit(77)

import h5py
import numpy as np

SESSIONS = tempfile.mkdtemp()
atexit.register(shutil.rmtree, SESSIONS, ignore_errors=True)
# Not to be taken for a cluster's launcher, and allowed in a container. Ranks share processors with
# those of other jobs, so none has one of its own, and a waiting one leaves it; one machine has no
# network to look for.
MPIRUN = ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "--mca",
          "mpi_yield_when_idle", "1", "--mca", "pml", "ob1", "--mca", "btl", "self,vader"]


def mpirun():
    """With a session folder of its own: of two that share one, the first to end may take it from one that is just starting."""
    return [*MPIRUN, "--mca", "orte_tmpdir_base", tempfile.mkdtemp(dir=SESSIONS)]


def launch(ranks, *command, **options):
    return subprocess.Popen([*mpirun(), "-n", str(ranks), *map(str, command)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def run(ranks, *command, code=0):
    """Standard output; what the program said where it is to fail. A hang is a failure."""
    process = launch(ranks, *command)
    try:
        out, said = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"hangs: {command}") from None
    assert process.returncode == code, (command, process.returncode, said)
    return "".join(line + "\n" for line in said.splitlines() if line.startswith("etalon-mpi: ")) \
        if code else out


def with_words_of_their_own(*ranks):
    """What is said where every rank gets other words, and rank 0 refuses them."""
    command = [word for words in ranks for word in (":", "-n", "1", PROGRAM, *map(str, words))]
    done = subprocess.run([*mpirun(), *command[1:]], text=True, capture_output=True, timeout=120,
                          check=False)
    said = [line for line in done.stderr.splitlines() if line.startswith("etalon-mpi: ")]
    assert done.returncode == 2 and len(said) == 1, done
    return said[0]


def etalon_mpi(ranks, *arguments, code=0):
    return run(ranks, PROGRAM, *arguments, code=code)


def chunks(path, name="data"):
    """The stored bytes of every chunk by its offset."""
    with h5py.File(path, "r") as file:
        data = file[name]
        stored = {}
        for i in range(data.id.get_num_chunks()):
            at = data.id.get_chunk_info(i).chunk_offset
            mask, stored[at] = data.id.read_direct_chunk(at)
            assert mask == 0
        return stored


def read(path, name="data"):
    with h5py.File(path, "r") as file:
        return file[name][...]


def at_once(function, arguments):
    """Of each of these, in order. Most of a small job's time is spent starting it."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(function, arguments))


def folder():
    return tempfile.TemporaryDirectory(prefix="etalon_mpi_")


def processes(job):
    """The process of every rank of a job that was launched."""
    ranks = {}
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(job.pid)], text=True,
                              capture_output=True, check=False).stdout.split()
    for pid in children:
        with open(f"/proc/{pid}/environ", "rb") as file:
            for entry in file.read().split(b"\0"):
                if entry.startswith(b"OMPI_COMM_WORLD_RANK="):
                    ranks[int(entry.split(b"=")[1])] = int(pid)
    return ranks
