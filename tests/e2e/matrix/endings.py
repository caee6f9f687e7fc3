"""Servers that hang, that go silent in the middle of a stream, that are killed there, and that are dead.

The states come one after the other, for all servers at the same time. A stream counts as begun when the client's socket has
received more than headers and some pieces: the kernel says so, and nobody has to guess how long that takes.
"""

import os
import signal
import subprocess
from dataclasses import dataclass

from . import llama
from .aimock import OWN
from .case import Case
from .shapes import ALL, ANTHROPIC, GEMINI, OPENAI, RESPONSES

# Bytes after which words have come for certain: headers are fewer, and a piece of a stream has some 200.
BEGUN = 1_500
HANGS, SILENT, KILLED, DEAD = "hangs", "silent", "killed", "dead"
LIMIT = {"timeout": "3s"}


@dataclass(frozen=True)
class Victim:
    """A server, its service, the shapes that it speaks, its model for a short and for an endless answer, and more keys."""

    server: str
    place: str
    service: str
    shapes: tuple
    model: str
    endless: str
    keys: dict
    endless_keys: dict


VICTIMS = [
    Victim("aimock", "matrix-aimock", "aimock", tuple(ALL), "right", "endless", OWN, OWN),
    Victim("fakellm", "fakellm", "fakellm", (OPENAI, ANTHROPIC), "right", "endless", OWN, OWN),
    Victim("mock-llm", "matrix-mock-llm", "mock-llm", (OPENAI,), "right", "endless", OWN, OWN),
]
if llama.BUILT:
    # On a busy machine there may be seconds between its words.
    story = {"prompt": "Tell me a long story about a dog.", "max_tokens": 400, "stall_after": "6s"}
    VICTIMS.append(Victim("llama-server", "llama", "llama", (OPENAI, RESPONSES, ANTHROPIC), "smollm2-135m", "smollm2-135m", llama.PROMPT, story))
NEEDS = [victim.place for victim in VICTIMS] + ["litellm", "httpbin", "badtls"]


def prepare(servers):
    pass


def services(servers):
    return []


def cases(servers):
    for victim in VICTIMS:
        for shape in victim.shapes:
            for streamed in (True, False):
                service = "aimock-gemini" if shape is GEMINI else victim.service

                def ask(what, state, expected, model=victim.model, **keys):
                    keys = shape.keys(model, streamed, **LIMIT | keys)
                    return Case(victim.server, what, shape.how(streamed), service, keys, expected, state, official=shape.official)

                yield ask("hangs (SIGSTOP)", HANGS, "timeout provider in first_byte", **victim.keys)
                if streamed:
                    keys = {"timeout": "60s", "stall_after": "1s"} | victim.endless_keys
                    yield ask("hangs in the middle of a stream (SIGSTOP)", SILENT, "stalled provider in body HTTP 200", model=victim.endless, **keys)
                    yield ask("killed in the middle of a stream (SIGKILL)", KILLED, "truncated provider in body HTTP 200", model=victim.endless, **keys)
                yield ask("dead", DEAD, "connect provider in connect", **victim.keys)
    for streamed in (True, False):
        for what, state, expected in [
            ("the server behind it hangs (SIGSTOP)", HANGS, "timeout provider in first_byte"),
            ("the server behind it is dead", DEAD, "server_error provider in first_byte HTTP 500"),
        ]:
            keys = OPENAI.keys("via/right", streamed, **OWN | LIMIT)
            yield Case("LiteLLM before aimock", what, OPENAI.how(streamed), "litellm", keys, expected, state, official=True)
    yield Case("httpbin", "hangs (SIGSTOP)", "http", "httpbin", {"kind": "http", "path": "/get", **LIMIT}, "timeout provider in first_byte", HANGS)
    yield Case("nginx", "hangs (SIGSTOP)", "http", "nginx", {"kind": "http", "path": "/json", **LIMIT}, "timeout provider in first_byte", HANGS)
    tls = f"https://localhost:{servers.places['badtls'].port}/"
    yield Case("nginx", "hangs (SIGSTOP)", "https", "nginx", {"kind": "http", "url": tls, **LIMIT}, "timeout provider in tls", HANGS)


def received(pid, port):
    """Bytes that this process has received on its connections to the port, most of them first."""
    told = subprocess.run(["ss", "-tnHpiO", "dst", f"127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
    counts = [line.split("bytes_received:")[1].split()[0] for line in told.splitlines() if f"pid={pid}," in line and "bytes_received:" in line]
    return sorted(map(int, counts), reverse=True)


class Endings:
    """Brings the servers into the four states, and asks in each."""

    def __init__(self, servers, probing, official, cases):
        self.servers = servers
        self.probing = probing
        self.official = official
        self.cases = cases
        self.ports = {victim.server: servers.places[victim.place].port for victim in VICTIMS}
        self.places = [victim.place for victim in VICTIMS]
        self.seen, self.said = {}, {}

    def run(self):
        hanging = [*self.places, "httpbin", "badtls"]
        self.signal(hanging, signal.SIGSTOP)
        try:
            self.ask(HANGS)
        finally:
            self.signal(hanging, signal.SIGCONT)
        try:
            self.ask(SILENT, lambda: self.signal(self.places, signal.SIGSTOP))
        finally:
            self.signal(self.places, signal.SIGCONT)
        self.ask(KILLED, lambda: [self.servers.kill(place) for place in self.places])
        self.ask(DEAD)
        return self.seen, self.said

    def signal(self, places, number):
        """Servers may have several processes: each leads a group of its own."""
        for place in places:
            os.killpg(self.servers.pids[place], number)

    def ask(self, state, strike=None):
        cases = [case for case in self.cases if case.state == state]
        if strike is None:
            said = self.official.begin(cases)
            self.seen.update(self.probing.run(cases))
            self.said.update(said.end())
            return
        said = self.official.begin(cases)
        runs = [self.probing.begin(case) for case in cases]
        try:
            for case, run in zip(cases, runs):
                self.until_begun(run, case, 1)
                if case.official:
                    self.until_begun(said.process, case, sum(c.official and c.server == case.server for c in cases))
            strike()
            for case, run in zip(cases, runs):
                self.seen[id(case)] = self.probing.end(run)
            self.said.update(said.end())
        finally:
            for process in [*runs, said.process]:
                process.kill()

    def until_begun(self, process, case, connections):
        port = self.ports[case.server]

        def begun():
            if process.poll() is not None:
                raise SystemExit(f"{case.server}, {case.how}: over before it was to be ended")
            counts = received(process.pid, port)[:connections]
            return len(counts) == connections and counts[-1] > BEGUN

        self.servers.until(begun, f"{case.server} did not begin to stream: {case.how}", 120)
