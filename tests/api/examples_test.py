#!/usr/bin/python3
"""Every program of docs/api.md compiles, runs, and prints what the page says.

Usage: examples_test.py CXX CC
"""
import importlib.util
import os
import re
import subprocess
import sys
import tempfile

SOURCE, BUILD = os.environ["ETALON_SOURCE_DIR"], os.environ["ETALON_BINARY_DIR"]
CXX, CC = sys.argv[1:]
WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
LIBRARY = ["-I", os.path.join(SOURCE, "include"), "-L", BUILD, "-letalon", "-Wl,-rpath," + BUILD]

with open(os.path.join(SOURCE, "docs", "api.md"), encoding="utf-8") as page:
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", page.read(), re.MULTILINE | re.DOTALL)
programs = [(kind, code, blocks[i + 1]) for i, (kind, code) in enumerate(blocks) if kind != "text"]
assert sorted(kind for kind, _, _ in programs) == ["c", "cpp", "cpp", "python", "python"]
assert all(after[0] == "text" for _, _, after in programs)

skipped = 0
for number, (kind, code, (_, wanted)) in enumerate(programs):
    with tempfile.TemporaryDirectory(prefix="etalon_api_") as folder:
        name = os.path.join(folder, "program." + {"cpp": "cpp", "c": "c", "python": "py"}[kind])
        with open(name, "w", encoding="utf-8") as file:
            file.write(code)
        if kind == "python":
            found = [importlib.util.find_spec(m) for m in re.findall(r"^import (\w+)", code, re.M)]
            if None in found:
                print("skipped: program", number, "needs a Python package that is not here")
                skipped += 1
                continue
            command = [sys.executable, name]
        else:
            command = [os.path.join(folder, "program")]
            compiler = [CXX, "-std=c++20"] if kind == "cpp" else [CC, "-std=c99"]
            subprocess.run([*compiler, *WARNINGS, name, *LIBRARY, "-o", command[0]], check=True)
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        assert done.returncode == 0, (number, kind, done.returncode, done.stderr)
        assert done.stdout == wanted, f"program {number} prints\n{done.stdout}and not\n{wanted}"
print(len(programs) - skipped, "programs ran")
