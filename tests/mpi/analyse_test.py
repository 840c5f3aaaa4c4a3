"""Analyses as one job: the same for every number of ranks and as etalon has it, also after a rank was killed."""
import json
import os
import shutil
import signal
import subprocess
import time

from common import PROGRAM, etalon_mpi, folder, h5py, launch, np, processes, with_words_of_their_own

ETALON = os.environ["ETALON"]
CELL = ["--cell", "79.1,79.1,37.9,90,90,90", "--point-group", "422"]


def etalon(*arguments):
    done = subprocess.run([ETALON, *map(str, arguments)], text=True, capture_output=True,
                          check=False)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


def content(path):
    """Every dataset with its bytes, or a text file's text."""
    if not path.endswith(".h5"):
        with open(path, "rb") as file:
            return file.read()
    found = {}
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, item: found.__setitem__(
            name, (item.dtype.str, item.shape, item[()].tobytes())) if isinstance(
                item, h5py.Dataset) else None)
    assert found, path
    return found


def without_times(report):
    return {k: v for k, v in report.items() if k not in ("job", "ms_median", "output")}


def series(at):
    path = os.path.join(at, "stills.h5")
    etalon("simulate", "stills", "-o", path, "-n", 37, "--seed", 5, "--hit-fraction", 0.75,
           "--size", "512,514")
    rng = np.random.default_rng(2)
    with h5py.File(path, "r+") as file:
        peaks = file.create_group("/entry/result_1")
        peaks["nPeaks"] = rng.integers(0, 40, 37).astype("i4")
        for name in ("peakXPosRaw", "peakYPosRaw", "peakTotalIntensity"):
            peaks[name] = rng.uniform(0, 500, (37, 40)).astype("f4")
    return path


def same_for_all_ranks(at, path):
    kinds = {
        "powder": ("h5", [path, path]),
        "hits": (None, [path, path, "--min-peaks", 11]),
        "azimuthal": ("h5", [path, path, "--bins", 300, "--polarization", 0.9]),
        "index": ("csv", [path, "--truth", path, *CELL]),
    }
    for kind, (ending, arguments) in kinds.items():
        def run(program, name):
            out = os.path.join(at, f"{kind}_{name}.{ending}")
            report = json.loads(program("analyse", kind, *arguments, "--json",
                                        *(["-o", out] if ending else [])))
            return without_times(report), ending and content(out), report.get("job")
        plain = run(etalon, "plain")
        assert plain[2] is None
        for ranks in (1, 2, 4):
            got = run(lambda *a, n=ranks: etalon_mpi(n, *a), ranks)
            assert got[:2] == plain[:2], (kind, ranks)
            job = got[2]
            assert job["ranks"] == ranks == len(job["per_rank"]) and job["resumed_frames"] == 0
            frames = 37 if kind == "index" else 74
            assert job["frames"] == frames == sum(r["frames"] for r in job["per_rank"]), job
            assert abs(sum(job["share"].values()) - 1) < 1e-6, job
            assert 0 < job["balance"] <= 1 and job["frames_per_s"] > 0
    said = etalon_mpi(2, "analyse", "hits", path)
    assert "2 ranks" in said and "rank 1" in said and "waiting" in said, said


def found_files(checkpoint):
    return sorted(n for n in os.listdir(checkpoint) if n.endswith(".found")) \
        if os.path.isdir(checkpoint) else []


def killed_midway(at, kind, victim, *arguments):
    """A job of four ranks of which one is killed when something is in its checkpoint."""
    checkpoint, out = os.path.join(at, "checkpoint"), os.path.join(at, "killed.h5")
    job = launch(4, PROGRAM, "analyse", kind, *arguments, "-o", out, "--checkpoint", checkpoint,
                 "--checkpoint-every", 0)
    ranks = {}
    while len(ranks) < 4:
        assert job.poll() is None, job.communicate()
        ranks = processes(job)
    while not found_files(checkpoint):
        assert job.poll() is None, job.communicate()
        time.sleep(0.01)
    os.kill(ranks[victim], signal.SIGKILL)
    _, said = job.communicate(timeout=60)
    # mpirun names the rank; our own word comes as well, if it does not end rank 0 before.
    assert job.returncode != 0 and f"rank {victim} " in said and "signal 9" in said, said
    assert not os.path.exists(out), said
    assert found_files(checkpoint)
    return checkpoint, out


def goes_on(at, path):
    for kind, victim, more in (("powder", 2, []), ("azimuthal", 0, ["--bins", 200])):
        files = [path] * 12
        whole = os.path.join(at, kind + "_whole.h5")
        etalon("analyse", kind, *files, *more, "-o", whole)
        checkpoint, out = killed_midway(at, kind, victim, *files, *more)
        kept = os.path.join(at, "kept")
        shutil.copytree(checkpoint, kept)
        command = ["analyse", kind, *files, *more, "-o", out, "--json", "--checkpoint", checkpoint]
        job = json.loads(etalon_mpi(3, *command))["job"]
        assert 0 < job["resumed_frames"] < job["frames"] == 12 * 37, job
        assert job["resumed_frames"] + sum(r["frames"] for r in job["per_rank"]) == 12 * 37
        assert content(out) == content(whole), kind
        assert not os.path.exists(checkpoint)
        hostile_checkpoints(at, kind, files, more, kept, out, content(whole))
        shutil.rmtree(kept)
        shutil.rmtree(checkpoint)
        os.remove(out)


def hostile_checkpoints(at, kind, files, more, kept, out, whole):
    """What is damaged is named and done again; what is of another analysis ends the job."""
    def start(*arguments, files=files, code=0):
        checkpoint = os.path.join(at, "checkpoint")
        shutil.rmtree(checkpoint, ignore_errors=True)
        shutil.copytree(kept, checkpoint)
        harm(os.path.join(checkpoint, found_files(checkpoint)[0]))
        command = ["analyse", kind, *files, *more, *arguments, "-o", out, "-f", "--checkpoint",
                   checkpoint]
        job = launch(2, PROGRAM, *command)
        _, said = job.communicate(timeout=60)
        assert job.returncode == code, said
        return [s for s in said.splitlines() if s.startswith("etalon-mpi: ")]

    def harm(name):
        with open(name, "rb") as file:
            data = bytearray(file.read())
        with open(name, "wb") as file:
            file.write(change(data))

    def flipped(data):
        data[len(data) // 2] ^= 1
        return data

    for change, words in ((lambda d: d[:-3], "checksum"), (flipped, "checksum"),
                          (lambda d: d[:5], "truncated"), (lambda d: b"?" + d[1:], "no part of")):
        said = start()
        assert ".found: not used: " in said[0] and words in said[0], said
        assert content(out) == whole
        if kind != "powder":
            break
    change = lambda d: d
    setting = ["--unit", "2th_deg"] if kind == "azimuthal" else ["--min-peaks", 9]
    said = start(*setting, code=2)
    assert len(said) == 1 and "is of another analysis: " in said[0] and setting[0] in said[0], said
    said = start(files=files[1:], code=2)
    assert "is of another analysis: 'series stills.h5" in said[0], said
    assert content(out) == whole


def trouble(at, path):
    """One message, the right exit code, no output."""
    def refused(code, words, *arguments, ranks=3):
        out = os.path.join(at, "none.h5")
        said = etalon_mpi(ranks, "analyse", *arguments, "-o", out, code=code)
        assert said.count("\n") == 1 and words in said, said
        assert not [n for n in os.listdir(at) if n.startswith("none")]

    broken = os.path.join(at, "broken.h5")
    shutil.copy(path, broken)
    with h5py.File(broken, "r") as file:
        place = file["/entry/data/data"].id.get_chunk_info(29).byte_offset
    with open(broken, "r+b") as file:
        file.seek(place + 40)
        file.write(b"\xff" * 64)
    refused(3, "broken.h5", "powder", path, broken)
    refused(3, "broken.h5", "azimuthal", path, broken)
    refused(5, "nowhere.h5: cannot open", "powder", path, os.path.join(at, "nowhere.h5"))
    refused(2, "written are .csv and .json", "index", path, *CELL)
    small = os.path.join(at, "small.npy")
    np.save(small, np.zeros((4, 5, 6), "u2"))
    refused(2, "small.npy: powder: series of different image sizes", "powder", path, small)
    with open(os.path.join(at, "file"), "w", encoding="ascii"):
        pass
    refused(1, "cannot make", "powder", small, "--checkpoint", os.path.join(at, "file", "x"))
    powder = ["analyse", "powder", small]
    for other, words in (([*powder, small], f"with '{small}' where rank 0 has nothing"),
                         (["analyse", "hits", small], "with 'hits' where rank 0 has 'powder'"),
                         (["analyse", "powder"], f"with nothing where rank 0 has '{small}'")):
        said = with_words_of_their_own(powder, powder, other)
        assert "rank 2 was started " + words in said, said
    # What is no file of a checkpoint is named, and neither waited for nor lost.
    odd = os.path.join(at, "odd")
    os.makedirs(os.path.join(odd, "g0-r0-1.found"))
    os.mkfifo(os.path.join(odd, "g0-r0-0.found"))
    os.symlink(os.path.join(at, "nowhere"), os.path.join(odd, "g1-r0-0.found"))
    last = os.path.join(odd, f"g{2**64 - 1}-r0-0.found")  # no generation can follow
    with open(last, "w", encoding="ascii") as file:
        file.write("somebody's")
    job = launch(2, PROGRAM, *powder, "-o", os.path.join(at, "odd.h5"), "--checkpoint", odd)
    _, said = job.communicate(timeout=60)
    assert job.returncode == 0 and said.count(".found: not used: is no file") == 3, said
    assert open(last, encoding="ascii").read() == "somebody's"
    etalon_mpi(2, "analyse", "powder", small, "-o", os.path.join(at, "taken.h5"))
    said = etalon_mpi(2, "analyse", "powder", small, "-o", os.path.join(at, "taken.h5"), code=2)
    assert "exists already" in said and said.count("\n") == 1, said
    for arguments in (["analyse"], ["analyse", "powdr"], ["analyse", "powder"],
                      ["analyse", "powder", small, "-o", "x.h5", "--checkpoint-every", "-1"]):
        etalon_mpi(2, *arguments, code=2)


with folder() as at:
    path = series(at)
    same_for_all_ranks(at, path)
    goes_on(at, path)
    trouble(at, path)
