"""What fails on one rank ends all, with one message and the right exit code, and leaves nothing behind."""
import os
import signal
import subprocess
import time

from common import PROGRAM, etalon_mpi, folder, h5py, launch, np, processes, with_words_of_their_own

rng = np.random.default_rng(6)


def nothing_left(at):
    """mpirun may be back a moment before the ranks that it ends."""
    for _ in range(100):
        left = [n for n in os.listdir(at) if n.startswith("out")]
        if not left:
            return
        time.sleep(0.1)
    raise AssertionError(left)


def refused(at, code, words, *arguments, ranks=4):
    said = etalon_mpi(ranks, "compress", *arguments, "-o", os.path.join(at, "out.h5"), code=code)
    assert said.count("\n") == 1 and words in said, said
    nothing_left(at)


def one_bad_chunk(at):
    """A chunk that one rank reads is damaged: the others have nothing wrong to see."""
    path = os.path.join(at, "bad.h5")
    with h5py.File(path, "w") as file:
        data = file.create_dataset("data", data=rng.poisson(3, (7, 60, 70)).astype("u2"),
                                   chunks=(1, 60, 70), compression=32810,
                                   compression_opts=(1, 2, 3, 1, 60, 70, 0))
        place = data.id.get_chunk_info(5).byte_offset + 100
    with open(path, "r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 0xFF]))
    refused(at, 3, "bad.h5: /data: cannot read", path)


def killed(at, victim):
    """A rank is killed, or all are interrupted: victim None."""
    source = os.path.join(at, "long.npy")
    if not os.path.exists(source):
        np.save(source, rng.normal(size=(400, 100, 100)))
    process = launch(4, PROGRAM, "compress", source, "-o", os.path.join(at, "out.h5"), "-9",
                     "--bound", "rel:1e-5", "--chunk", "4,100,100")
    part = os.path.join(at, "out.h5.part.etalon")
    while not (os.path.exists(part) and os.path.getsize(part) > 0):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    ranks = processes(process)
    assert sorted(ranks) == [0, 1, 2, 3], ranks
    if victim is None:
        process.send_signal(signal.SIGINT)
    else:
        os.kill(ranks[victim], signal.SIGKILL)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0, said
    assert victim is None or "signal 9" in said, said
    nothing_left(at)


with folder() as at:
    array, raw = os.path.join(at, "a.npy"), os.path.join(at, "a.raw")
    np.save(array, np.arange(6000, dtype="u2").reshape(6, 20, 50))
    np.arange(100, dtype="u2").tofile(raw)
    refused(at, 5, "none.npy: cannot open", os.path.join(at, "none.npy"))
    refused(at, 2, "a target needs the whole array", array, "--bound", "psnr:60")
    refused(at, 2, "a target needs the whole array", array, "--bound", "ratio:10")
    refused(at, 2, "bound 'abs:x'", array, "--bound", "abs:x")
    refused(at, 2, "--chunk 1,2: the array has 3 axes", array, "--chunk", "1,2")
    refused(at, 2, "need --shape", raw)
    refused(at, 3, "are not the 200 bytes", raw, "--shape", "10,11")
    refused(at, 2, "no HDF5 file", array, "--dataset", "/x")
    said = with_words_of_their_own(["compress", array, "-o", os.path.join(at, "out.h5")],
                                   ["compress", raw, "-o", os.path.join(at, "out.h5")])
    assert f"rank 1 was started with '{raw}' where rank 0 has '{array}'" in said, said
    nothing_left(at)
    one_bad_chunk(at)
    for victim in (0, 2, None):
        killed(at, victim)

    # What is there is neither lost nor half replaced.
    kept = os.path.join(at, "kept.h5")
    etalon_mpi(2, "compress", array, "-o", kept)
    before = open(kept, "rb").read()
    assert "exists already" in etalon_mpi(2, "compress", array, "-o", kept, code=2)
    assert "another name" in etalon_mpi(2, "compress", kept, "-o", kept, "-f", code=2)
    assert "cannot read" in etalon_mpi(4, "compress", os.path.join(at, "bad.h5"), "-o", kept, "-f",
                                       code=3)
    assert open(kept, "rb").read() == before

    # A disk that is full when the file begins, and in the middle of it.
    disk = os.path.join(at, "disk")
    os.mkdir(disk)
    np.save(array, rng.integers(0, 65535, (64, 50, 60)).astype("u2"))
    unshare = ["unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c"]
    if subprocess.run([*unshare, f"mount -t tmpfs tmpfs {disk}"], capture_output=True,
                      check=False).returncode != 0:
        print("not tested: a full disk; no file system may be mounted here")
    else:
        for kilobytes in (8, 200):
            script = f"""mount -t tmpfs -o size={kilobytes}k tmpfs {disk} && timeout 60 \
                mpirun --allow-run-as-root --oversubscribe -n 3 {PROGRAM} compress {array} \
                -o {disk}/out.h5; code=$?; ls {disk}; exit $code"""
            done = subprocess.run([*unshare, script], text=True, capture_output=True, check=False)
            assert done.returncode == 1 and done.stdout == "", (kilobytes, done)
            said = [s for s in done.stderr.splitlines() if s.startswith("etalon-mpi: ")]
            assert len(said) == 1 and "out.h5.part.etalon: /data: cannot" in said[0], done.stderr
            assert "the disk is full" in said[0], said
