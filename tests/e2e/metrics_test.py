"""A running edge as its watchers see it: /metrics, read by Prometheus' own client library, and one line on a terminal."""
import os
import pty
import re
import signal
import time
import unittest
import urllib.error
import urllib.request

from common import ETALON, Case, free_address, main

import subprocess

try:
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    text_string_to_metric_families = None


def read(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        return answer.read().decode()


def samples(text):
    return {(s.name, tuple(sorted(s.labels.items()))): s.value
            for family in text_string_to_metric_families(text) for s in family.samples}


class Metrics(Case):
    def slow_run(self, *more, stderr=subprocess.PIPE):
        """A detector that takes some seconds over a series, and a run that follows it."""
        source, detector = self.simulate(frames=40), free_address()
        replay = self.start("replay", source, "--bind", detector, "--rate", "16")
        command = [ETALON, "run", self.recipe(), "--source", detector,
                   "--out", "out", "--json", *more]
        run = subprocess.Popen(command, env=self.environment, cwd=self.folder, text=True,
                               stdout=subprocess.PIPE, stderr=stderr)
        return replay, run

    def address_of(self, run):
        while True:
            line = run.stderr.readline()
            self.assertTrue(line, "the run ended without naming its metrics")
            found = re.search(r"metrics at (http://127\.0\.0\.1:\d+/metrics)", line)
            if found:
                return found.group(1)

    @unittest.skipIf(text_string_to_metric_families is None, "no prometheus_client")
    def test_metrics_of_a_detector_that_stalls(self):
        replay, run = self.slow_run("--metrics", "0")
        url = self.address_of(run)
        figures = lambda: {name: value for (name, labels), value in samples(read(url)).items() if not labels}
        while figures()["etalon_edge_frames_total"] < 3:
            time.sleep(0.05)
        replay.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        before = figures()
        until = time.monotonic() + 30
        now = before
        while now["etalon_edge_seconds"] < before["etalon_edge_seconds"] + 1 and time.monotonic() < until:
            time.sleep(0.1)
            now = figures()
        replay.send_signal(signal.SIGCONT)
        self.assertGreaterEqual(now["etalon_edge_seconds"], before["etalon_edge_seconds"] + 1)
        self.assertEqual(now["etalon_edge_frames_total"], before["etalon_edge_frames_total"])
        self.assertLess(now["etalon_edge_frames_total"], 40)
        # What had come is done with, and the watcher hears so.
        self.assertEqual((now["etalon_edge_frames_in_flight"], now["etalon_edge_messages_unacknowledged"]), (0, 0))
        run.communicate(timeout=60)
        self.assertEqual(run.returncode, 0)
        self.end(replay)

    @unittest.skipIf(text_string_to_metric_families is None, "no prometheus_client")
    def test_metrics_while_it_runs(self):
        replay, run = self.slow_run("--metrics", "0")
        url = self.address_of(run)
        seen = []
        while run.poll() is None:
            try:
                seen.append(samples(read(url)))
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                break  # it has ended
            time.sleep(0.1)
        run.communicate(timeout=60)
        self.assertEqual(run.returncode, 0)
        self.end(replay)
        frames = [s[("etalon_edge_frames_total", ())] for s in seen]
        self.assertEqual(frames, sorted(frames))
        middle = [s for s in seen if 0 < s[("etalon_edge_frames_total", ())] < 40]
        self.assertGreater(len(middle), 2, frames)
        for s in middle:
            self.assertEqual(s[("etalon_edge_frames_total", ())],
                             s[("etalon_edge_frames_kept_total", ())]
                             + s[("etalon_edge_frames_vetoed_total", ())])
            self.assertEqual(s[("etalon_edge_raw_bytes_total", ())],
                             300 * 300 * 2 * s[("etalon_edge_frames_total", ())])
            names = [dict(labels)["series"] for name, labels in s if name == "etalon_edge_info"]
            self.assertEqual(len(names), 1)
            self.assertTrue(names[0])
            self.assertIn(("etalon_edge_stage_seconds_total", (("stage", "find"),)), s)
            self.assertLess(s[("etalon_edge_frames_in_flight", ())], 40)

    def test_one_line_on_a_terminal(self):
        master, slave = pty.openpty()
        replay, run = self.slow_run(stderr=slave)
        os.close(slave)
        shown = b""
        while True:
            try:
                part = os.read(master, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
        run.communicate(timeout=60)
        os.close(master)
        self.assertEqual(run.returncode, 0)
        self.end(replay)
        lines = re.findall(rb"frames[^\r]*hits [\d.]+ %, [\d.]+ x, [\d.]+ [kM]?B/s, queue \d+\+\d+, lost 0", shown)
        self.assertGreater(len(lines), 3, shown[-400:])
        self.assertLess(max(map(len, lines)), 140)

    def test_addresses(self):
        source = self.simulate(frames=4)
        for address, words, status in (("nowhere", "HOST:PORT", 2), ("127.0.0.1:99999", "HOST:PORT", 2),
                                       ("192.0.2.1:9464", "cannot be bound", 1)):
            _, err = self.etalon("run", self.recipe(), "--source", source, "--out", "out", "--metrics",
                                 address, status=status)
            self.assertIn(words, err)


if __name__ == "__main__":
    main()
