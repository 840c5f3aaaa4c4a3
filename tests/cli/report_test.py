"""etalon report: its figures are those of the run's own report and the ledger; the page needs nothing else and holds no markup of
others; what cannot be judged, or proven, is said."""
import json
import os
import re
import shutil
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
