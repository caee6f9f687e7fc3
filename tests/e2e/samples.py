"""What the daemon stored, read from its database as anybody could: SQLite, read-only, beside the running daemon."""

import re
import sqlite3
from dataclasses import dataclass

QUERY = """
SELECT service.name || '/' || probe.name, sample.at + 1893456000000000, result.code, nullif(result.status, 0),
    result.failed_in, dns_us, connect_us, tls_us, first_byte_us, body_us, rest_us, first_token_us, text.body
FROM sample
    JOIN result ON result.id = sample.result_id
    JOIN probe ON probe.id = sample.probe_id
    JOIN service ON service.id = probe.service_id
    LEFT JOIN evidence ON evidence.probe_id = sample.probe_id AND evidence.at = sample.at
    LEFT JOIN text ON text.id = evidence.text_id
ORDER BY sample.at
"""
FAULTS = {1: "provider", 2: "network", 3: "ours", 4: "blocked"}
PHASES = {0: None, 1: "dns", 2: "connect", 3: "tls", 4: "first_byte", 5: "body"}


@dataclass
class Sample:
    """One run. Times in microseconds since 1970."""

    probe: str
    began: int
    ended: int
    outcome: str
    kind: str | None
    fault: str | None
    phase: str | None
    status: int | None
    recheck: bool
    connect_us: int | None
    first_byte_us: int | None
    body_us: int | None
    first_token_us: int | None
    evidence: str | None

    def verdict(self):
        return words(self.outcome, self.kind, self.fault, self.phase, self.status)


def words(outcome, kind, fault, phase, status):
    """A verdict in one line, as tables show it."""
    if outcome == "success":
        return "success"
    parts = [outcome] if outcome != "failure" else []
    parts += [part for part in (kind, fault) if part]
    if phase:
        parts.append(f"in {phase}")
    if status:
        parts.append(f"HTTP {status}")
    return " ".join(parts)


class Database:
    """The file of a daemon. The kinds' codes are taken from the source that defines them."""

    def __init__(self, path, source):
        self.path = path
        with open(source) as file:
            text = file.read()
        self.kinds = {int(code): name for code, name in re.findall(r"^    [A-Z]\w+ = (\d+), \"(\w+)\";", text, re.M)}

    def rows(self, query, *values):
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()

    def samples(self):
        return [self._sample(*row) for row in self.rows(QUERY)]

    def _sample(self, probe, at, code, status, failed_in, dns, connect, tls, first_byte, body, rest, token, evidence):
        recheck, code = divmod(code, 1000)
        high, low = divmod(code, 100)
        outcome = {0: "success", 5: "degraded", 6: "inconclusive"}.get(high, "failure")
        kind = self.kinds.get(low, f"code {code}") if high != 6 and code else (f"cause {low}" if code else None)
        took = rest + sum(part or 0 for part in (dns, connect, tls, first_byte, body))
        return Sample(
            probe, at, at + took, outcome, kind, FAULTS.get(high), PHASES[failed_in], status, recheck == 1,
            connect, first_byte, body, token, evidence,
        )
