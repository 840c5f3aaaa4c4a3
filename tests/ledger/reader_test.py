"""The ledger as formats/ledger.md writes it down, checked by a reader made from that page alone."""

import hashlib
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


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder).resolve() / "ledger.db"
    subprocess.run([TOOL, "ledger", str(path)], check=True)
    db = sqlite3.connect(path)
    db.text_factory = bytes
    assert db.execute("PRAGMA application_id").fetchone() == (0x45544C47,)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)

    ids = {}
    for seq, record_id, raw in db.execute("SELECT seq, id, cbor FROM record ORDER BY seq"):
        assert sha(raw) == record_id
        ids[seq] = record_id
        record = cbor2.loads(raw)
        assert sorted(record) == ["inputs", "kind", "outputs", "program", "settings"]
        assert deterministic(record) == raw
        rows = db.execute("SELECT side, position, role, hash FROM artifact WHERE record = ? ORDER BY side, position", (seq,)).fetchall()
        expected = [(side, i, role.encode(), digest) for side, key in enumerate(("inputs", "outputs")) for i, (role, digest) in enumerate(record[key])]
        assert rows == expected, (rows, expected)
    assert len(ids) == 2

    previous = bytes(32)
    events = 0
    for seq, record, time, host, user, process, digest in db.execute("SELECT seq, record, time, host, user, process, hash FROM event ORDER BY seq").fetchall():
        places = [[side, position, where] for side, position, where in db.execute("SELECT side, position, CAST(path AS BLOB) FROM place WHERE event = ? ORDER BY side, position", (seq,))]
        event = {"previous": previous, "record": ids[record], "time": time, "host": host, "user": user, "process": process, "places": places}
        assert sha(deterministic(event)) == digest, seq
        previous = digest
        events += 1
    assert events == 3

    (where,) = db.execute("SELECT path FROM place WHERE side = 1").fetchone()
    assert where == b"ledger.db.data"  # relative to the ledger's folder
    (digest,) = db.execute("SELECT hash FROM artifact WHERE side = 1 AND role = 'file'").fetchone()
    assert sha((path.parent / where.decode()).read_bytes()) == digest
print("records, index, events and file agree with the written format")
