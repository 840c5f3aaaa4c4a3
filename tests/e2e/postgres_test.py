"""etalon run and etalon ledger with a ledger on a PostgreSQL server; made-up records by the thousand."""
import json
import os
import subprocess
import sys
import time
import unittest

from common import Case, main

SOURCE = os.environ["ETALON_SOURCE_DIR"]
BINARY = os.environ["ETALON_BINARY_DIR"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "ledger"))
import postgres  # noqa: E402


class Postgres(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = postgres.Server()
        cls.made = 0

    @classmethod
    def tearDownClass(cls):
        cls.server.remove()

    def setUp(self):
        super().setUp()
        Postgres.made += 1
        self.database = f"d{self.made}"
        self.address = self.server.create(self.database)

    def test_a_run_leads_back_to_its_source(self):
        source = self.simulate()
        recipe = self.recipe(more=f'[store]\nledger = "{self.address}"\n')
        report = self.json("run", recipe, "--source", source, "--out", "out")
        self.assertEqual(report["ledger"], self.address)
        self.assertFalse(os.path.exists(self.path("out", "ledger.db")))
        for name in (report["output"], report["decision"]["ledger_id"]):
            records = json.loads(self.lineage(self.address, name))["records"]
            self.assertEqual(records[0]["kind"], "source")
        self.environment["ETALON_LEDGER"] = self.address
        out, _ = self.etalon("ledger", "verify")
        self.assertIn("all is well: 9 records, 9 events, 3 files", out)
        self.assertEqual(len(self.json("ledger", "show")["records"]), 9)
        self.etalon("report", "out", "-o", "r.html")
        with open(self.path("r.html")) as page:
            self.assertIn("The ledger knows this file", page.read())

        # The same work again: no record more.
        self.etalon("run", recipe, "--source", source, "--out", "again")
        self.assertEqual(self.server.sql(self.database, "SELECT count(*) FROM etalon.event"), "18\n")

        with open(self.path(report["output"]), "r+b") as file:
            file.seek(100)
            byte = file.read(1)
            file.seek(100)
            file.write(bytes([byte[0] ^ 1]))
        out, _ = self.etalon("ledger", "verify", status=4)
        self.assertIn("file " + os.path.realpath(self.path(report["output"])), out)

    def test_what_is_wrong(self):
        def fails(status, says, *arguments):
            out, err = self.etalon(*arguments, status=status)
            self.assertEqual(out, "")
            self.assertIn(says, err)
            self.assertNotIn("secret", err)
            self.assertEqual(err.count("\n"), 1, err)

        began = time.monotonic()
        fails(5, "no connection to the database", "ledger", "show", "--ledger", "postgresql:///x?host=" + self.folder)
        self.assertLess(time.monotonic() - began, 60)  # it does not hang
        fails(5, "does not exist", "ledger", "verify", "--ledger", self.server.address("none"))
        fails(5, "no schema etalon", "ledger", "show", "--ledger", self.address)
        fails(2, ".pgpass", "ledger", "show", "--ledger", "postgresql://me:secret@host/db")
        fails(2, ".pgpass", "ledger", "show", "--ledger", "postgres://host/db?password=secret")
        fails(2, "no address", "ledger", "show", "--ledger", "postgresql://host/db?colour=red")
        self.server.sql(self.database, "CREATE SCHEMA etalon; CREATE TABLE etalon.t(x int)")
        fails(3, "something else", "ledger", "show", "--ledger", self.address)
        self.server.sql(self.database, "COMMENT ON SCHEMA etalon IS 'Etalon ledger, version 7'")
        fails(3, "version 7", "ledger", "verify", "--ledger", self.address)

        # A run says so before it takes a frame.
        source = self.simulate(frames=4)
        for address, status in ((self.address, 3), ("postgresql:///x?host=" + self.folder, 5),
                                ("postgresql://me:secret@host/db", 2)):
            recipe = self.recipe(more=f'[store]\nledger = "{address}"\n')
            _, err = self.etalon("run", recipe, "--source", source, "--out", "out", status=status)
            self.assertNotIn("secret", err)
        self.assertEqual(self.left(), [])

    def test_thousands_of_records(self):
        """The experiment of bench/ledger_postgres.py, small; its ledgers verify."""
        tool = os.path.join(BINARY, "bench", "facility_ledger")
        out = subprocess.run([sys.executable, os.path.join(SOURCE, "bench", "ledger_postgres.py"), "--records", "2000",
                              "--sqlite-records", "2000", "--starts", "100", "--verify", "--program", tool],
                             capture_output=True, text=True)
        self.assertEqual(out.returncode, 0, out.stderr)
        result = json.loads(out.stdout)
        for where in ("verify", "sqlite_verify"):
            self.assertEqual((result[where]["records"], result[where]["problems"]), (2000, 0))
        for what in ("anywhere", "model"):
            self.assertEqual(result["again"][what]["records_found"], result["sqlite"][what]["records_found"])
        self.assertEqual(result["again"]["model"]["records_found"]["median"], 553)


if postgres.program("initdb") is None or b"postgresql (no)" in subprocess.run(
        [os.environ["ETALON"], "version"], capture_output=True).stdout:
    print("skipped: no PostgreSQL, or not built in")
    sys.exit(77)
if __name__ == "__main__":
    main()
