"""A PostgreSQL server for tests and benchmarks: in a folder of its own, on a socket there, gone with the process."""
import ctypes
import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

NOBODY = 65534
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def program(name):
    """Debian keeps each version's programs in a folder of its own; the newest is taken, None where there is none."""
    found = glob.glob(f"/usr/lib/postgresql/*/bin/{name}")
    return max(found, key=lambda path: int(re.search(r"postgresql/(\d+)", path)[1]), default=None)


class Server:
    def __init__(self, folder=None, settings=()):
        self.folder = tempfile.mkdtemp(prefix="etalon_pg_", dir=folder)
        self.settings = settings
        self.process = None
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
        subprocess.run([program("initdb"), "-D", self.data(), "-U", "owner", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
                       preexec_fn=self.become, stdout=subprocess.DEVNULL, check=True, cwd="/")
        self.start()

    def data(self):
        return os.path.join(self.folder, "data")

    def become(self):
        """The server refuses to run as root."""
        if os.geteuid() == 0:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGQUIT)

    def start(self):
        words = [program("postgres"), "-D", self.data(), "-k", self.folder, "-F", "-c", "listen_addresses="]
        for setting in self.settings:
            words += ["-c", setting]
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(words, preexec_fn=self.become, cwd="/", stdout=log, stderr=log)
        for _ in range(600):
            if subprocess.run([program("pg_isready"), "-q", "-h", self.folder]).returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError("the server does not start")

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait()
            self.process = None

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def address(self, database):
        return f"postgresql://owner@/{database}?host={self.folder}"

    def sql(self, database, text):
        """As superuser; what comes back, a row a line."""
        done = subprocess.run([program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", self.address(database)],
                              input=text, text=True, capture_output=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def create(self, database):
        self.sql("postgres", f"CREATE DATABASE {database}")
        return self.address(database)
