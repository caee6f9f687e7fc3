"""Nothing that watchfire says or stores holds a secret: the probes of `canaries`, by every command that runs probes."""

import json
import os
import subprocess

import canaries
from report import MATRIX


class Leaks:
    """The echoing service's files, and all that was said about it."""

    def __init__(self, program, servers, report, environment):
        self.program = program
        self.servers = servers
        self.report = report
        self.canaries = canaries.Canaries()
        self.environment = environment | self.canaries.environment()
        self.mock_llm = servers.places["matrix-mock-llm"].port
        self.said = {}

    def run(self):
        """Runs each probe by `probe`, `probe --json` and `run --once`, and searches all that came of it."""
        path = self.servers.path
        with open(path("matrix", "echo.toml"), "w") as file:
            file.write(canaries.service(self.servers, self.mock_llm))
        with open(path("matrix", "echo-settings.toml"), "w") as file:
            file.write(f'data_dir = "{path("matrix", "echo-data")}"\nlocation = "loopback"\nlog = "debug"\n')
        told = self.command("probe", "echo", "--json")
        self.command("probe", "echo")
        self.command("check")
        self.command("run", "--once", "--events", path("matrix", "echo-events.jsonl"))
        self.command("status")
        self.compare([json.loads(line) for line in told.splitlines()])
        self.search()

    def command(self, *words):
        files = ["--probes", self.servers.path("matrix", "echo.toml"), "--config", self.servers.path("matrix", "echo-settings.toml")]
        done = subprocess.run([self.program, *words, *files], env=self.environment, capture_output=True, timeout=120)
        name = " ".join(word for word in words if not word.startswith("/"))
        self.said[f"{name}: stdout"], self.said[f"{name}: stderr"] = done.stdout, done.stderr
        return done.stdout.decode()

    def compare(self, runs):
        """A probe that was to fail has met its secret again; one that was to succeed has seen that it went nowhere."""
        self.report.part(MATRIX + "servers that say our secrets back", "probe", "expected", "got")
        seen = {run["probe"].removeprefix("echo/"): run for run in runs}
        for echo in canaries.echoes(self.servers, self.mock_llm):
            run = seen.get(echo.name)
            masked = bool(run) and "[secret]" in (run["evidence"] or "")
            got = f"{run['outcome']}{', masked' if masked else ''}" if run else "no run"
            self.report.row(got == echo.expected, echo.name, echo.expected, got)

    def search(self):
        self.report.part(MATRIX + "secrets, searched for in all that came of it", "where", "bytes", "found")
        forms = list(self.canaries.forms())
        folder = self.servers.path("matrix", "echo-data")
        files = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]
        texts = dict(self.said)
        texts["database and its files"] = b"".join(read(path) for path in files)
        texts["events file"] = read(self.servers.path("matrix", "echo-events.jsonl"))
        # What must hold them shows that the search would find them.
        control = json.dumps(self.canaries.values).encode()
        found = canaries.found_in(control, forms)
        right = all(any(name in one for one in found) for name in self.canaries.values)
        self.report.row(right, "the secrets themselves, for comparison", len(control), ", ".join(sorted(self.canaries.values)) if right else found)
        stored = b"[secret]" in texts["database and its files"]
        self.report.row(stored, "what the servers said, in the database", "", "masked" if stored else "not there")
        for where, text in texts.items():
            found = canaries.found_in(text, forms)
            self.report.row(not found, where, len(text), ", ".join(found) or "none")


def read(path):
    if not os.path.exists(path):
        return b""
    with open(path, "rb") as file:
        return file.read()
