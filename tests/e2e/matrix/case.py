"""What a case is: a server in a state, a probe as its user would write it, and the one right verdict."""

import json
from dataclasses import dataclass, field, replace

GOOD = "success"


@dataclass(frozen=True)
class Service:
    """A `[service.NAME]`: where its API begins, and the name of the variable with its key."""

    name: str
    base_url: str
    key: str | None = None
    more: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One probe and what it must say.

    `keys` are those of its `[[probe]]` besides name and service. `expected` is outcome, kind, fault, phase and status as
    `samples.words` puts them. `official` is whether an official SDK can ask the same; `stricter` says why it may be content
    where watchfire is not.
    """

    server: str
    what: str
    how: str
    service: str
    keys: dict
    expected: str
    state: str = "runs"
    official: bool = False
    stricter: str = ""

    def with_(self, **changes):
        return replace(self, **changes)


def toml(value):
    """A value as TOML writes it; a JSON string is a TOML string."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(part)}" for key, part in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def probes_file(services, cases):
    """The probes.toml of all cases; the n-th is the probe `cN`."""
    lines = ['confirm = "off"', ""]
    for service in services:
        lines += [f"[service.{service.name}]", f"base_url = {toml(service.base_url)}"]
        if service.key:
            lines.append(f"key = {{ env = {toml(service.key)} }}")
        lines += [f"{key} = {toml(value)}" for key, value in service.more.items()] + [""]
    for number, case in enumerate(cases):
        lines += ["[[probe]]", f'name = "c{number}"', f"service = {toml(case.service)}", 'every = "1h"']
        lines += [f"{key} = {toml(value)}" for key, value in case.keys.items()] + [""]
    return "\n".join(lines)
