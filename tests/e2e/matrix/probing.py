"""Asks watchfire: one probes.toml for all cases, and several `watchfire probe --json` side by side."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

from samples import words

from .case import probes_file

# Commands side by side. Most cases wait for a server or a limit, so there can be more than cores.
WORKERS = 8
# Cases that one command runs, one after the other.
AT_ONCE = 8


class Probing:
    """The file of all cases, and what was said about each. `said` keeps all output for the search for secrets."""

    def __init__(self, program, servers, services, cases, environment):
        self.program = program
        self.path = servers.path("matrix", "probes.toml")
        self.settings = servers.path("matrix", "watchfire.toml")
        self.environment = environment
        self.services = {f"c{n}": case.service for n, case in enumerate(cases)}
        self.numbers = {id(case): n for n, case in enumerate(cases)}
        self.said = []
        with open(self.path, "w") as file:
            file.write(probes_file(services, cases))
        with open(self.settings, "w") as file:
            file.write(f'data_dir = "{servers.path("matrix", "data")}"\nlocation = "loopback"\n')
        self.files = ["--probes", self.path, "--config", self.settings]

    def command(self, *words, seconds=300):
        done = subprocess.run([self.program, *words, *self.files], env=self.environment, capture_output=True, timeout=seconds)
        self.said.append((" ".join(words), done.stdout + done.stderr))
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def check(self):
        """Every case must be a probe that a user could write."""
        code, out, err = self.command("check")
        if code != 0:
            raise SystemExit(f"`watchfire check` ended with {code} on the matrix's probes:\n{out}{err}")

    def run(self, cases):
        """The JSON of one run of each case, by case."""
        names = [f"{case.service}/c{self.numbers[id(case)]}" for case in cases]
        # Neighbours are alike: those that wait for a limit would all be one command's.
        chunks = [names[n :: max(1, len(names) // AT_ONCE)] for n in range(max(1, len(names) // AT_ONCE))]
        with ThreadPoolExecutor(WORKERS) as pool:
            runs = {run["probe"]: run for part in pool.map(self._probe, chunks) for run in part}
        return {id(case): runs[name] for case, name in zip(cases, names)}

    def begin(self, case):
        """One run, under way: it can be looked at meanwhile."""
        words = ["probe", f"{case.service}/c{self.numbers[id(case)]}", "--json"]
        return subprocess.Popen([self.program, *words, *self.files], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def end(self, process):
        out, err = process.communicate(timeout=120)
        self.said.append(("probe", out + err))
        return json.loads(out)

    def _probe(self, names):
        _, out, err = self.command("probe", *names, "--json")
        runs = [json.loads(line) for line in out.splitlines()]
        if len(runs) != len(names):
            raise SystemExit(f"`watchfire probe` of {len(names)} probes told of {len(runs)}: {err}")
        return runs


def verdict(run):
    return words(run["outcome"], run["kind"], run["fault"], run["phase"], run["status"])
