"""Goes through the states of the servers, asks watchfire and the official SDKs in each, and compares."""

import os

from report import MATRIX

from . import aimock, badtls, endings, fakellm, httpbin, kinds, leaks, litellm, llama, mockllm, sites
from .case import GOOD
from .official import Official
from .probing import Probing, verdict

HEADS = ("what the server does", "probe", "expected", "got", "official SDK")
# One file each.
SERVERS = [aimock, litellm, fakellm, mockllm, llama, httpbin, kinds, sites, badtls, endings]


def environment(servers):
    return {
        "PATH": os.environ.get("PATH", ""),
        "MATRIX_KEY": servers.keys["matrix"],
        "GATEWAY_KEY": servers.keys["gateway"],
        "WRONG_KEY": "sk-wrong-" + servers.keys["matrix"][10:],
        "SSL_CERT_FILE": servers.path("ca", "ca.crt"),
        "NO_COLOR": "1",
    }


class Matrix:
    """All cases, and what came of them."""

    def __init__(self, program, servers, report):
        self.program = program
        self.servers = servers
        self.report = report
        self.services = [service for one in SERVERS for service in one.services(servers)]
        self.cases = [case for one in SERVERS for case in one.cases(servers)]
        self.environment = environment(servers)
        self.probing = Probing(program, servers, self.services, self.cases, self.environment)
        self.official = Official({service.name: service for service in self.services}, self.environment)

    def run(self):
        self.probing.check()
        self.start()
        seen, said = {}, {}
        mine = [case for case in self.cases if case.state == "runs"]
        seen.update(self.probing.run(mine))
        said.update(self.official.run(mine))
        leaks.Leaks(self.program, self.servers, self.report, self.environment).run()
        last_seen, last_said = endings.Endings(self.servers, self.probing, self.official, self.cases).run()
        seen.update(last_seen)
        said.update(last_said)
        self.tell(seen, said)

    def start(self):
        """Starts the servers, with the answers that the cases expect of them."""
        for one in SERVERS:
            one.prepare(self.servers)
        self.servers.start_all(dict.fromkeys(name for one in SERVERS for name in one.NEEDS))

    def tell(self, seen, said):
        """Rows by server; the probes of which the same is said in the same state share one."""
        for server in dict.fromkeys(case.server for case in self.cases):
            self.report.part(MATRIX + server, *HEADS)
            groups = {}
            for case in self.cases:
                if case.server != server:
                    continue
                got = verdict(seen[id(case)]) if id(case) in seen else "not met"
                right = got == case.expected
                official, agrees = self.compare(case, got, said.get(id(case)))
                key = (case.what, case.expected, got, official, right and agrees)
                groups.setdefault(key, []).append((case, seen.get(id(case), {}).get("evidence")))
            for (what, expected, got, official, right), members in groups.items():
                self.report.row(right, what, ", ".join(case.how for case, _ in members), expected, got, official)
                if not right:
                    for case, evidence in members:
                        print(f"        {case.how} {case.keys.get('model', '')}: {evidence}", flush=True)

    def compare(self, case, got, said):
        """The SDK's word, and whether it says ok where watchfire does."""
        if said is None:
            return "", True
        ok, word = said
        ours = got == GOOD or got.startswith("degraded")
        if ok == ours:
            return word, not case.stricter or True
        if ok and case.stricter:
            return f"{word}: {case.stricter}", True
        return f"{word} (DISAGREES)", False
