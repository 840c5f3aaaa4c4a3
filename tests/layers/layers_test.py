"""Fails on an #include that docs/architecture.md does not draw, a CMake arrow that differs from it, a room without a README.

Usage: layers_test.py SOURCE_DIR
"""
import os
import re
import sys
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("ETALON_SOURCE_DIR", Path(__file__).resolve().parents[2]))

# Outside headers by the name that the table uses for them; every other <...> with a slash or .h is listed in SYSTEM.
OUTSIDE = {
    "hwy": r"hwy/.*", "zstd": r"zstd\.h", "sqlite3": r"sqlite3\.h", "pqxx": r"pqxx/.*|libpq-fe\.h", "openssl": r"openssl/.*", "xxhash": r"(xxhash|xxh_x86dispatch)\.h", "zip": r"zip\.h",
    "hdf5": r"(hdf5|H5\w+)\.h", "bzlib": r"bzlib\.h", "tiffio": r"tiffio\.h", "httplib": r"httplib\.h", "zmq": r"zmq\.h(pp)?", "lz4": r"lz4\.h", "cairo": r"cairo(-\w+)?\.h", "png": r"png\.h", "zlib": r"zlib\.h",
    "tomlplusplus": r"toml\+\+/.*", "nlohmann": r"nlohmann/.*",
}
# POSIX and Linux headers are open to the rooms that touch files, processes or sockets.
POSIX = re.compile(r"(sys|linux|arpa|netinet)/\w+\.h|(fcntl|unistd|signal|poll|glob|spawn|dirent|pwd|grp|sched|pthread)\.h")
POSIX_ROOMS = {"base", "ledger", "store", "stream", "jobs", "pipeline"}
TEST_ONLY = re.compile(r"gtest/.*|gmock/.*|benchmark/.*")
STD = re.compile(r"[a-z_0-9]+|immintrin\.h")


def table():
    rooms = {}
    for line in (SOURCE / "docs/architecture.md").read_text().splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if len(cells) == 4 and re.fullmatch(r"`\w+`", cells[0]):
            words = lambda cell: [] if cell == "–" else cell.split()
            rooms[cells[0].strip("`")] = (words(cells[2]), words(cells[3]))
    return rooms


ROOMS = table()


def closure(room):
    known, todo = set(), [room]
    while todo:
        name = todo.pop()
        if name not in known:
            known.add(name)
            todo += ROOMS[name][0]
    return known


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match.group(1), match.group(2)


def is_test(path):
    return path.stem.endswith(("_test", "_bench"))


def violations(room, path, text_includes=None):
    known, outside = closure(room), ROOMS[room][1]
    for number, kind, name in text_includes if text_includes is not None else includes(path):
        where = f"{path}:{number}: {room} includes {name}"
        if kind == '"':
            if name.startswith("etalon/"):
                if not (SOURCE / "include" / name).exists():
                    yield where + ", which is no public header"
                continue
            target = name.split("/")[0]
            if target not in ROOMS:
                yield where + ", which is in no room"
            elif target not in known:
                yield where + f": the arrow {room} -> {target} is not drawn"
        elif any(re.fullmatch(OUTSIDE[o], name) for o in OUTSIDE):
            owners = [o for o in OUTSIDE if re.fullmatch(OUTSIDE[o], name)]
            if owners[0] not in outside and not is_test(path):
                yield where + f": {owners[0]} is not among its outside headers"
        elif POSIX.fullmatch(name):
            if room not in POSIX_ROOMS and not is_test(path):
                yield where + ": this room touches no system"
        elif not STD.fullmatch(name) and not (is_test(path) and TEST_ONLY.fullmatch(name)):
            yield where + ": not a header this test knows; draw it in docs/architecture.md"


class Layers(unittest.TestCase):
    def test_the_table_is_read(self):
        self.assertGreaterEqual(len(ROOMS), 13)
        self.assertIn("kernels", closure("codec"))

    def test_every_folder_of_src_is_a_room(self):
        folders = {p.name for p in (SOURCE / "src").iterdir() if p.is_dir()}
        self.assertEqual(folders, set(ROOMS))

    def test_includes_follow_the_arrows(self):
        found, seen = [], 0
        for room in ROOMS:
            for path in sorted((SOURCE / "src" / room).rglob("*")):
                if path.suffix in (".hpp", ".cpp", ".h"):
                    seen += 1
                    found += violations(room, path)
        self.assertGreater(seen, 20)
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_public_headers_use_the_standard_library_alone(self):
        found = []
        for path in sorted((SOURCE / "include/etalon").glob("*.hpp")):
            for number, kind, name in includes(path):
                if not (name.startswith("etalon/") if kind == '"' else STD.fullmatch(name)):
                    found.append(f"{path}:{number}: {name}")
        self.assertEqual(found, [])

    def test_cmake_draws_the_same_arrows(self):
        for room, (knows, _) in ROOMS.items():
            text = (SOURCE / "src" / room / "CMakeLists.txt").read_text()
            match = re.search(r"etalon_room\((\w+)([^)]*)\)", text)
            self.assertIsNotNone(match, room)
            self.assertEqual(match.group(1), room)
            words = match.group(2).split()
            drawn = []
            if "KNOWS" in words:
                for word in words[words.index("KNOWS") + 1:]:
                    if word.isupper():
                        break
                    drawn.append(word)
            self.assertEqual(sorted(drawn), sorted(knows), f"src/{room}/CMakeLists.txt")

    def test_each_room_has_a_readme_of_at_most_forty_lines(self):
        for room in ROOMS:
            readme = SOURCE / "src" / room / "README.md"
            self.assertTrue(readme.exists(), f"{readme} is missing")
            self.assertLessEqual(len(readme.read_text().splitlines()), 40, readme)

    def test_no_arrow_makes_a_circle(self):
        for room, (knows, _) in ROOMS.items():
            for other in knows:
                self.assertNotIn(room, closure(other))

    def test_this_test_sees_a_forbidden_include(self):
        bad = [(1, '"', "store/file.hpp")]
        self.assertEqual(len(list(violations("codec", Path("x.cpp"), bad))), 1)
        bad = [(1, "<", "hdf5.h")]
        self.assertEqual(len(list(violations("codec", Path("x.cpp"), bad))), 1)


if __name__ == "__main__":
    unittest.main()
