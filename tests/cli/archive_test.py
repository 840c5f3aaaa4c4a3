#!/usr/bin/python3
"""`etalon archive` and `restore`: what comes back is what went in, as a whole and in part; ZIP and BagIt programs of others read and
check it; damage, hostile names and changes are said; archives of others are read."""
import hashlib
import io
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

ETALON = os.environ["ETALON"]


def etalon(*words, status=0, **more):
    done = subprocess.run([ETALON, *map(str, words)], capture_output=True, timeout=300, **more)
    assert done.returncode == status, (words, done.returncode, done.stdout[-500:], done.stderr)
    return done


def bag(files, name="b", **changes):
    """A bag of our own making, as bytes; `changes` replace members."""
    manifest = "".join(f"{hashlib.sha256(c).hexdigest()}  data/{n}\n" for n, c in files.items())
    members = {"bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", "manifest-sha256.txt": manifest.encode()}
    members |= {k: v for k, v in changes.get("tags", {}).items()}
    tags = "".join(f"{hashlib.sha256(c).hexdigest()}  {n}\n" for n, c in members.items())
    members["tagmanifest-sha256.txt"] = tags.encode()
    members |= {f"data/{n}": c for n, c in files.items()}
    members |= changes.get("members", {})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for n, c in members.items():
            if c is not None:
                file.writestr(f"{name}/{n}", c)
        for n, c in changes.get("outside", {}).items():
            file.writestr(n, c)
    return out.getvalue()


class Archive(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.base = Path(self.folder.name)
        self.addCleanup(self.folder.cleanup)

    def make(self):
        source = self.base / "run7"
        (source / "notes").mkdir(parents=True)
        (source / "a.bin").write_bytes(bytes(range(256)) * 5000)
        (source / "empty").write_bytes(b"")
        (source / "notes" / "50 % done\nü.txt").write_text("a name with a line's end\n")
        etalon("simulate", "stills", "-n", 3, "--seed", 2, "-o", source / "s.h5")
        return source

    def test_there_and_back(self):
        source = self.make()
        done = etalon("archive", source, "-o", self.base / "r.zip", "--description", "a run\nof two lines", "--json")
        report = json.loads(done.stdout)
        archive = self.base / "r.zip"
        self.assertEqual(report["files"], 4)
        self.assertEqual(report["sha256"], hashlib.sha256(archive.read_bytes()).hexdigest())
        self.assertEqual(stat.S_IMODE(archive.stat().st_mode), 0o444)
        etalon("restore", archive, "-o", self.base / "back")
        names = sorted(str(p.relative_to(source)) for p in source.rglob("*") if p.is_file())
        self.assertEqual(names, sorted(str(p.relative_to(self.base / "back" / "run7")) for p in (self.base / "back").rglob("*") if p.is_file()))
        for name in names:
            self.assertEqual((source / name).read_bytes(), (self.base / "back" / "run7" / name).read_bytes())
        self.assertIn(b"all is well: 4 files", etalon("restore", archive, "--check").stderr)
        # what exists is not written over
        etalon("restore", archive, "-o", self.base / "back", status=2)
        etalon("archive", source, "-o", archive, status=2)
        # some of it
        etalon("restore", archive, "run7/notes/", "*.bin", "-o", self.base / "some")
        self.assertEqual(sorted(p.name for p in (self.base / "some").rglob("*") if p.is_file()), ["50 % done\nü.txt", "a.bin"])
        self.assertIn(b"holds no 'nothing'", etalon("restore", archive, "nothing", "-o", self.base / "no", status=5).stderr)
        listed = json.loads(etalon("restore", archive, "--list", "--json").stdout)
        self.assertEqual(sorted(f["name"] for f in listed["files"]), [f"run7/{n}" for n in names])

    def test_other_programs(self):
        source = self.make()
        etalon("archive", source, "-o", self.base / "r.zip")
        with zipfile.ZipFile(self.base / "r.zip") as file:
            self.assertIsNone(file.testzip())
            self.assertTrue(all(m.compress_type == zipfile.ZIP_STORED for m in file.infolist()))
            index = json.loads(file.read("r/index.json"))
            series = {f["name"]: f for f in index["files"]}["run7/s.h5"]
            self.assertEqual(series["series"]["frames"], 3)
            # a member is one range of the bytes, and its place is in the directory
            info = file.getinfo("r/data/run7/a.bin")
            raw = (self.base / "r.zip").read_bytes()
            head = raw[info.header_offset:info.header_offset + 30]
            start = info.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
            self.assertEqual(raw[start:start + info.file_size], (source / "a.bin").read_bytes())
            file.extractall(self.base / "unzipped")
        unpacked = self.base / "unzipped" / "r"
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "tagmanifest-sha256.txt"], cwd=unpacked, check=True)
        plain = [l for l in (unpacked / "manifest-sha256.txt").read_text().splitlines() if "%" not in l]
        self.assertEqual(len(plain), 3)
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet"], cwd=unpacked, check=True, input="\n".join(plain) + "\n", text=True)
        info = (unpacked / "bag-info.txt").read_text()
        self.assertIn(f"Payload-Oxum: {sum(p.stat().st_size for p in source.rglob('*') if p.is_file())}.4\n", info)

    def test_through_a_pipe(self):
        source = self.make()
        done = etalon("archive", source, "-o", "-")
        (self.base / "piped.zip").write_bytes(done.stdout)
        etalon("restore", self.base / "piped.zip", "--check")

    def test_frames_of_a_series(self):
        import h5py
        source = self.make()
        etalon("export", source / "s.h5", "-o", source / "m.h5", "--frames-per-file", 2, "--filter", "etalon")
        etalon("archive", source, "-o", self.base / "r.zip")
        for names in (["run7/s.h5"], ["run7/m.h5"], ["run7/m.h5", "run7/m_0*"]):
            etalon("restore", self.base / "r.zip", *names, "--frames", "1:3", "-o", self.base / "part.h5", "-f")
            done = etalon("export", self.base / "part.h5", "-o", self.base / "plain.h5", "--filter", "deflate", "-f")
            with h5py.File(self.base / "plain.h5") as part, h5py.File(source / "s.h5") as whole:
                self.assertTrue((part["/entry/data/data"][()] == whole["/entry/data/data"][1:3]).all())
                self.assertEqual(list(part["/entry/instrument/detector/sequence_number"][()]), [1, 2])
        self.assertEqual([p for p in self.base.iterdir() if p.name.startswith(".etalon")], [])

    def test_ledger(self):
        recipe = self.base / "r.toml"
        etalon("simulate", "stills", "-n", 3, "--seed", 2, "--hit-fraction", 1, "-o", self.base / "s.h5")
        recipe.write_text(f'[source]\npath = "{self.base}/s.h5"\n[veto]\nmin_peaks = 1\n[analyse]\nkind = "none"\n')
        env = dict(os.environ, ETALON_STATE=str(self.base / "state"))
        etalon("run", recipe, "--out", self.base / "out", env=env)
        ledger = self.base / "out" / "ledger.db"
        report = json.loads(etalon("archive", self.base / "out" / "s.h5", "-o", self.base / "s.zip", "--ledger", ledger, "--json").stdout)
        self.assertEqual(report["known_to_ledger"], 1)
        with zipfile.ZipFile(self.base / "s.zip") as file:
            prov = json.loads(file.read("s/provenance.json"))
        self.assertTrue(prov["activity"])
        shown = etalon("ledger", "lineage", "--ledger", ledger, self.base / "s.zip").stdout.decode()
        self.assertIn("archive", shown)
        self.assertIn("store", shown)
        etalon("ledger", "verify", "--ledger", ledger)

    def test_damage(self):
        source = self.make()
        etalon("archive", source, "-o", self.base / "r.zip")
        good = (self.base / "r.zip").read_bytes()
        at = good.index(bytes(range(256)))
        bad = self.base / "bad.zip"
        bad.write_bytes(good[:at + 1000] + bytes([good[at + 1000] ^ 1]) + good[at + 1001:])
        done = etalon("restore", bad, "--check", status=4)
        self.assertIn(b"a.bin", done.stderr)
        self.assertIn(b"1 of 4", done.stderr)
        etalon("restore", bad, "run7/a.bin", "-o", self.base / "x", status=4)
        self.assertFalse((self.base / "x" / "run7" / "a.bin").exists())
        etalon("restore", bad, "run7/s.h5", "-o", self.base / "x")  # the rest is whole
        for cut in (0, 10, len(good) // 2, len(good) - 5):
            bad.write_bytes(good[:cut])
            etalon("restore", bad, "--check", status=3)
        etalon("restore", self.base / "none.zip", "--list", status=5)

    def test_what_goes_in(self):
        (self.base / "d").mkdir()
        (self.base / "d" / "f").write_text("x")
        (self.base / "e").mkdir()
        (self.base / "e" / "f").write_text("y")
        self.assertIn(b"would both be f", etalon("archive", self.base / "d" / "f", self.base / "e" / "f", "-o", self.base / "r.zip", status=2).stderr)
        os.mkfifo(self.base / "d" / "pipe")
        self.assertIn(b"pipe", etalon("archive", self.base / "d", "-o", self.base / "r.zip", status=3).stderr)
        self.assertIn(b"nothing", etalon("archive", self.base / "nothing", "-o", self.base / "r.zip", status=5).stderr)
        (self.base / "linked").mkdir()
        (self.base / "linked" / "away").symlink_to("../e")
        self.assertIn(b"linked/away: is a link to a folder", etalon("archive", self.base / "linked", "-o", self.base / "r.zip", status=3).stderr)
        (self.base / "odd").mkdir()
        with open(os.path.join(os.fsencode(self.base), b"odd", b"\xff.h5"), "w") as file:
            file.write("x")
        self.assertIn(b"is not UTF-8", etalon("archive", self.base / "odd", "-o", self.base / "r.zip", status=3).stderr)
        (self.base / "empty").mkdir()
        etalon("archive", self.base / "empty", "-o", self.base / "r.zip", status=2)
        self.assertEqual([p for p in self.base.iterdir() if "r.zip" in p.name], [])

    def test_archives_of_others(self):
        files = {"a/x.txt": b"hello", "y": b""}
        (self.base / "o.zip").write_bytes(bag(files))
        etalon("restore", self.base / "o.zip", "-o", self.base / "o")
        self.assertEqual((self.base / "o" / "a" / "x.txt").read_bytes(), b"hello")

    def test_hostile(self):
        good = {"a": b"hello"}
        one = hashlib.sha256(b"hello").hexdigest()
        def with_manifest(text, files=good, **more):
            return bag(files, tags={"manifest-sha256.txt": text.encode()}, **more)
        cases = {
            "leads out": with_manifest(f"{one}  data/../../evil\n", members={"data/../../evil": b"hello"}),
            "absolute": bag(good, outside={"/etc/evil": b"x"}),
            "outside": bag(good, outside={"other/file": b"x"}),
            "not listed": bag(good, members={"data/b": b"x"}),
            "not there": bag(good, members={"data/a": None}),
            "twice": with_manifest(f"{one}  data/a\n{one}  data/a\n"),
            "file and folder": bag({"a": b"hello", "a/b": b"hello"}),
            "no hash": with_manifest("xyz  data/a\n"),
            "no data": with_manifest(f"{one}  a\n"),
            "no bag": bag(good, members={"bagit.txt": None}),
            "no zip": b"PK\5\6" + bytes(18),
            "text": b"hello",
        }
        for name, content in cases.items():
            (self.base / "h.zip").write_bytes(content)
            with self.subTest(name):
                done = etalon("restore", self.base / "h.zip", "-o", self.base / "h", status=3)
                self.assertIn(b"h.zip", done.stderr)
        (self.base / "h.zip").write_bytes(bag(good, members={"manifest-sha256.txt": f"{one}  data/a\n".upper().encode()}))
        etalon("restore", self.base / "h.zip", "-o", self.base / "h", status=4)
        self.assertFalse((self.base / "h").exists() and any((self.base / "h").iterdir()))
        self.assertFalse((self.base.parent / "evil").exists())


class Large(unittest.TestCase):
    setUp = Archive.setUp

    def test_more_than_four_gigabytes(self):
        """ZIP64, of sizes and of places behind them, read by others and by us."""
        (self.base / "d").mkdir()
        with open(self.base / "d" / "a", "wb") as file:
            file.truncate((1 << 32) + 12345)
            file.write(b"begin")
        (self.base / "d" / "b").write_bytes(b"behind")
        etalon("archive", self.base / "d", "-o", self.base / "r.zip")
        with zipfile.ZipFile(self.base / "r.zip") as file:
            self.assertEqual(file.getinfo("r/data/d/a").file_size, (1 << 32) + 12345)
            self.assertEqual(file.read("r/data/d/b"), b"behind")
        etalon("restore", self.base / "r.zip", "--check")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", "Large" if "--large" in sys.argv else "Archive"])
