"""What the command line says of itself: errors that name what is wrong, manual page, completion."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ETALON = os.environ["ETALON"]
FOLDER = tempfile.TemporaryDirectory(prefix="etalon_words_")
os.chdir(FOLDER.name)


def etalon(*arguments, code=0, says=(), stdin=b""):
    done = subprocess.run([ETALON, *arguments], capture_output=True, input=stdin)
    message = done.stderr.decode()
    assert done.returncode == code, (arguments, done.returncode, message)
    if code:
        assert message.startswith("etalon: "), message
        assert "etalon: etalon" not in message and done.stdout == b"", (arguments, message)
    for word in [says] if isinstance(says, str) else says:
        assert word in message, (arguments, word, message)
    return done.stdout.decode(errors="replace"), message


def commands(*path):
    """Names of the subcommands that --help lists."""
    text, _ = etalon(*path, "--help")
    _, _, below = text.partition("Subcommands:\n")
    return re.findall(r"^  (\S+)", below, re.MULTILINE)


def npy(name, shape=(2, 8, 9)):
    size = 2
    for extent in shape:
        size *= extent
    header = "{'descr': '<u2', 'fortran_order': False, 'shape': %r, }" % (shape,)
    header = header.ljust(117) + "\n"
    with open(name, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
        file.write(bytes(size))


def what_is_wrong():
    etalon("verfy", code=2, says=["'verfy'", "did you mean 'verify'?"])
    etalon("frobnicate", code=2, says="no command 'frobnicate'")
    etalon(code=2, says=["a command is needed", "compress", "ledger"])
    etalon("ledger", "lineag", code=2, says=["etalon: ledger: no command 'lineag'", "'lineage'"])
    etalon("analyse", code=2, says=["a command is needed", "powder"])
    etalon("find", "a", "--treshold", "3", code=2, says=["etalon: find:", "did you mean '--threshold'?"])
    etalon("find", "a.cbf", "b.cbf", code=2, says=["'b.cbf' is one argument too many", "pattern"])
    etalon("find", "a", "--snr", "much", code=2, says="--snr")
    etalon("compress", "a", code=2, says="--output is required")
    assert "job_daemon" not in etalon(code=2)[1] and "manual" not in etalon(code=2)[1]


def formats_and_endings():
    npy("a.npy")
    with open("photo.dat", "wb") as file:
        file.write(b"\xff\xd8\xff\xe0" + bytes(50))
    for name in ("x.cbor", "x.tif", "x.nc"):
        with open(name, "wb") as file:
            file.write(bytes(50))
    for name, format in (("photo.dat", "JPEG"), ("x.cbor", "CBOR"),
                         ("x.tif", "TIFF"), ("x.nc", "netCDF")):
        for verb in (["compress", name, "-o", "no"], ["find", name], ["info", name],
                     ["analyse", "powder", name, "-o", "no.h5"]):
            etalon(*verb, code=3, says=[name, format])
    etalon("compress", "photo.dat", "--dtype", "u8", "--shape", "54", "-o", "as_bytes")

    etalon("compress", "a.npy", "-o", "a.etalon")
    for name in ("no.tif", "no.cbf", "no.cbor"):
        etalon("decompress", "a.etalon", "-o", name, code=2, says=name)
    for name in ("no.h5", "no.npy", "no.tif"):
        etalon("compress", "a.npy", "-o", name, code=2, says=[name, "an Etalon container"])
    etalon("simulate", "stills", "-n", "1", "--size", "9,9", "-o", "no.npy", code=2, says="HDF5")
    etalon("analyse", "powder", "a.npy", "-o", "no.npy", code=2, says="HDF5")
    etalon("decompress", "a.etalon", "-o", "a.cxi")
    assert open("a.cxi", "rb").read(4) == b"\x89HDF"
    assert not [name for name in os.listdir(".") if name.startswith("no")], os.listdir(".")


def options_that_would_do_nothing():
    npy("a.npy")
    for verb in (["compress", "a.npy", "-o", "no"], ["find", "a.npy"], ["info", "a.npy"],
                 ["verify", "a.npy", "a.npy"], ["analyse", "powder", "a.npy", "-o", "no.h5"]):
        etalon(*verb, "--dataset", "/data", code=2, says="--dataset")
    for verb in (["compress", "a.npy", "-o", "no"], ["find", "a.npy"], ["verify", "a.npy", "a.npy"]):
        etalon(*verb, "--dtype", "u16", code=2, says="--dtype")
        etalon(*verb, "--shape", "2,8,9", code=2, says="--shape")
    etalon("verify", "a.npy", "a.npy", "--reduced-dataset", "/data", code=2, says="--dataset")
    etalon("decompress", "a.etalon", "-o", "no.npy", "--dataset", "/data", code=2, says="/data")
    etalon("compress", "a.npy", "-o", "no", "--region", "box:y=0..9,x=0..9@lossless", code=2,
           says=["y=0..9", "8x9"])
    etalon("compress", "a.npy", "-o", "no", "--region", "box:y=0..8,x=0..10@lossless", code=2,
           says="x=0..10")
    etalon("compress", "a.npy", "-o", "all", "--region", "box:y=0..8,x=0..9@lossless")
    assert not os.path.exists("no") and not os.path.exists("no.npy")
    # A raw file beside one that says what it is.
    with open("a.raw", "wb") as file:
        file.write(bytes(2 * 2 * 8 * 9))
    for pair in (["a.npy", "a.raw"], ["a.raw", "a.npy"], ["a.raw", "a.raw"]):
        etalon("verify", *pair, "--dtype", "u16", "--shape", "2,8,9")
    etalon("verify", "a.raw", "all", "--dtype", "u16", "--shape", "2,8,9")


def reports_beside_piped_data():
    npy("a.npy")
    data, report = etalon("compress", "a.npy", "-o", "-", "--json")
    assert data.startswith("Etalon") and json.loads(report)["output"] == "-"
    _, report = etalon("decompress", "a.etalon", "-o", "-", "--json")
    assert json.loads(report)["shape"] == [2, 8, 9]


def no_frames():
    """An empty series is a series: what reads one says zero and ends well."""
    npy("none.npy", (0, 8, 9))
    etalon("compress", "none.npy", "-o", "none.etalon")
    etalon("decompress", "none.etalon", "-o", "none.h5")
    assert json.loads(etalon("info", "none.etalon", "--json")[0])["shape"] == [0, 8, 9]
    for name in ("none.npy", "none.h5"):
        etalon("verify", name, "none.etalon")
        found = json.loads(etalon("find", name, "--json")[0])
        assert found["frames"] == [] and found["hits"] == 0 and found["hit_rate"] == 0
        powder = json.loads(etalon("analyse", "powder", name, "-o", "p.h5", "-f", "--json")[0])
        assert powder["frames"] == 0


def manual_and_completion():
    page, _ = etalon("manual", "man")
    script, _ = etalon("manual", "bash")
    with open("etalon.1", "w") as file:
        file.write(page)
    with open("etalon.bash", "w") as file:
        file.write(script)
    verbs = commands()
    assert {"run", "find", "compress", "verify", "ledger"} <= set(verbs) and "manual" not in verbs
    paths = [(verb,) for verb in verbs] + [(verb, below) for verb in ("ledger", "simulate", "analyse")
                                           for below in commands(verb)]
    assert ("ledger", "lineage") in paths
    for path in paths:
        assert "\n.SS etalon " + " ".join(path) + "\n" in page, path
    assert "\\-\\-min\\-peaks" in page and "EXIT STATUS" in page
    if shutil.which("groff"):
        done = subprocess.run(["groff", "-man", "-ww", "-z", "etalon.1"], capture_output=True)
        assert done.returncode == 0 and done.stderr == b"", done.stderr

    def complete(*words):
        line = "source etalon.bash; COMP_WORDS=(%s); COMP_CWORD=%d; _etalon; echo ${COMPREPLY[@]}"
        line %= " ".join("'%s'" % w for w in words), len(words) - 1
        return subprocess.run(["bash", "-c", line], capture_output=True, text=True,
                              check=True).stdout.split()

    for path in paths:
        assert path[-1] in complete("etalon", *path), path
        assert "--help" in complete("etalon", *path, "--"), path
    assert complete("etalon", "fin") == ["find"]
    assert complete("etalon", "find", "--thresh") == ["--threshold"]
    assert complete("etalon", "ledger", "--ledger", "x", "lin") == ["lineage"]
    assert complete("etalon", "find", "series") == []  # files


what_is_wrong()
formats_and_endings()
options_that_would_do_nothing()
reports_beside_piped_data()
no_frames()
manual_and_completion()
sys.exit(0)
