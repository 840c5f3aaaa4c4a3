#!/usr/bin/python3
"""A Slurm of one node for tests and benchmarks: munge, slurmctld and slurmd on free loopback ports, below a directory of
its own, as whoever runs this. Partitions `background` (default) and `demand`, which preempts it.

    with Cluster("SUSPEND") as cluster:      # or REQUEUE
        subprocess.run(["sinfo"], env=dict(os.environ, **cluster.environment))

A keeper process owns the daemons: it adopts whatever they leave behind (slurmstepd, jobs), and kills all of it when the
one that started it goes away, however that happens. `slurm_cluster.py SUSPEND -- CMD...` runs a command in such a cluster."""
import ctypes
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
PR_SET_CHILD_SUBREAPER = 36
# What makes Slurm start a job soon (docs/queue.md says which of them matter, and how much).
FAST = "batch_sched_delay=0,sched_interval=1,sched_min_interval=1000,bf_interval=1"

CONFIGURATION = """ClusterName=etalon
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={directory}/munge.socket,cred_expire=5
CredType=cred/munge
SlurmctldPort={controller_port}
SlurmdPort={node_port}
CommunicationParameters=NoInAddrAny
StateSaveLocation={directory}/state
SlurmdSpoolDir={directory}/spool
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd.pid
SlurmctldDebug=info
SlurmdDebug=info
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters={scheduling}
SchedulerTimeSlice=5
PriorityType=priority/basic
AccountingStorageType=accounting_storage/none
JobRequeue=1
KillWait=2
MinJobAge={kept_s}
PreemptType=preempt/partition_prio
PreemptMode={mode}
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=background Nodes=n1 Default=YES PriorityTier=1 PreemptMode={background_mode} MaxTime=INFINITE State=UP
PartitionName=demand Nodes=n1 Default=NO PriorityTier=100 PreemptMode=OFF MaxTime=INFINITE State=UP
"""


def missing():
    """The programs of Slurm and munge that are not installed."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    return [name for name in PROGRAMS if shutil.which(name, path=path) is None]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def write_configuration(directory, mode, scheduling, kept_s):
    controller_port, node_port = free_ports(2)
    for name in ("state", "spool"):
        os.makedirs(os.path.join(directory, name), exist_ok=True)
    with open(os.path.join(directory, "slurm.conf"), "w") as file:
        file.write(CONFIGURATION.format(
            host=socket.gethostname().split(".")[0], user=getpass.getuser(), directory=directory,
            controller_port=controller_port, node_port=node_port, scheduling=scheduling, kept_s=kept_s,
            mode="SUSPEND,GANG" if mode == "SUSPEND" else mode, background_mode=mode))
    key = os.open(os.path.join(directory, "munge.key"), os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(key, os.urandom(1024))
    os.close(key)


class Keeper:
    """Runs in a process of its own: starts and stops daemons as told on standard input, and ends with everything below
    itself when that is closed."""

    def __init__(self, directory):
        self.directory = directory
        self.daemons = {}
        os.environ["SLURM_CONF"] = os.path.join(directory, "slurm.conf")
        os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"

    def start(self, name):
        at = lambda what: os.path.join(self.directory, what)
        commands = {
            "munged": ["munged", "--foreground", "--force", "--key-file=" + at("munge.key"),
                       "--socket=" + at("munge.socket"), "--pid-file=" + at("munged.pid"),
                       "--log-file=" + at("munged.log"), "--seed-file=" + at("munge.seed")],
            "slurmctld": ["slurmctld", "-D", "-f", at("slurm.conf")],
            "slurmd": ["slurmd", "-D", "-f", at("slurm.conf"), "-N", "n1"],
        }
        with open(at(name + ".out"), "ab") as log:
            self.daemons[name] = subprocess.Popen(commands[name], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def stop(self, name):
        daemon = self.daemons.pop(name)
        daemon.terminate()  # it saves its state
        daemon.wait()

    def descendants(self):
        children = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/stat", "rb") as file:
                        fields = file.read().rpartition(b")")[2].split()
                except OSError:
                    continue
                if fields[0] != b"Z":
                    children.setdefault(int(fields[1]), []).append(int(entry))
        found, waiting = [], [os.getpid()]
        while waiting:
            below = children.get(waiting.pop(), [])
            found += below
            waiting += below
        return found

    def end(self):
        while True:
            left = self.descendants()
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                pass
            if not left:
                return
            time.sleep(0.02)

    def run(self):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):  # ends by its input alone
            signal.signal(number, signal.SIG_IGN)
        try:
            for line in sys.stdin:
                order, name = line.split()
                getattr(self, order)(name)
                print("done", flush=True)
        finally:
            self.end()


class Cluster:
    def __init__(self, mode, scheduling=FAST, kept_s=300):
        """mode: what becomes of background jobs, SUSPEND or REQUEUE; kept_s: how long the controller remembers jobs."""
        self.directory = tempfile.mkdtemp(prefix="slurm")
        os.chmod(self.directory, 0o755)
        write_configuration(self.directory, mode, scheduling, kept_s)
        self.environment = {"SLURM_CONF": os.path.join(self.directory, "slurm.conf")}
        self.keeper = subprocess.Popen([sys.executable, os.path.abspath(__file__), "keep", self.directory], text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        try:
            self.order("start munged")
            self.until_there("munge.socket")
            self.order("start slurmctld")
            self.order("start slurmd")
            self.until_idle()
        except BaseException:
            self.stop()
            raise

    def order(self, line):
        self.keeper.stdin.write(line + "\n")
        self.keeper.stdin.flush()
        if self.keeper.stdout.readline() != "done\n":
            raise RuntimeError(f"{self.directory}: the cluster's keeper did not {line}")

    def until_there(self, name, patience_s=60):
        deadline = time.monotonic() + patience_s
        while not os.path.exists(os.path.join(self.directory, name)):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.directory}/{name} did not appear\n{self.logs()}")
            time.sleep(0.02)

    def ask(self, *words, timeout=10):
        try:
            done = subprocess.run(words, env=dict(os.environ, **self.environment), stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            return ""
        return done.stdout.strip()

    def until_idle(self, patience_s=120):
        deadline = time.monotonic() + patience_s
        while self.ask("sinfo", "-h", "-N", "-p", "demand", "-o", "%t", timeout=2) != "idle":
            if time.monotonic() > deadline:
                raise RuntimeError(f"the node of {self.directory} did not become idle\n{self.logs()}")
            time.sleep(0.05)

    def until_answers(self, patience_s=60):
        deadline = time.monotonic() + patience_s
        while "UP" not in self.ask("scontrol", "ping", timeout=5):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the controller of {self.directory} does not answer\n{self.logs()}")
            time.sleep(0.05)

    def logs(self):
        text = ""
        for name in ("munged.out", "slurmctld.out", "slurmd.out"):
            try:
                with open(os.path.join(self.directory, name)) as file:
                    text += f"== {name}\n{file.read()[-4000:]}\n"
            except OSError:
                pass
        return text

    def stop(self):
        self.keeper.stdin.close()
        self.keeper.wait()
        self.keeper.stdout.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def main():
    if sys.argv[1:2] == ["keep"]:
        return Keeper(sys.argv[2]).run()
    mode, rest = sys.argv[1], sys.argv[3:]
    with Cluster(mode, os.environ.get("SLURM_SCHEDULING", FAST)) as cluster:
        return subprocess.run(rest, env=dict(os.environ, **cluster.environment)).returncode


if __name__ == "__main__":
    sys.exit(main())
