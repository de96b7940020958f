"""The list of what a machine lacks: whole, before anything is compiled, and the same as README.md has it."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What is on the PATH of every Debian.
ESSENTIAL = "bash cat cmp chmod dirname env grep head id mkdir mktemp rm sed sort tail tee uname".split()
CARGO = 'if [ "$1" = --version ]; then echo "cargo {version} (of a test)"; else echo compiled >>"$WITNESS"; fi'
RUSTC_WITH_WASM = 'mkdir -p "$WITNESS.lib" && : >"$WITNESS.lib/libstd-0.rlib" && echo "$WITNESS.lib"'
BARE_PYTHON = "exit 1"  # neither pip nor venv


class Machine:
    """A copy of the scripts, and a PATH with nothing else on it."""

    def __init__(self, folder, **programs):
        self.folder = folder
        self.tree = folder / "tollgate"
        self.tree.mkdir()
        shutil.copytree(ROOT / "tools", self.tree / "tools")
        shutil.copy(ROOT / "Cargo.toml", self.tree)
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in ESSENTIAL:
            (self.bin / name).symlink_to(shutil.which(name))
        for name, body in programs.items():
            self.put(name, body)

    def put(self, name, body):
        (self.bin / name).write_text(f"#!/bin/sh\n{body}\n")
        (self.bin / name).chmod(0o755)

    @property
    def compiled(self):
        return (self.folder / "witness").exists()

    def call(self, *command):
        environment = {"PATH": str(self.bin), "HOME": str(self.folder), "WITNESS": str(self.folder / "witness")}
        return subprocess.run(command, cwd=self.tree, env=environment, capture_output=True, text=True)


def wanted(called):
    """The packages of the list, and that there is one list."""
    lists = [line for line in called.stderr.splitlines() if "apt-get install" in line]
    assert len(lists) == 1, called.stderr
    return lists[0].split("apt-get install")[1].split()


class Preflight(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def bare(self, version="1.99.1"):
        return Machine(self.folder, cargo=CARGO.format(version=version), rustc=RUSTC_WITH_WASM, python3=BARE_PYTHON)

    def test_run_names_all_that_it_lacks_before_it_compiles(self):
        machine = self.bare()
        called = machine.call("tools/run")
        self.assertEqual(called.returncode, 1)
        self.assertEqual(wanted(called), ["gcc", "libc6-dev", "python3-pip"])
        self.assertFalse(machine.compiled)

    def test_the_rings_are_looked_at_together(self):
        machine = self.bare()
        called = machine.call("tools/test", "unit", "corpus", "e2e", "sdk")
        self.assertEqual(called.returncode, 1)
        self.assertEqual(wanted(called), ["gcc", "libc6-dev", "python3-pip", "python3-venv"])
        self.assertFalse(machine.compiled)

    def test_the_packages_of_a_compiler_for_wasm_are_on_the_same_list(self):
        machine = self.bare()
        machine.put("rustc", "exit 1")
        if pathlib.Path("/usr/bin/wasm-ld-19").exists():
            self.skipTest("this machine has Debian's compiler for wasm")
        called = machine.call("tools/preflight", "run")
        self.assertEqual(wanted(called)[:4], ["gcc", "libc6-dev", "python3-pip", "rustc-web"])

    def test_a_machine_with_everything_is_told_nothing(self):
        machine = self.bare()
        for program in ("cc", "python3"):
            machine.put(program, "exit 0")
        called = machine.call("tools/preflight", "run", "corpus")
        self.assertEqual((called.returncode, called.stdout, called.stderr), (0, "", ""))

    def test_an_old_rust_is_told_with_the_list(self):
        called = self.bare(version="1.63.0").call("tools/preflight", "unit")
        self.assertEqual(called.returncode, 1)
        self.assertIn("Rust 1.63.0 is too old", called.stderr)
        self.assertEqual(wanted(called), ["gcc", "libc6-dev"])

    def test_a_machine_without_rust_is_told_where_it_comes_from(self):
        machine = self.bare()
        (machine.bin / "cargo").unlink()
        called = machine.call("tools/preflight", "unit")
        self.assertEqual(called.returncode, 1)
        self.assertIn("install stable Rust with rustup", called.stderr)

    def test_the_readme_has_the_list_of_what_it_starts(self):
        listed = subprocess.run(
            [ROOT / "tools/preflight", "--packages", "base", "run", "tests"], capture_output=True, text=True, check=True
        ).stdout
        self.assertIn(f"    apt-get install {listed}", (ROOT / "README.md").read_text())


class Fetch(unittest.TestCase):
    def fetch(self, script):
        return subprocess.run([ROOT / "tools/fetch", "the thing", "sh", "-c", script], capture_output=True, text=True)

    def test_a_missing_network_is_called_that(self):
        called = self.fetch("echo 'Temporary failure in name resolution'; echo 'No matching distribution found' >&2; exit 3")
        self.assertEqual(called.returncode, 3)
        self.assertIn("error: the network is missing: the thing", called.stderr)
        self.assertEqual(len(called.stderr.splitlines()), 2)

    def test_another_failure_keeps_its_own_words(self):
        called = self.fetch("echo 'the digest is wrong'; exit 4")
        self.assertEqual(called.returncode, 4)
        self.assertIn("the thing could not be fetched", called.stderr)
        self.assertIn("the digest is wrong", called.stderr)

    def test_success_is_silent(self):
        called = self.fetch("echo chatter")
        self.assertEqual((called.returncode, called.stdout, called.stderr), (0, "", ""))


if __name__ == "__main__":
    unittest.main()
