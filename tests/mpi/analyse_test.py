"""Analyses as one job: the same for every number of ranks and as etalon has it, also after a rank was killed."""
import json
import os
import shutil
import signal
import subprocess
import time

from common import PROGRAM, at_once, etalon_mpi, folder, h5py, launch, np, processes, with_words_of_their_own

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


def moving(at):
    path = os.path.join(at, "speckle.h5")
    etalon("simulate", "speckle", "-o", path, "-n", 1000, "--seed", 3, "--size", "64,80")
    return path


def same_for_all_ranks(at, path, speckle):
    kinds = {
        "powder": ({"-o": "h5"}, [path, path]),
        "hits": ({}, [path, path, "--min-peaks", 11]),
        "azimuthal": ({"-o": "h5"}, [path, path, "--bins", 300, "--polarization", 0.9]),
        "index": ({"-o": "csv"}, [path, "--truth", path, *CELL]),
        "merge": ({"-o": "csv"}, [path, path, "--truth", path, "--truth", path, *CELL]),
        "correlation": ({"-o": "csv", "--two-time": "h5"},
                        [few(at, speckle), "--rings", 3, "--channels", 8]),
    }
    def run(kind, ranks):
        outputs, arguments = kinds[kind]
        outs = {o: os.path.join(at, f"{kind}_{ranks}{o}.{e}") for o, e in outputs.items()}
        command = ["analyse", kind, *arguments, "--json", *(w for o in outs.items() for w in o)]
        report = json.loads(etalon_mpi(ranks, *command) if ranks else etalon(*command))
        return without_times(report), [content(o) for o in outs.values()], report.get("job")

    for kind in kinds:
        plain, *jobs = at_once(lambda n, k=kind: run(k, n), (0, 1, 2, 4))
        assert plain[2] is None
        for ranks, got in zip((1, 2, 4), jobs):
            assert got[:2] == plain[:2], (kind, ranks)
            job = got[2]
            assert job["ranks"] == ranks == len(job["per_rank"]) and job["resumed_frames"] == 0
            frames = {"index": 37, "correlation": 77}.get(kind, 74)
            assert job["frames"] == frames == sum(r["frames"] for r in job["per_rank"]), job
            assert abs(sum(job["share"].values()) - 1) < 1e-6, job
            assert 0 < job["balance"] <= 1 and job["frames_per_s"] > 0
    said = etalon_mpi(2, "analyse", "hits", path)
    assert "2 ranks" in said and "rank 1" in said and "waiting" in said, said


def few(at, speckle):
    """The first frames of a series: of them all pairs are soon looked at."""
    path = os.path.join(at, "few.h5")
    shutil.copy(speckle, path)
    with h5py.File(path, "r+") as file:
        data = file["/entry/data/data"]
        frames, attributes = data[:77], dict(data.attrs)
        del file["/entry/data/data"]
        file["/entry/data/data"] = frames
        file["/entry/data/data"].attrs.update(attributes)
    return path


def found_files(checkpoint):
    return sorted(n for n in os.listdir(checkpoint) if n.endswith(".found")) \
        if os.path.isdir(checkpoint) else []


def killed_midway(at, kind, victim, *arguments):
    """A job of four ranks of which one is killed when something is in its checkpoint: of what is
    worth something only when all ranks have written theirs, when there is a second one."""
    checkpoint, out = os.path.join(at, "checkpoint"), os.path.join(at, f"killed.{ENDING[kind]}")
    job = launch(4, PROGRAM, "analyse", kind, *arguments, "-o", out, "--checkpoint", checkpoint,
                 "--checkpoint-every", 0)
    ranks = {}
    while len(ranks) < 4:
        assert job.poll() is None, job.communicate()
        ranks = processes(job)
    generation = "g2" if kind == "correlation" else "g1"
    while not any(name >= generation for name in found_files(checkpoint)):
        assert job.poll() is None, job.communicate()
        time.sleep(0.003)
    os.kill(ranks[victim], signal.SIGKILL)
    _, said = job.communicate(timeout=60)
    # mpirun names the rank; our own word comes as well, if it does not end rank 0 before.
    assert job.returncode != 0 and f"rank {victim} " in said and "signal 9" in said, said
    assert not os.path.exists(out), said
    assert found_files(checkpoint)
    return checkpoint, out


ENDING = {"powder": "h5", "azimuthal": "h5", "correlation": "csv"}


def goes_on(at, kind, victim, files, more):
    at = os.path.join(at, kind)
    os.mkdir(at)
    frames = 1000 if kind == "correlation" else len(files) * 37
    whole = os.path.join(at, f"{kind}_whole.{ENDING[kind]}")
    etalon("analyse", kind, *files, *more, "-o", whole)
    checkpoint, out = killed_midway(at, kind, victim, *files, *more)
    kept = os.path.join(at, "kept")
    shutil.copytree(checkpoint, kept)
    job = launch(3, PROGRAM, "analyse", kind, *files, *more, "-o", out, "--json",
                 "--checkpoint", checkpoint)
    report, said = job.communicate(timeout=60)
    assert job.returncode == 0, said
    job = json.loads(report)["job"]
    assert 0 < job["resumed_frames"] < job["frames"] == frames, job
    assert f"{checkpoint}: resumed at frame {job['resumed_frames']} of {frames}" in said, said
    assert job["resumed_frames"] + sum(r["frames"] for r in job["per_rank"]) == frames
    assert content(out) == content(whole), kind
    assert not os.path.exists(checkpoint)
    hostile_checkpoints(at, kind, files, more, kept, out, content(whole))


def hostile_checkpoints(at, kind, files, more, kept, out, whole):
    """What is damaged is named and done again; what is of another analysis ends the job."""
    def start(*arguments, files=files, code=0):
        command = ["analyse", kind, *files, *more, *arguments, "-o", out, "-f", "--checkpoint",
                   checkpoint]
        job = launch(2, PROGRAM, *command)
        _, said = job.communicate(timeout=60)
        assert job.returncode == code, said
        return [s for s in said.splitlines() if s.startswith("etalon-mpi: ")]

    def flipped(data):
        data[len(data) // 2] ^= 1
        return data

    checkpoint = os.path.join(at, "checkpoint")
    shutil.copytree(kept, checkpoint)
    first = os.path.join(checkpoint, found_files(checkpoint)[-1])
    with open(first, "rb") as file:
        data = file.read()
    harms = {first: (flipped, "checksum")}
    for rank, harm in ((71, (lambda d: d[:-3], "checksum")), (72, (lambda d: d[:5], "truncated")),
                       (73, (lambda d: b"?" + d[1:], "no part of"))):
        harms[first.replace("-r", f"-r{rank}")] = harm
    for name, (change, _) in harms.items():
        with open(name, "wb") as file:
            file.write(change(bytearray(data)))
    said = start()
    for name, (_, words) in harms.items():
        assert any(s.startswith(f"etalon-mpi: {name}: not used: ") and words in s
                   for s in said), (name, said)
    assert content(out) == whole
    assert not os.path.exists(checkpoint)

    shutil.copytree(kept, checkpoint)
    setting = {"azimuthal": ["--unit", "2th_deg"], "powder": ["--min-peaks", 9],
               "correlation": ["--channels", 8]}[kind]
    said = start(*setting, code=2)
    assert len(said) == 1 and "is of another analysis: " in said[0] and setting[0] in said[0], said
    if kind != "correlation":
        said = start(files=files[1:], code=2)
        assert "is of another analysis: 'series stills.h5" in said[0], said
    assert content(out) == whole


def trouble(at, path):
    """One message, the right exit code, no output."""
    def refused(code, words, *arguments):
        out = os.path.join(at, f"none{words.replace('/', ' ')}.h5")
        said = etalon_mpi(3, "analyse", *arguments, "-o", out, code=code)
        assert said.count("\n") == 1 and words in said, said

    broken = os.path.join(at, "broken.h5")
    shutil.copy(path, broken)
    with h5py.File(broken, "r") as file:
        place = file["/entry/data/data"].id.get_chunk_info(29).byte_offset
    with open(broken, "r+b") as file:
        file.seek(place + 40)
        file.write(b"\xff" * 64)
    small = os.path.join(at, "small.npy")
    np.save(small, np.zeros((4, 5, 6), "u2"))
    with open(os.path.join(at, "file"), "w", encoding="ascii"):
        pass
    cases = [
        (3, "broken.h5", "powder", path, broken),
        (3, "broken.h5", "azimuthal", path, broken),
        (3, "broken.h5", "correlation", broken, "--frame-time", 1),
        (5, "nowhere.h5: cannot open", "powder", path, os.path.join(at, "nowhere.h5")),
        (2, "written are .csv and .json", "index", path, *CELL),
        (2, "small.npy: powder: series of different image sizes", "powder", path, small),
        (2, "--two-time and --checkpoint", "correlation", path, "--two-time", "none.h5",
         "--checkpoint", os.path.join(at, "none")),
        (1, "cannot make", "powder", small, "--checkpoint", os.path.join(at, "file", "x")),
    ]
    at_once(lambda case: refused(*case), cases)
    assert not [n for n in os.listdir(at) if n.startswith("none")]
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
    at_once(lambda arguments: etalon_mpi(2, *arguments, code=2),
            (["analyse"], ["analyse", "powdr"], ["analyse", "powder"],
             ["analyse", "powder", small, "-o", "x.h5", "--checkpoint-every", "-1"]))


with folder() as at:
    path, speckle = at_once(lambda make: make(at), (series, moving))
    same_for_all_ranks(at, path, speckle)
    at_once(lambda case: goes_on(at, *case), (("powder", 2, [path] * 6, []),
                                              ("azimuthal", 0, [path] * 6, ["--bins", 200]),
                                              ("correlation", 1, [speckle], ["--rings", 3])))
    trouble(at, path)
