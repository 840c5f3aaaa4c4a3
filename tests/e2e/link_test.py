"""The link between edge and collector stalls, is far away and loses things; and only those with the right key use it."""
import json
import os
import random
import shutil
import signal
import socket
import time

from common import Case, free_address, main, sha256
from link import Link

RECIPE = """
[veto]
min_peaks = 5
[reduce]
bound = "lossless"
[analyse]
kind = "none"
[ship]
connect_limit_s = 20
silence_limit_s = 20
resend_after_s = 0.5
{ship}
"""


class LinkCase(Case):
    FRAMES = 240

    def setUp(self):
        super().setUp()
        self.source = self.simulate(frames=self.FRAMES)

    def ship(self, text):
        path = self.path("ship.toml")
        with open(path, "w") as file:
            file.write(RECIPE.format(ship=text))
        return path

    def link(self, collector, **how):
        link = Link(collector, **how)
        self.addCleanup(link.close)
        return link

    def begin(self, recipe, address, collector, *more):
        collect = self.start("collect", recipe, "--bind", collector, "--out", "split", "--json")
        edge = self.start("edge", recipe, "--source", self.source, "--connect", address, "--json", *more)
        return collect, edge

    def wait_for(self, condition, *processes):
        for _ in range(1000):
            if condition():
                return
            for process in processes:
                self.assertIsNone(process.poll())
            time.sleep(0.02)
        self.fail("waited too long")

    def finish(self, recipe, collect, edge):
        """Both reports, when all that an undisturbed run stores is stored."""
        reports = json.loads(self.end(edge)[0]), json.loads(self.end(collect)[0])
        whole = self.json("run", recipe, "--source", self.source, "--out", "whole", "-f")
        self.assertEqual(reports[1]["sha256"], whole["sha256"])
        self.assertEqual(sha256(self.path("split", "sim.h5")), whole["sha256"])
        self.assertEqual(reports[1]["conservation"], whole["conservation"])
        return reports


class SpoolCase(LinkCase):
    def spooled(self):
        folder = self.path("spool")
        names = [n for n in os.listdir(folder) if n.endswith(".spool")] if os.path.isdir(folder) else []
        return sum(os.path.getsize(os.path.join(folder, name)) for name in names)

    def ends_reading(self):
        """All that the edge keeps is on its disk, though nobody has taken it."""
        seen = 0
        while self.spooled() > seen or seen < 500000:
            seen = self.spooled()
            time.sleep(0.5)
        return seen


class Stall(SpoolCase):
    def test_the_network_stalls_and_the_spool_drains_in_order(self):
        recipe, collector = self.ship('window = 4\nspool = "spool"'), free_address()
        link = self.link(collector, rate=3e5, window=1 << 15)
        collect, edge = self.begin(recipe, link.address, collector)
        self.wait_for(lambda: self.spooled() > 0, collect, edge)
        link.stall()
        self.assertGreater(self.ends_reading(), 1000000)
        self.assertIsNone(edge.poll())
        link.rate = None
        link.flow()
        report, _ = self.finish(recipe, collect, edge)
        self.assertGreater(report["messages_spooled"], 20)
        self.assertFalse(os.path.exists(self.path("spool")))

    def test_the_collector_stands_still(self):
        recipe, collector = self.ship('window = 4\nspool = "spool"'), free_address()
        link = self.link(collector, rate=3e5, window=1 << 15)
        collect, edge = self.begin(recipe, link.address, collector)
        self.wait_for(lambda: self.spooled() > 0, collect, edge)
        collect.send_signal(signal.SIGSTOP)
        self.assertGreater(self.ends_reading(), 1000000)
        collect.send_signal(signal.SIGCONT)
        link.rate = None
        report, _ = self.finish(recipe, collect, edge)
        self.assertGreater(report["messages_spooled"], 20)

    def test_a_full_spool_holds_the_edge_back(self):
        recipe, collector = self.ship('window = 4\nspool = "spool"\nspool_limit_mb = 1'), free_address()
        link = self.link(collector, rate=3e5, window=1 << 15)
        collect, edge = self.begin(recipe, link.address, collector)
        self.wait_for(lambda: self.spooled() > 0, collect, edge)
        link.stall()
        self.assertLess(self.ends_reading(), 1500000)  # of more than two
        link.rate = None
        link.flow()
        self.finish(recipe, collect, edge)

    def test_a_link_that_is_cut_for_good_leaves_what_can_be_gone_on_with(self):
        recipe, collector = self.ship('window = 4\nspool = "spool"'), free_address()
        with open(recipe) as file:
            text = file.read().replace("silence_limit_s = 20", "silence_limit_s = 1")
        with open(recipe, "w") as file:
            file.write(text)
        link = self.link(collector, rate=3e5, window=1 << 15)
        collect, edge = self.begin(recipe, link.address, collector)
        self.wait_for(lambda: self.spooled() > 300000, collect, edge)
        link.stall()
        _, err = self.end(edge, status=1)
        self.assertIn("start the edge again", err)
        _, err = self.end(collect, status=1)
        self.assertIn("start the collector again", err)
        self.assertNotIn("sim.h5", self.left("split"))
        collect, edge = self.begin(recipe, collector, collector)
        report, _ = self.finish(recipe, collect, edge)
        self.assertGreater(report["frames_resumed"], 0)


class Memory(SpoolCase):
    FRAMES = 150

    def simulate(self, frames):
        return super().simulate(frames=frames, size="700,700")

    def test_a_spool_that_fills_takes_disk_and_not_memory(self):
        recipe, collector = self.ship('window = 4\nspool = "spool"'), free_address()
        with open(recipe) as file:
            text = file.read().replace("min_peaks = 5", "min_peaks = 0")
        with open(recipe, "w") as file:
            file.write(text)
        link = self.link(collector, rate=3e5, window=1 << 15)
        collect, edge = self.begin(recipe, link.address, collector, "-T", "1")

        def resident():
            with open(f"/proc/{edge.pid}/statm") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        self.wait_for(lambda: self.spooled() > 2000000, collect, edge)
        link.stall()
        before, memory = self.spooled(), resident()
        written = self.ends_reading() - before
        self.assertGreater(written, 5000000)
        self.assertLess(resident() - memory, written / 2)
        link.rate = None
        link.flow()
        self.finish(recipe, collect, edge)


class Far(LinkCase):
    def test_several_streams_over_a_far_and_bad_link(self):
        recipe, collector = self.ship("streams = 4\nwindow = 64"), free_address()
        link = self.link(collector, delay_s=0.025, jitter_s=0.01, loss=0.03)
        collect, edge = self.begin(recipe, link.address, collector)
        luck = random.Random(1)
        for _ in range(4):
            time.sleep(luck.uniform(0.1, 0.3))
            link.cut()
        self.finish(recipe, collect, edge)
        self.assertGreaterEqual(link.open, 4)
        self.assertGreater(link.lost, 0)


class Keys(LinkCase):
    FRAMES = 8

    def test_with_keys_nothing_is_sent_in_the_clear(self):
        self.etalon("keys", "keys")
        recipe, collector = self.ship('keys = "keys"'), free_address()
        with Wiretap(collector) as tap:
            collect, edge = self.begin(recipe, tap.address, collector)
            self.finish(recipe, collect, edge)
        self.assertGreater(len(tap.heard), 10000)
        self.assertNotIn(b"etalon.ship", tap.heard)

    def test_each_end_needs_only_its_own_secret(self):
        self.etalon("keys", "keys")
        recipe, collector = self.ship('keys = "${KEYS}"'), free_address()
        for end, names in (("edge", ("edge.key", "collector.pub")), ("centre", ("collector.key", "edge.pub"))):
            os.mkdir(self.path(end))
            for name in names:
                shutil.copy(self.path("keys", name), self.path(end, name))
        self.environment["KEYS"] = self.path("centre")
        collect = self.start("collect", recipe, "--bind", collector, "--out", "split", "--json")
        self.environment["KEYS"] = self.path("edge")
        self.etalon("edge", recipe, "--source", self.source, "--connect", collector)
        self.end(collect)

    def test_wrong_keys(self):
        self.etalon("keys", "keys")
        self.etalon("keys", "other")
        recipe, collector = self.ship('keys = "${KEYS}"'), free_address()
        self.environment["KEYS"] = self.path("keys")
        collect = self.start("collect", recipe, "--bind", collector, "--out", "split", "--json")
        shutil.copy(self.path("keys", "collector.pub"), self.path("other", "collector.pub"))
        self.environment["KEYS"] = self.path("other")
        _, err = self.etalon("edge", recipe, "--source", self.source, "--connect", collector, status=2)
        self.assertIn("does not know our key", err)
        self.assertIsNone(collect.poll())  # it still waits for the right one
        self.environment["KEYS"] = self.path("keys")
        self.etalon("edge", recipe, "--source", self.source, "--connect", collector)
        self.end(collect)

    def test_beyond_this_machine_only_with_keys_or_a_word(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        recipe = self.ship("")
        _, err = self.etalon("collect", recipe, "--bind", f"tcp://*:{port}", "--out", "split", status=2)
        self.assertIn("ship.insecure", err)
        _, err = self.etalon("edge", recipe, "--source", self.source, "--connect", "tcp://192.0.2.1:5601", status=2)
        self.assertIn("ship.insecure", err)
        recipe = self.ship("insecure = true")
        collect, edge = self.begin(recipe, f"tcp://127.0.0.1:{port}", f"tcp://*:{port}")
        self.finish(recipe, collect, edge)

    def test_keys_are_not_written_over_and_missing_ones_are_said(self):
        self.etalon("keys", "keys")
        _, err = self.etalon("keys", "keys", status=2)
        self.assertIn("exists already", err)
        self.assertEqual(os.stat(self.path("keys", "edge.key")).st_mode & 0o777, 0o600)
        _, err = self.etalon("collect", self.ship('keys = "none"'), "--out", "split", status=5)
        self.assertIn("collector.key", err)


class Wiretap(Link):
    """A link that keeps what it carries."""

    def __init__(self, target):
        self.heard = bytearray()
        super().__init__(target)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def overhear(self, piece):
        self.heard += piece


if __name__ == "__main__":
    main()
