#!/usr/bin/python3
"""`etalon submit --runner pbs` against a recorded dialogue: qsub, qstat and qdel here are programs that write down how they
are called and answer in the words and forms of the PBS Professional Reference Guide. No PBS is involved: it is in no
Debian package. The job's script itself is run, as PBS would."""
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

ETALON = os.environ["ETALON"]
WORK = tempfile.mkdtemp()
CALLS = os.path.join(WORK, "calls")
ANSWERS = os.path.join(WORK, "answers")  # NAME.out, NAME.err, NAME.rc
FAKE = """#!/usr/bin/python3
import json, os, sys
name = os.path.basename(sys.argv[0])
with open(os.environ["PBS_CALLS"], "a") as calls: calls.write(json.dumps([name] + sys.argv[1:]) + "\\n")
def answer(kind):
    try: return open(os.path.join(os.environ["PBS_ANSWERS"], name + "." + kind)).read()
    except FileNotFoundError: return ""
sys.stdout.write(answer("out")); sys.stderr.write(answer("err")); sys.exit(int(answer("rc") or 0))
"""
ENV = dict(os.environ, ETALON_STATE=os.path.join(WORK, "it's state"), PBS_CALLS=CALLS, PBS_ANSWERS=ANSWERS,
           PATH=os.path.join(WORK, "bin") + ":" + os.environ["PATH"], ETALON_BATCH_LIMIT="60")


def qstat(number, state, **more):
    """What `qstat -f -F json` prints of one job."""
    return json.dumps({
        "timestamp": 1700000000, "pbs_version": "2022.1.1", "pbs_server": "pbs01",
        "Jobs": {f"{number}.pbs01": {
            "Job_Name": "powder", "Job_Owner": "user@login1", "job_state": state, "queue": "demand", "server": "pbs01",
            "Checkpoint": "u", "Join_Path": "oe", "Rerunable": "True", "Priority": 0,
            "Resource_List": {"ncpus": 1, "nodect": 1, "place": "pack", "select": "1:ncpus=1"},
            "Variable_List": {"PBS_O_HOME": "/home/user", "PBS_O_LANG": "en_US.UTF-8", "PBS_O_QUEUE": "demand"}, **more}}},
        indent=4)


def answers(name, out="", err="", rc=0):
    for kind, text in (("out", out), ("err", err), ("rc", str(rc))):
        with open(os.path.join(ANSWERS, f"{name}.{kind}"), "w") as file:
            file.write(text)


def calls():
    with open(CALLS) as file:
        return [json.loads(line) for line in file]


def etalon(*words, status=0, **more):
    done = subprocess.run([ETALON, *words], capture_output=True, text=True, env=dict(ENV, **more), timeout=240, cwd=WORK,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == status, (words, done)
    return done


def job(number):
    return json.loads(etalon("jobs", "--runner", "pbs", "--json", number).stdout)


def submit(batch_number, *words):
    answers("qsub", f"{batch_number}.pbs01\n")
    return etalon("submit", "--runner", "pbs", *words).stdout.strip()


def run_script(number, batch_number, **more):
    """As pbs_mom does, but for its session."""
    script = os.path.join(ENV["ETALON_STATE"], "pbs", "jobs", number, "script")
    return subprocess.Popen(["/bin/sh", script], cwd="/", start_new_session=True, stdin=subprocess.DEVNULL,
                            env={"PBS_JOBID": f"{batch_number}.pbs01", "PATH": "/usr/bin:/bin", "NCPUS": "3", **more})


def test_the_words_for_qsub():
    number = submit(101, "--urgent", "--name", "a long; name\n-I", "--option=-l", "--option=select=1:ncpus=2", "--", "true")
    script = os.path.join(ENV["ETALON_STATE"], "pbs", "jobs", number, "script")
    assert calls()[-1] == ["qsub", "-l", "select=1:ncpus=2", "-N", "a_long__name_-I", "-q", "demand", "-r", "y", "-j", "oe",
                           "-o", "/dev/null", script], calls()[-1]
    submit(102, "--", "true")
    assert calls()[-1][1:5] == ["-N", "true", "-q", "preemptable"] and "y" in calls()[-1], calls()[-1]
    assert "true" not in open(script).read().replace(ETALON, "")


def test_from_queued_to_done():
    number = submit(103, "--", "sh", "-c", "echo $PBS_JOBID $NCPUS $MARK; exit 0")
    answers("qstat", qstat(103, "Q", comment="Not Running: Insufficient amount of resource: ncpus"))
    queued = job(number)
    assert queued["state"] == "queued" and "Insufficient" in queued["reason"] and queued["batch_id"] == "103.pbs01", queued
    assert calls()[-1] == ["qstat", "-x", "-f", "-F", "json", "103.pbs01"]
    assert run_script(number, 103).wait() == 0
    done = job(number)  # its own record says so, whatever qstat still shows
    assert done["state"] == "done" and done["exit_code"] == 0 and done["latency_s"] > 0, done
    assert etalon("jobs", "--runner", "pbs", "--output", number).stdout == "103.pbs01 3 it's marked\n"
    spec = os.path.join(ENV["ETALON_STATE"], "pbs", "jobs", number, "spec")
    os.truncate(spec, os.path.getsize(spec) // 2)
    listed = {j["id"]: j for j in json.loads(etalon("jobs", "--runner", "pbs", "--json").stdout)["jobs"]}
    assert listed[int(number)]["state"] == "lost" and spec in listed[int(number)]["reason"], listed
    assert "lost" in etalon("jobs", "--runner", "pbs").stdout
    shutil.rmtree(os.path.dirname(spec))


def test_killed_without_warning_and_run_again():
    number = submit(104, "--", "sh", "-c", "echo begun; [ -e go ] || sleep 3600; echo ended")
    first = run_script(number, 104)
    answers("qstat", qstat(104, "R", session_id=first.pid, substate=42, run_count=1))
    while job(number)["state"] != "running":
        pass
    os.killpg(first.pid, 9)
    first.wait()
    answers("qstat", qstat(104, "Q", run_count=1))
    assert job(number)["state"] == "queued"
    open(os.path.join(WORK, "go"), "w").close()
    assert run_script(number, 104).wait() == 0
    done = job(number)
    assert done["state"] == "done" and done["requeues"] == 1 and done["attempts"] == 1, done
    assert etalon("jobs", "--runner", "pbs", "--output", number).stdout == "begun\nended\n"


def test_ends_that_only_pbs_knows():
    number = submit(105, "--", "true")
    answers("qstat", qstat(105, "F", Exit_status=271, substate=91, comment="Job run at Mon Nov 01 and finished"))
    assert job(number)["state"] == "cancelled", job(number)
    number = submit(106, "--", "true")
    answers("qstat", qstat(106, "F", Exit_status=-29, substate=93, comment="job exceeded resource walltime"))
    failed = job(number)
    assert failed["state"] == "failed" and "walltime" in failed["reason"], failed
    number = submit(107, "--", "true")
    answers("qstat", "", "qstat: Unknown Job Id 107.pbs01\n", 153)
    assert job(number)["state"] == "lost", job(number)


def test_cancelling():
    number = submit(108, "--", "touch", "ran")
    answers("qdel")
    answers("qstat", qstat(108, "Q"))
    etalon("jobs", "--runner", "pbs", "--cancel", number)
    assert calls()[-1] == ["qdel", "108.pbs01"]
    assert job(number)["state"] == "cancelled"
    assert run_script(number, 108).wait() == 4, "it was started all the same, and must not run"
    assert not os.path.exists(os.path.join(WORK, "ran"))


def test_a_signal_that_reaches_the_job_first():
    for cancel, expected in ((True, "cancelled"), (False, "queued")):
        number = submit(109, "--", "sh", "-c", "echo $$; exec sleep 3600")
        script = run_script(number, 109)
        answers("qstat", qstat(109, "R", session_id=script.pid, substate=42, run_count=1))
        while not etalon("jobs", "--runner", "pbs", "--output", number).stdout.endswith("\n"):
            pass
        if cancel:
            etalon("jobs", "--runner", "pbs", "--cancel", number)
        os.kill(int(etalon("jobs", "--runner", "pbs", "--output", number).stdout), signal.SIGTERM)
        time.sleep(0.1)
        os.killpg(script.pid, signal.SIGTERM)
        script.wait()
        answers("qstat", qstat(109, "Q", run_count=1))
        while job(number)["state"] == "running":
            pass
        ended = job(number)
        assert ended["state"] == expected and ended["attempts"] == 1, ended


def test_what_goes_wrong():
    answers("qsub", "", "qsub: Unknown queue\n", 166)
    assert "Unknown queue" in etalon("submit", "--runner", "pbs", "--", "true", status=1).stderr
    answers("qsub", "", "Connection refused\nqsub: cannot connect to server pbs01 (errno=15010)\n", 250)
    assert "cannot connect" in etalon("submit", "--runner", "pbs", "--", "true", status=5).stderr
    number = submit(109, "--", "true")
    answers("qstat", '{"Jobs": {"109.pbs01": ')
    assert "JSON" in etalon("jobs", "--runner", "pbs", number, status=3).stderr
    answers("qstat", qstat(109, "?"))
    assert "job_state" in etalon("jobs", "--runner", "pbs", number, status=3).stderr
    etalon("submit", "--runner", "pbs", "--", "true", status=5, PATH="/nowhere")


def test_old_jobs_are_forgotten():
    jobs = os.path.join(WORK, "old", "pbs", "jobs")
    for number in range(1, 1006):
        os.makedirs(os.path.join(jobs, str(number)))
        if number != 2:  # which has not ended
            open(os.path.join(jobs, str(number), "result"), "w").close()
    answers("qsub", "110.pbs01\n")
    assert etalon("submit", "--runner", "pbs", "--", "true", ETALON_STATE=os.path.join(WORK, "old")).stdout == "1006\n"
    assert sorted(map(int, os.listdir(jobs))) == [2] + list(range(7, 1007))


try:
    os.makedirs(os.path.join(WORK, "bin"))
    os.makedirs(ANSWERS)
    os.environ["MARK"] = ENV["MARK"] = "it's marked"
    for program in ("qsub", "qstat", "qdel"):
        file_name = os.path.join(WORK, "bin", program)
        with open(file_name, "w") as file:
            file.write(FAKE)
        os.chmod(file_name, stat.S_IRWXU)
    for test in [value for name, value in list(globals().items()) if name.startswith("test_")]:
        test()
        print("ok", test.__name__, flush=True)
finally:
    shutil.rmtree(WORK)
sys.exit(0)
