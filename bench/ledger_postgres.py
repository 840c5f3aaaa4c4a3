"""How long the lineage of a random record takes in a ledger of ten million, on PostgreSQL and, smaller, in SQLite.

    ledger_postgres.py [--records 10000000] [--sqlite-records 1000000] [--starts 2000] [--folder DIR] [--program PATH]

A server of its own is started. The records are made up (facility_ledger.cpp): in each thousand one calibration, 110 runs of nine
steps that use it, a dataset of the runs' files, a model trained on it, seven records of what the model was asked. They are
loaded with COPY, a stream a table; indexes over hashes are made afterwards. Ten million take about 13 GB in DIR, and while they are loaded up to 8 GB more.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "ledger"))
import postgres  # noqa: E402

LATER = {  # what COPY is faster without
    "record_id_key": ("ALTER TABLE record DROP CONSTRAINT record_id_key", "ALTER TABLE record ADD CONSTRAINT record_id_key UNIQUE (id)"),
    "artifact_hash": ("DROP INDEX artifact_hash", "CREATE INDEX artifact_hash ON artifact(hash, side, record)"),
    "place_path": ("DROP INDEX place_path", "CREATE INDEX place_path ON place USING hash(path)"),
}


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)}: exit {done.returncode}: {done.stderr}")
    return json.loads(done.stdout) if done.stdout else None


def load(server, program, address, records):
    run(program, "fill", address, "0")  # makes the tables
    server.sql("facility", "SET search_path = etalon;" + ";".join(drop for drop, _ in LATER.values()))
    began = time.monotonic()
    for table in ("record", "artifact", "event", "place", "link"):
        rows = subprocess.Popen([program, "rows", table, str(records)], stdout=subprocess.PIPE)
        # References are right by construction.
        copy = ["-c", "SET session_replication_role = replica", "-c", f"COPY etalon.{table} FROM STDIN"]
        subprocess.run([postgres.program("psql"), "-Xq", "-v", "ON_ERROR_STOP=1", address, *copy], stdin=rows.stdout, check=True)
        rows.stdout.close()
        if rows.wait():
            sys.exit(f"no rows of {table}")
    for _, make in LATER.values():
        server.sql("facility", f"SET search_path = etalon; SET maintenance_work_mem = '512MB'; {make}")
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--sqlite-records", type=int, default=1_000_000)
    parser.add_argument("--starts", type=int, default=2000)
    parser.add_argument("--shared-buffers", default="512MB", help="the server's own cache; a quarter of the memory is usual")
    parser.add_argument("--folder", help="where the databases go (default: the folder for temporary files)")
    parser.add_argument("--program", default=os.path.join(HERE, "..", "build", "release", "bench", "facility_ledger"))
    parser.add_argument("--verify", action="store_true", help="verify both ledgers, which reads all of them")
    options = parser.parse_args()
    if postgres.program("initdb") is None:
        print("skipped: no PostgreSQL server is installed")
        sys.exit(77)

    result = {}
    server = postgres.Server(options.folder, [f"shared_buffers={options.shared_buffers}", "max_wal_size=8GB", "checkpoint_timeout=30min"])
    try:
        address = server.create("facility")
        result["load_s"] = load(server, options.program, address, options.records)
        result["bytes"] = int(server.sql("facility", "SELECT pg_database_size('facility')"))
        server.sql("facility", "CHECKPOINT")
        for name in ("first", "again"):
            result[name] = run(options.program, "times", address, str(options.records), str(options.starts))
        if options.verify:
            result["verify"] = run(options.program, "verify", address)
    finally:
        server.remove()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = os.path.join(folder, "ledger.db")
        result["sqlite_fill"] = run(options.program, "fill", path, str(options.sqlite_records))
        result["sqlite_bytes"] = os.path.getsize(path)
        result["sqlite"] = run(options.program, "times", path, str(options.sqlite_records), str(options.starts))
        if options.verify:
            result["sqlite_verify"] = run(options.program, "verify", path)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
