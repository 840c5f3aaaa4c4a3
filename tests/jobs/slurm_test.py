#!/usr/bin/python3
"""`etalon submit --runner slurm` on a Slurm of its own: preemption by suspension and by requeueing, failures, retries,
hostile words, cancelling, and a controller that is not there."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from slurm_cluster import Cluster, missing

if missing():
    print("skipped: not installed:", *missing())
    sys.exit(77)

ETALON = os.environ["ETALON"]
WORK = tempfile.mkdtemp()
PATIENCE_S = 240
# Counts in a file, which is whole whenever it is suspended, and prints what a chain of sums comes to.
COUNT = """
import os, sys, time
total = 1
for step in range(int(sys.argv[2])):
    total = (total * 6364136223846793005 + step) % 2**64
    with open(sys.argv[1] + ".new", "w") as file: file.write(str(step))
    os.replace(sys.argv[1] + ".new", sys.argv[1])
    time.sleep(0.01)
print(total)
"""
# Says whether the counter stands still.
OBSERVE = """
import sys, time
deadline = time.monotonic() + 60
while True:
    before = open(sys.argv[1]).read()
    time.sleep(0.3)
    if before and open(sys.argv[1]).read() == before: break
    assert time.monotonic() < deadline
time.sleep(0.5)
print(before, open(sys.argv[1]).read())
"""


def chain(steps):
    total = 1
    for step in range(steps):
        total = (total * 6364136223846793005 + step) % 2**64
    return total


class World:
    """etalon on one cluster, with a state directory whose name no shell should ever see unquoted."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.state = os.path.join(WORK, f"{name} it's $(touch pwned) %j;\"")
        self.env = dict(os.environ, ETALON_STATE=self.state, ETALON_BATCH_LIMIT="5", ETALON_CANCEL_GRACE="1",
                        **cluster.environment)

    def etalon(self, *words, status=0, **more):
        done = subprocess.run([ETALON, *words], capture_output=True, text=True, env=dict(self.env, **more),
                              timeout=PATIENCE_S, cwd=WORK, stdin=subprocess.DEVNULL)
        assert done.returncode == status, (words, done, self.cluster.logs())
        return done

    def submit(self, *words, status=0):
        return self.etalon("submit", "--runner", "slurm", *words, status=status).stdout.strip()

    def job(self, number, runner="slurm"):
        return json.loads(self.etalon("jobs", "--runner", runner, "--json", number).stdout)

    def until(self, number, *states, runner="slurm"):
        deadline = time.monotonic() + PATIENCE_S
        while self.job(number, runner)["state"] not in states:
            assert time.monotonic() < deadline, (self.job(number, runner), self.cluster.logs())
            time.sleep(0.05)
        return self.job(number, runner)

    def output(self, number, runner="slurm"):
        return self.etalon("jobs", "--runner", runner, "--output", number).stdout


def path(name):
    return os.path.join(WORK, name)


def content(name):
    try:
        with open(path(name)) as file:
            return file.read()
    except FileNotFoundError:
        return ""


def until(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_suspended_background_ends_as_if_undisturbed(world):
    background = world.submit("--option=-n2", "--", "python3", "-c", COUNT, path("counter"), "400")
    until(lambda: content("counter"), "the background job counts")
    urgent = world.submit("--urgent", "--option=-n2", "--wait", "--", "python3", "-c", OBSERVE, path("counter"))
    before, after = world.output(urgent).split()
    assert before == after and int(before) < 399, (before, after)
    job = world.until(background, "done", "failed", "cancelled", "lost")
    assert job["state"] == "done" and job["suspensions"] == 1 and job["requeues"] == 0, job
    assert world.output(background) == f"{chain(400)}\n"
    assert world.job(urgent)["latency_s"] > 0 and world.job(urgent)["batch_id"].isdigit()


def test_two_urgent_jobs_that_both_fill_the_node(world):
    first = world.submit("--urgent", "--option=-n2", "--", "sh", "-c", f"until [ -e '{path('go')}' ]; do sleep 0.05; done")
    world.until(first, "running")
    second = world.submit("--urgent", "--option=-n2", "--", "echo", "second")
    assert world.job(second)["state"] == "queued" and "PENDING" in world.job(second)["reason"], world.job(second)
    open(path("go"), "w").close()
    assert world.until(second, "done", "failed")["state"] == "done"
    assert world.output(second) == "second\n" and world.job(first)["state"] == "done"


def test_words_reach_the_job_as_they_are(world):
    words = ["a b", "it's", '"', "$(touch pwned)", "`touch pwned`", "two\nlines", ";touch pwned", "--urgent", "\\", "",
             "é", "%j", "#SBATCH --hold", "*"]
    number = world.submit("--wait", "--name", "n'; $(touch pwned)\n#SBATCH -H", "--", "python3", "-c",
                          "import json, sys, os; print(json.dumps([sys.argv[1:], os.getcwd(), os.environ['MARK']]))", *words)
    assert json.loads(world.output(number)) == [words, WORK, "it's $(marked)"], world.output(number)
    found = [name for _, _, names in os.walk(WORK) for name in names if name == "pwned"]
    assert not found and not os.path.exists("pwned")


def test_failures_and_retries(world):
    failed = world.submit("--", "sh", "-c", "echo bad; exit 4")
    job = world.until(failed, "failed")
    assert job["exit_code"] == 4 and job["reason"] == "exit code 4" and job["attempts"] == 1, job
    no_such = world.until(world.submit("--", "no-such-command"), "failed")
    assert no_such["exit_code"] == 127 and "no such command" in no_such["reason"], no_such
    third = "echo x >>'%s'; test $(wc -l <'%s') = 3" % (path("tries"), path("tries"))
    job = world.until(world.submit("--retries", "5", "--", "sh", "-c", third), "done", "failed")
    assert job["state"] == "done" and job["attempts"] == 3 and job["retries"] == 5, job
    assert "3/6" in world.etalon("jobs", "--runner", "slurm", str(job["id"])).stdout
    never = world.submit("--urgent", "--retries", "1", "--wait", "--", "sh", "-c", "echo try $ETALON_JOB; exit 1", status=1)
    job = world.job(never)
    assert job["state"] == "failed" and job["attempts"] == 2, job
    with open(job["output"] + ".1") as earlier:
        assert earlier.read() == f"try {never}\n"


def test_wrong_settings_are_explained(world):
    done = world.etalon("submit", "--runner", "slurm", "--", "true", status=1, ETALON_SLURM_BACKGROUND="nowhere")
    assert "ETALON_SLURM_BACKGROUND" in done.stderr and "partition" in done.stderr, done
    assert "4711" in world.etalon("jobs", "--runner", "slurm", "4711", status=5).stderr
    world.etalon("submit", "--deadline", "30s", "--", "true", status=2)
    world.etalon("submit", "--runner", "slurm", "--deadline", "soon", "--", "true", status=2)


def test_cancelling(world):
    running = world.submit("--option=-n2", "--", "sleep", "3600")
    world.until(running, "running")
    waiting = world.submit("--option=-n2", "--", "touch", path("ran"))
    assert world.job(waiting)["state"] == "queued"
    world.etalon("jobs", "--runner", "slurm", "--cancel", waiting)
    assert world.job(waiting)["state"] == "cancelled"
    world.etalon("jobs", "--runner", "slurm", "--cancel", running)
    assert world.until(running, "cancelled")["exit_code"] is None
    outside = world.submit("--", "sleep", "3600")
    world.until(outside, "running")
    world.cluster.ask("scancel", world.job(outside)["batch_id"])
    assert world.until(outside, "cancelled", "failed", "lost")["state"] == "cancelled"
    urgent = world.submit("--urgent", "--", "sleep", "3600")
    world.until(urgent, "running")
    world.etalon("jobs", "--runner", "slurm", "--cancel", urgent)
    assert world.until(urgent, "cancelled", "failed", "lost")["state"] == "cancelled"
    world.submit("--wait", "--option=-n2", "--", "true")  # nobody holds the node any more
    assert content("ran") == "" and not os.path.exists(path("ran"))


def recipe(name, more):
    with open(path(name), "w") as file:
        file.write(f'[veto]\nmin_peaks = 0\n[analyse]\nrunner = "slurm"\n{more}')
    return path(name)


def test_a_recipe_analyses_there(world):
    world.etalon("simulate", "stills", "-n", "8", "--size", "200,200", "-o", path("sim.h5"))
    report = json.loads(world.etalon("run", recipe("slurm.toml", ""), "--source", path("sim.h5"), "--out", path("there"),
                                     "--json").stdout)
    assert report["analysis"]["runner"] == "slurm" and os.path.exists(path("there/sim.powder.h5")), report
    job = world.job(str(report["analysis"]["job"]))
    assert job["state"] == "done" and job["urgent"] and job["batch_id"].isdigit(), job
    # The queue is full: when the deadline has passed, it runs here.
    blocker = world.submit("--urgent", "--option=-n2", "--", "sh", "-c", f"until [ -e '{path('enough')}' ]; do sleep 0.05; done")
    world.until(blocker, "running")
    report = json.loads(world.etalon("run", recipe("late.toml", "deadline_s = 0.3\n"), "--source", path("sim.h5"), "--out",
                                     path("here"), "--json").stdout)
    assert report["analysis"]["runner"] == "local" and os.path.exists(path("here/sim.powder.h5")), report
    assert world.job(str(report["analysis"]["job"]), "local")["state"] == "done"
    open(path("enough"), "w").close()
    world.until(blocker, "done")


def test_the_controller_is_not_there(world):
    ended = world.submit("--wait", "--", "echo", "kept")
    active = world.submit("--", "sleep", "3600")
    world.until(active, "running")
    world.cluster.order("stop slurmctld")
    for words in (("submit", "--runner", "slurm", "--", "true"), ("submit", "--runner", "slurm", "--urgent", "--", "true"),
                  ("jobs", "--runner", "slurm", active)):
        done = world.etalon(*words, status=5)
        assert "slurm" in done.stderr.lower(), done
    assert world.job(ended)["state"] == "done" and world.output(ended) == "kept\n"
    done = world.etalon("submit", "--runner", "slurm", "--deadline", "1h", "--wait", "--", "echo", "anyway")
    assert "local runner" in done.stderr, done  # it does not wait for a queue that is not there
    moved = world.job(done.stdout.strip())
    assert world.output(str(moved["moved_to"]), "local") == "anyway\n", moved
    world.cluster.order("start slurmctld")
    world.cluster.until_answers()
    assert world.until(active, "running")["state"] == "running"
    world.etalon("jobs", "--runner", "slurm", "--cancel", active)
    world.until(active, "cancelled")


def test_a_deadline_that_passes(world):
    holder = world.submit("--urgent", "--option=-n2", "--", "sleep", "3600")
    world.until(holder, "running")
    done = world.etalon("submit", "--runner", "slurm", "--urgent", "--option=-n2", "--deadline", "2s", "--wait", "--",
                        "sh", "-c", f"echo ran >>'{path('late')}'; echo here")
    number = done.stdout.strip()
    assert "not started by its deadline" in done.stderr and "local runner" in done.stderr, done
    late = world.job(number)
    assert late["state"] == "cancelled" and late["started_s"] is None, late
    there = world.job(str(late["moved_to"]), "local")
    assert there["state"] == "done" and there["stands_in_for"] == f"slurm job {number}" and there["urgent"], there
    assert world.output(str(there["id"]), "local") == "here\n"
    assert world.cluster.ask("squeue", "-h", "-j", late["batch_id"], "-o", "%T") != "PENDING"
    world.etalon("jobs", "--runner", "slurm", "--cancel", holder)
    world.until(holder, "cancelled")
    world.submit("--wait", "--option=-n2", "--", "true")  # the queue has moved on, and did not run it
    assert content("late") == "ran\n"


def test_a_deadline_that_is_met(world):
    number = world.submit("--urgent", "--deadline", "1h", "--", "sh", "-c", f"echo ran >>'{path('early')}'")
    assert world.until(number, "done", "cancelled", "failed")["state"] == "done"
    local = json.loads(world.etalon("jobs", "--json").stdout)["jobs"][-1]
    assert local["stands_in_for"] == f"slurm job {number}", local
    assert "not needed" in world.until(str(local["id"]), "cancelled", runner="local")["reason"]
    assert content("early") == "ran\n"


def test_a_deadline_outlives_the_daemon_that_watches_it(world):
    holder = world.submit("--urgent", "--option=-n2", "--", "sleep", "3600")
    world.until(holder, "running")
    number = world.submit("--option=-n2", "--deadline", "3s", "--", "sh", "-c", f"echo ran >>'{path('watched')}'")
    with open(os.path.join(world.state, "jobs", "lock")) as lock:
        os.kill(int(lock.read()), signal.SIGKILL)
    until(lambda: content("watched"), "it runs though nobody asks")
    assert world.until(str(world.job(number)["moved_to"]), "done", runner="local")["attempts"] == 1
    world.etalon("jobs", "--runner", "slurm", "--cancel", holder)
    world.until(holder, "cancelled")
    world.submit("--wait", "--option=-n2", "--", "true")
    assert content("watched") == "ran\n"


def test_requeued_background_ends_with_the_same_result(world):
    background = world.submit("--option=-n2", "--", "sh", "-c",
                              f"echo begun >>'{path('begun')}'; exec python3 -c '{COUNT}' '{path('again')}' 300")
    until(lambda: content("again"), "the background job counts")
    urgent = world.submit("--urgent", "--option=-n2", "--wait", "--", "sh", "-c", "echo ran; sleep 0.5")
    assert world.output(urgent) == "ran\n"
    job = world.until(background, "done", "failed", "cancelled", "lost")
    assert job["state"] == "done" and job["requeues"] == 1 and job["suspensions"] == 0 and job["attempts"] == 1, job
    assert content("begun") == "begun\n" * 2
    assert world.output(background) == f"{chain(300)}\n"


def test_no_daemon_outlives_a_killed_test():
    code = f"import sys; sys.path.insert(0, {os.path.dirname(os.path.abspath(__file__))!r})\n" \
           "from slurm_cluster import Cluster; import time\n" \
           "c = Cluster('SUSPEND'); c.ask('sbatch', '--wrap', 'sleep 3600'); print(c.directory, flush=True); time.sleep(3600)"
    victim = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=WORK)
    directory = victim.stdout.readline().strip()

    def named():
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as line, open(f"/proc/{entry}/environ", "rb") as about:
                    if directory.encode() in line.read() + about.read():
                        found.append(int(entry))
            except OSError:
                pass
        return found

    assert len(named()) >= 3, "munged, slurmctld and slurmd"
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    until(lambda: not named(), "all of the cluster ends")
    shutil.rmtree(directory, ignore_errors=True)


def run(tests, *arguments):
    for test in tests:
        if len(sys.argv) > 1 and not any(word in test.__name__ for word in sys.argv[1:]):
            continue
        started = time.monotonic()
        test(*arguments)
        print(f"ok {test.__name__} ({time.monotonic() - started:.1f} s)", flush=True)


try:
    os.environ["MARK"] = "it's $(marked)"
    with Cluster("SUSPEND") as cluster:
        world = World(cluster, "suspend")
        run([test_suspended_background_ends_as_if_undisturbed, test_two_urgent_jobs_that_both_fill_the_node,
             test_words_reach_the_job_as_they_are, test_failures_and_retries, test_wrong_settings_are_explained,
             test_cancelling, test_a_deadline_that_passes, test_a_deadline_that_is_met,
             test_a_deadline_outlives_the_daemon_that_watches_it, test_a_recipe_analyses_there, test_the_controller_is_not_there], world)
        world.etalon("job-daemon", "--stop")
    with Cluster("REQUEUE") as cluster:
        run([test_requeued_background_ends_with_the_same_result], World(cluster, "requeue"))
    run([test_no_daemon_outlives_a_killed_test])
finally:
    for name in os.listdir(WORK):  # also when a test failed
        if os.path.isdir(os.path.join(WORK, name, "jobs")):
            subprocess.run([ETALON, "job-daemon", "--stop", os.path.join(WORK, name)], check=False)
    shutil.rmtree(WORK)
sys.exit(0)
