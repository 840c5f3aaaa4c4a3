"""etalon report: its figures are those of the run's own report and the ledger; the page needs nothing else and holds no markup of
others; what cannot be judged, or proven, is said."""
import hashlib
import json
import os
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
from html.parser import HTMLParser

ETALON = os.environ["ETALON"]


def etalon(*arguments, code=0):
    done = subprocess.run([ETALON, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


class Page(HTMLParser):
    """Tables as {first cell: other cells}, verdicts by emphasis, pictures, and whether tags are balanced."""
    def __init__(self, path):
        super().__init__()
        self.rows, self.verdicts, self.pictures, self.open, self.cells, self.kind = {}, {}, 0, [], [], None
        self.text = open(path, encoding="utf-8").read()
        self.feed(self.text)
        assert self.open == [], self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        for name in ("src", "href"):
            assert attributes.get(name, "data:").startswith("data:image/png;base64,") or name not in attributes, attributes
        self.pictures += tag == "img"
        if tag not in ("meta", "img"):
            self.open.append(tag)
        if tag == "tr":
            self.cells = []
        if tag in ("td", "th"):
            self.cells.append("")
        self.kind = attributes.get("class", "").replace("verdict ", "") if tag == "p" else None

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "tr":
            self.rows[self.cells[0].strip()] = self.cells[1:]

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data
        if self.kind:
            self.verdicts.setdefault(self.kind, []).append(data)


os.chdir(tempfile.mkdtemp())
os.environ["ETALON_STATE"] = os.path.abspath("state")
etalon("simulate", "stills", "-n", 24, "--seed", 3, "--size", "300,310", "--hit-fraction", 0.5, "-o", "sim.h5")
with open("r.toml", "w") as file:
    file.write('[source]\nname = "<b>run</b> & co"\n[store]\nfile = "r.h5"\n[veto]\nmin_peaks = 5\n[audit]\nshare = 0.5\n[reduce]\nbound = "abs:1"\n'
               '[[reduce.region]]\nkind = "peaks"\nhalf = 4\nbound = "lossless"\n[analyse]\nkind = "none"\n')
run = json.loads(etalon("run", "r.toml", "--source", "sim.h5", "--out", "out", "--json"))
etalon("report", "out", "-o", "r.html")
page = Page("r.html")
assert "<b>run</b>" not in page.text and "&lt;b&gt;run&lt;/b&gt; &amp; co" in page.text
assert page.pictures == 5, page.pictures
assert page.rows["received"][0] == str(run["frames"]) and page.rows["stored"][0] == str(run["hits"])
assert page.rows["rejected by the veto"][0] == str(run["frames"] - run["hits"]) and page.rows["lost"][0] == "0"
assert page.rows["SHA-256"][0] in subprocess.run(["sha256sum", "out/r.h5"], capture_output=True, text=True).stdout
assert page.rows["everything else"][0] == "abs:1" and page.rows["everything else"][3] == "1"
assert page.rows["peaks"][0] != "" and "lossless" in page.text
regions = {r["kind"]: r for r in run["regions"]}
assert abs(float(re.match(r"[\d.e+-]+", page.rows["everything else"][1])[0]) / (100 * regions["default"]["share"]) - 1) < 0.01
assert not page.verdicts.get("bad"), page.verdicts
assert any("byte by byte" in v for v in page.verdicts["good"])
assert f"{run['audit']['audited']} rejected frames" in page.text
# the judgement is verify's
judged = json.loads(etalon("verify", "sim.h5", "out/r.h5", "--science", "--min-peaks", 5, "--bound", "abs:1", "--json"))["science"]
assert [int(x) for x in re.search(r"<td>peaks</td>((?:<td>\d+</td>)+)", page.text)[1].replace("</td>", "").split("<td>")[1:]] == \
    [judged["peaks"][k] for k in ("raw", "reduced", "kept", "lost", "invented")]

# what is not there, or not to be trusted, is said
assert "exists already" in etalon("report", "out", "-o", "r.html", code=2)
etalon("report", "out/r.h5", "-o", "r2.html", "--no-original")
assert any("not to be looked at" in v for v in Page("r2.html").verdicts["warn"])
os.rename("sim.h5", "moved.h5")
etalon("report", "out/r.h5", "-o", "r3.html")
assert any("sim.h5" in v for v in Page("r3.html").verdicts["warn"])
etalon("report", "out/r.h5", "-o", "r4.html", "--original", "moved.h5")
assert any("peaks are found" in v for kind in Page("r4.html").verdicts.values() for v in kind)
os.makedirs("alone")
shutil.copy("out/r.h5", "alone/r.h5")
etalon("report", "alone", "-o", "r5.html")
assert any("No ledger" in v for v in Page("r5.html").verdicts["warn"])
etalon("export", "out/r.h5", "-o", "alone/other.h5", "--filter", "deflate")
assert "2 series" in etalon("report", "alone", "-o", "r6.html", code=2)
etalon("report", "alone/other.h5", "-o", "r6.html", "--ledger", "out/ledger.db")
assert any("does not know these bytes" in v for v in Page("r6.html").verdicts["bad"])
assert "none" in etalon("report", "none", "-o", "r7.html", code=5)
assert not os.path.exists("r7.html")

# A run that found nothing has a page, too.
with open("none.toml", "w") as file:
    file.write('[store]\nfile = "r.h5"\n[veto]\nmin_peaks = 100000\n[analyse]\nkind = "none"\n')
etalon("run", "none.toml", "--source", "moved.h5", "--out", "nothing")
etalon("report", "nothing", "-o", "nothing.html")
page = Page("nothing.html")
assert page.rows["stored"][0] == "0" and page.rows["received"][0] == "24" and "no frames are stored" in page.text
assert not page.verdicts.get("bad"), page.verdicts

# What lies in the folder and is no file is not waited for; what lies in place of the ledger is said.
shutil.copytree("out", "odd")
os.mkfifo("odd/pipe.h5")
os.mkdir("odd/folder.h5")
os.symlink("circle.h5", "odd/circle.h5")
etalon("report", "odd", "-o", "odd.html", "--no-original")
os.remove("odd/r.h5")
assert "0 series" in etalon("report", "odd", "-o", "odd2.html", code=5)
shutil.copy("out/r.h5", "odd/r.h5")
for make in (os.mkfifo, os.mkdir):
    if os.path.isfile("odd/ledger.db"):
        os.remove("odd/ledger.db")
    make("odd/ledger.db")
    assert "odd/ledger.db: is no file" in etalon("report", "odd", "-o", "odd2.html", "--no-original", code=3)
    (os.rmdir if os.path.isdir("odd/ledger.db") else os.remove)("odd/ledger.db")
assert not os.path.exists("odd2.html")

# A ledger that anybody has written: settings of other kinds than a run writes are left out.
def cbor(value):
    """Of what records hold, as a ledger has it: shortest forms, keys in the order of their bytes."""
    def head(major, n):
        for size, code in ((0, None), (1, 24), (2, 25), (4, 26), (8, 27)):
            if size == 0 and n < 24:
                return bytes([major << 5 | n])
            if size and n < 1 << 8 * size:
                return bytes([major << 5 | code]) + n.to_bytes(size, "big")
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(sorted(cbor(k) + cbor(v) for k, v in value.items()))


def ledger_with(path, records):
    """Records in a ledger of the schema that a run makes."""
    with sqlite3.connect("out/ledger.db") as made, sqlite3.connect(path) as new:
        for pragma in ("application_id", "user_version"):
            new.execute(f"PRAGMA {pragma} = {made.execute('PRAGMA ' + pragma).fetchone()[0]}")
        for (sql,) in made.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type = 'trigger'"):
            new.execute(sql)
        for seq, record in enumerate(records, 1):
            body = cbor(record)
            new.execute("INSERT INTO record VALUES(?, ?, ?)", (seq, hashlib.sha256(body).digest(), body))
            for side, key in enumerate(("inputs", "outputs")):
                for position, (role, digest) in enumerate(record[key]):
                    new.execute("INSERT INTO artifact VALUES(?, ?, ?, ?, ?)", (seq, side, position, role, digest))
            new.execute("INSERT INTO event VALUES(?, ?, '2026-01-01T00:00:00Z', 'h', 'u', 1, ?)", (seq, seq, bytes(32)))
    new.close()
    made.close()


series = hashlib.sha256(open("out/r.h5", "rb").read()).digest()
huge, kinds = 1e300, ("find", "veto", "store", "source")
for name, settings in (("text", {k: {"method": 5, "threshold": "high", "kept": "many", "vetoed": [1], "lost": 7, "audit": "x", "frames": {}} for k in kinds}),
                       ("huge", {k: {"method": "peakfinder8/1", "threshold": huge, "snr": "x", "min_pixels": -5, "max_pixels": huge, "local_radius": [3], "kept": huge,
                                     "vetoed": huge, "frames": -3, "min_peaks": huge, "audit": {"audited": huge, "hits": -7}, "lost": {"a": huge, "b": "c"}} for k in kinds}),
                       ("none", {k: [] for k in kinds})):
    ledger_with(name + ".db", [{"kind": k, "inputs": [], "outputs": [["series", series]], "settings": settings[k], "program": "other"} for k in kinds])
    etalon("report", "out/r.h5", "-o", name + ".html", "--ledger", name + ".db", "--original", "moved.h5")
    assert any("peaks are found" in v for kind in Page(name + ".html").verdicts.values() for v in kind)
