#!/usr/bin/python3
"""`etalon submit` and `etalon jobs` as a user meets them: output, JSON, messages, exit codes."""
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ETALON = os.environ["ETALON"]
WORK = tempfile.mkdtemp()
ENV = dict(os.environ, ETALON_STATE=os.path.join(WORK, "state"), ETALON_CANCEL_GRACE="1")
ENV.pop("ETALON_SLOTS", None)


def etalon(*words, status=0, env=ENV, **more):
    done = subprocess.run([ETALON, *words], capture_output=True, text=True, env=env, timeout=240,
                          cwd=WORK, stdin=subprocess.DEVNULL, **more)
    assert done.returncode == status, (words, done)
    return done


def job(number):
    return json.loads(etalon("jobs", "--json", str(number)).stdout)


def until(number, *states):
    deadline = time.monotonic() + 240
    while job(number)["state"] not in states:
        assert time.monotonic() < deadline, job(number)
        time.sleep(0.02)
    return job(number)


def test_numbers_waiting_and_output():
    done = etalon("submit", "--wait", "--", "sh", "-c", 'printf "%s|" "$@"', "x", "--", "-h", "a b",
                  "--urgent", "version")
    assert done.stdout == "1\n" and done.stderr == "", done
    assert etalon("jobs", "--output", "1").stdout == "--|-h|a b|--urgent|version|"
    assert etalon("submit", "--", "true").stdout == "2\n"
    assert until(2, "done")["exit_code"] == 0


def test_json():
    about = json.loads(etalon("submit", "--json", "--urgent", "--name", "now", "--wait", "--",
                              "true").stdout)
    assert about["schema"] == "etalon.submit/1" and about["runner"] == "local"
    assert about["state"] == "done" and about["name"] == "now" and about["urgent"] is True
    assert about["latency_s"] > 0 and about["ended_s"] >= about["started_s"]
    every = json.loads(etalon("jobs", "--json").stdout)
    assert every["schema"] == "etalon.jobs/1"
    assert [one["id"] for one in every["jobs"]] == list(range(1, len(every["jobs"]) + 1))
    name = json.loads(etalon("submit", "--json", "--wait", "--", "sh", "-c", "exit 4",
                             status=1).stdout)
    assert name["exit_code"] == 4 and name["state"] == "failed"


def test_failures_say_why():
    done = etalon("submit", "--wait", "--", "no-such-command", status=1)
    assert "no-such-command: no such command" in done.stderr
    number = done.stdout.strip()
    assert job(number)["exit_code"] == 127 and job(number)["started_s"] is None
    assert "no such command" in etalon("jobs", number).stdout
    done = etalon("submit", "--runner", "slurm", "--", "true", status=5, env=dict(ENV, PATH="/nowhere"))
    assert "sbatch" in done.stderr and "Slurm installed" in done.stderr, done
    done = etalon("submit", "--runner", "abacus", "--", "true", status=2)
    assert "local, slurm, pbs" in done.stderr, done
    etalon("submit", "--runner", "abacus", "--", "true", status=2)
    etalon("submit", status=2)
    etalon("submit", "--urgnt", "--", "true", status=2)
    assert "4711" in etalon("jobs", "4711", status=5).stderr
    etalon("jobs", "--cancel", "4711", status=5)
    etalon("jobs", "--cancel", "1", "--output", "1", status=2)
    etalon("jobs", "--cancel", "x", status=2)


def test_retries():
    command = 'echo x >>tries; echo try; test $(wc -l <tries) = 3'
    done = etalon("submit", "--retries", "4", "--wait", "--json", "--", "sh", "-c", command)
    about = json.loads(done.stdout)
    assert about["state"] == "done" and about["attempts"] == 3 and about["retries"] == 4, about
    assert etalon("jobs", "--output", str(about["id"])).stdout == "try\n"
    row = next(line for line in etalon("jobs").stdout.splitlines() if line.startswith(f"{about['id']} "))
    assert "3/5" in row.split(), row
    about = json.loads(etalon("submit", "--retries", "1", "--wait", "--json", "--", "false", status=1).stdout)
    assert about["state"] == "failed" and about["attempts"] == 2 and about["exit_code"] == 1, about
    number = etalon("submit", "--retries", "100000", "--", "false").stdout.strip()
    deadline = time.monotonic() + 240
    while job(number)["attempts"] < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert "failed: exit code 1" in job(number)["reason"], job(number)
    etalon("jobs", "--cancel", number)
    assert until(number, "cancelled")["attempts"] >= 2


def test_cancel_and_table():
    number = etalon("submit", "--name", "long", "--", "sleep", "3600").stdout.strip()
    until(number, "running")
    table = etalon("jobs").stdout
    row = next(line for line in table.splitlines() if " long " in line)
    assert row.split()[:4] == [number, "long", "background", "running"], row
    etalon("jobs", "--cancel", number)
    assert until(number, "cancelled")["exit_code"] is None
    again = etalon("jobs", "--cancel", number)
    assert "has ended before (cancelled)" in again.stderr and again.stdout == "", again
    few = etalon("jobs", "--last", "1").stdout.splitlines()
    assert len(few) == 3 and "--last 0" in few[2], few


def test_watching_one_ends_with_it():
    number = etalon("submit", "--", "sleep", "0.5").stdout.strip()
    lines = etalon("jobs", "--watch", "--json", number).stdout.splitlines()
    assert json.loads(lines[-1])["state"] == "done"


def test_interrupted_waiting_leaves_the_job():
    waiting = subprocess.Popen([ETALON, "submit", "--wait", "--", "sleep", "3600"], env=ENV,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    number = waiting.stdout.readline().strip()
    until(number, "running")
    waiting.send_signal(signal.SIGINT)
    _, errors = waiting.communicate(timeout=240)
    assert waiting.returncode == 130 and "goes on" in errors, errors
    assert job(number)["state"] == "running"
    etalon("jobs", "--cancel", number)
    until(number, "cancelled")


def test_a_terminal_that_goes_away():
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve("/bin/sh", ["sh", "-c", f"'{ETALON}' submit --name kept -- sleep 3600; exec cat"],
                  ENV)
    text = b""
    while b"\n" not in text:
        text += os.read(terminal, 100)
    number = text.decode().split()[0]
    until(number, "running")
    os.kill(pid, signal.SIGKILL)
    os.close(terminal)
    os.waitpid(pid, 0)
    assert job(number)["state"] == "running"
    etalon("jobs", "--cancel", number)


def test_a_state_directory_that_cannot_be():
    plain = os.path.join(WORK, "plain")
    open(plain, "w").close()
    done = etalon("submit", "--", "true", status=1, env=dict(ENV, ETALON_STATE=plain + "/state"))
    assert plain in done.stderr and "ETALON_STATE" in done.stderr


def test_senseless_settings():
    for state in (ENV["ETALON_STATE"], os.path.join(WORK, "other")):  # with a daemon, and without
        for words in (("submit", "--", "true"), ("jobs",)):
            bad = etalon(*words, status=2, env=dict(ENV, ETALON_STATE=state, ETALON_SLOTS="none"))
            assert "ETALON_SLOTS" in bad.stderr, bad


def test_the_daemon_is_internal():
    assert "job-daemon" not in etalon("--help").stdout
    etalon("job-daemon", "--stop")
    assert etalon("jobs").stdout


tests = [value for name, value in list(globals().items()) if name.startswith("test_")]
try:
    for test in tests:
        test()
        print("ok", test.__name__, flush=True)
finally:
    for one in json.loads(etalon("jobs", "--json").stdout)["jobs"]:
        if one["state"] in ("queued", "running", "suspended"):
            etalon("jobs", "--cancel", str(one["id"]))
            until(one["id"], "cancelled")
    etalon("job-daemon", "--stop")
    shutil.rmtree(WORK)
sys.exit(0)
