"""The ledger as formats/ledger.md writes it down, checked by a reader made from that page alone."""

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import cbor2
except ImportError:
    print("python3-cbor2 is not installed")
    sys.exit(77)

TOOL = sys.argv[1]


def sha(data):
    return hashlib.sha256(data).digest()


def deterministic(value):
    """Maps with text keys only, all shorter than 24 bytes: bytewise order is length-first order, which is cbor2's."""
    return cbor2.dumps(value, canonical=True)


def parents(records, first, last):
    """Pairs of numbers: who led to whom, from the records' bytes and the numbers of their first and last events."""
    pairs = set()
    for child, (_, record) in records.items():
        inputs = {digest for _, digest in record["inputs"]}
        named = {digest for role, digest in record["inputs"] if role == "record"}
        for seq, (record_id, other) in records.items():
            made = any(digest in inputs for _, digest in other["outputs"])
            if record_id in named or (made and seq != child and first[seq] < last[child]):
                pairs.add((child, seq))
    return pairs


def check(path, version):
    """Everything the page says of an SQLite file but its stored files. The number of records, of events and of links."""
    db = sqlite3.connect(path)
    db.text_factory = bytes
    assert db.execute("PRAGMA application_id").fetchone() == (0x45544C47,)
    assert db.execute("PRAGMA user_version").fetchone() == (version,)

    records = {}
    for seq, record_id, raw in db.execute("SELECT seq, id, cbor FROM record ORDER BY seq"):
        assert sha(raw) == record_id
        record = cbor2.loads(raw)
        records[seq] = record_id, record
        assert sorted(record) == ["inputs", "kind", "outputs", "program", "settings"]
        assert deterministic(record) == raw
        rows = db.execute("SELECT side, position, role, hash FROM artifact WHERE record = ? ORDER BY side, position", (seq,)).fetchall()
        expected = [(side, i, role.encode(), digest) for side, key in enumerate(("inputs", "outputs")) for i, (role, digest) in enumerate(record[key])]
        assert rows == expected, (rows, expected)

    previous = bytes(32)
    first, last = {}, {}
    for seq, record, time, host, user, process, digest in db.execute("SELECT seq, record, time, host, user, process, hash FROM event ORDER BY seq").fetchall():
        places = [[side, position, where] for side, position, where in db.execute("SELECT side, position, CAST(path AS BLOB) FROM place WHERE event = ? ORDER BY side, position", (seq,))]
        event = {"previous": previous, "record": records[record][0], "time": time, "host": host, "user": user, "process": process, "places": places}
        assert sha(deterministic(event)) == digest, seq
        previous = digest
        first.setdefault(record, seq)
        last[record] = seq

    pairs = parents(records, first, last)
    if version == 1:
        assert db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'link'").fetchone() == (0,)
    else:
        assert set(db.execute("SELECT child, parent FROM link")) == pairs
    events, = db.execute("SELECT count(*) FROM event").fetchone()
    db.close()
    return len(records), events, len(pairs)


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder).resolve() / "ledger.db"
    subprocess.run([TOOL, "ledger", str(path)], check=True)
    assert check(path, 2) == (2, 3, 1)
    db = sqlite3.connect(path)
    (where,) = db.execute("SELECT path FROM place WHERE side = 1").fetchone()
    assert where == "ledger.db.data"  # relative to the ledger's folder
    (digest,) = db.execute("SELECT hash FROM artifact WHERE side = 1 AND role = 'file'").fetchone()
    assert sha((path.parent / where).read_bytes()) == digest
    db.close()

    # A ledger of version 1, and what becomes of it when more is added.
    old = Path(folder).resolve() / "old.db"
    shutil.copy(Path(os.environ["ETALON_SOURCE_DIR"]) / "formats" / "golden" / "ledger_1.db", old)
    assert check(old, 1) == (6, 7, 7)
    subprocess.run([TOOL, "ledger", str(old)], check=True)
    assert check(old, 2) == (8, 10, 8)
print("records, index, events, links and file agree with the written format")
