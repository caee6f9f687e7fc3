"""Secrets in every field that takes one, and servers that say them back: the words of none may be told anywhere.

A probe with a canary fails, so that what the server said becomes its evidence, or succeeds when another origin was not told
the secret. `forms` is each secret as it may slip through.
"""

import base64
import html
import json
import secrets
import string
import urllib.parse
from dataclasses import dataclass

from matrix.case import toml


class Canaries:
    """The secrets by name. Those in headers have characters that JSON, addresses and base64 write in another way."""

    def __init__(self):
        self.values = {
            # As keys look, for servers that put them into templates.
            "key": "sk-Canary/+" + token() + "=",
            "header": 'c"n\\r</y>&+' + token(),
        }

    def environment(self):
        """What a user would set: the names that the probes' file mentions."""
        return {f"CANARY_{name.upper()}": value for name, value in self.values.items()}

    def forms(self):
        """`(name, form, bytes to look for)`"""
        for name, secret in self.values.items():
            yield from forms_of(name, secret)


def token():
    """Random letters of both cases and digits."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(32))


def forms_of(name, secret):
    raw = secret.encode()
    quoted = json.dumps(secret)[1:-1]
    yield name, "raw", raw
    # Also behind something else, as in the `user:password` of a log-in; the ends mix with what stands beside them.
    for shift in range(3):
        for form, encode in [("base64", base64.b64encode), ("base64 for URLs", base64.urlsafe_b64encode)]:
            yield name, form, encode(bytes(shift) + raw)[4 if shift else 0 : -4]
    for form, text in [
        ("lower case", secret.lower()),
        ("upper case", secret.upper()),
        ("percent", urllib.parse.quote_plus(secret)),
        ("percent, all", urllib.parse.quote(secret, safe="")),
        ("JSON", quoted),
        ("JSON, slash too", quoted.replace("/", "\\/")),
        ("HTML", html.escape(secret)),
        ("JSON in JSON", json.dumps(quoted)[1:-1]),
    ]:
        if text != secret:
            yield name, form, text.encode()


def found_in(text, forms):
    """`name (form)` of each that stands in the text; a part of a form gives it away as well."""
    return sorted({f"{name} ({form})" for name, form, value in forms if value in text or half(value) in text})


def half(value):
    """The random half of a form: enough to tell that a secret was cut, not removed."""
    return value[len(value) // 3 : len(value) // 3 + 20]


@dataclass(frozen=True)
class Echo:
    """A probe that meets its secrets again: its keys, and what comes of it."""

    name: str
    keys: dict
    expected: str = "failure, masked"


def echoes(servers, mock_llm):
    """All of them; they belong to the service `echo`, whose key is the canary `key`."""
    bin_ = f"http://127.0.0.1:{servers.store}"
    # The same server under another name is another origin.
    other = f"http://localhost:{servers.store}"
    secret = {"x-canary": {"env": "CANARY_HEADER"}}
    wrong = {"text": "no such words"}

    def http(name, url, expected=Echo.expected, **keys):
        return Echo(name, {"kind": "http", "url": url, "headers": secret, "auth": "bearer", "expect": wrong, "timeout": "10s", **keys}, expected)

    def away(path):
        return f"{bin_}/redirect-to?status_code=307&url={urllib.parse.quote(other + path, safe='')}"

    untold = {"json": {"$.headers.Authorization": {"exists": False}, "$.headers['X-Canary']": {"exists": False}}}
    told = {"json": {"$.headers.Authorization": {"exists": True}, "$.headers['X-Canary']": {"exists": True}}}
    yield http("anything", f"{bin_}/anything")
    yield http("headers", f"{bin_}/headers")
    yield http("key-in-a-header", f"{bin_}/headers", auth={"header": "x-api-key"})
    yield http("posted", f"{bin_}/post", method="POST", body="{}")
    yield http("same-origin", f"{bin_}/redirect-to?url=/anything", redirects=1, expect=told, expected="success")
    yield http("same-origin-shown", f"{bin_}/redirect-to?url=/anything", redirects=1)
    yield http("other-origin", away("/anything"), redirects=1, expect=untold, expected="success")
    yield http("other-origin-shown", away("/anything"), redirects=1, expected="failure")
    yield http("not-followed", away("/anything"), expected="failure")
    for streamed in (True, False):
        for model in ("echo-key-in-500", "echo-key-in-200", "echo-key-as-answer"):
            keys = {"kind": "chat", "url": f"http://127.0.0.1:{mock_llm}/v1/chat/completions", "model": model, "stream": streamed, "timeout": "10s"}
            yield Echo(f"{model}-{'streamed' if streamed else 'whole'}", keys)


def echo_rules():
    """mock-llm's, for the models above."""
    told = "{{jmes request headers.authorization}}"
    error = {"error": {"message": f"it broke for {told}", "type": "server_error", "code": told}}
    answer = {"id": "a", "choices": [{"message": {"role": "assistant", "content": told}, "finish_reason": "stop"}]}
    return [
        {"path": "/v1/chat/completions", "match": f"body.model == '{model}'", "response": {"status": status, "content": json.dumps(body)}}
        for model, status, body in [("echo-key-in-500", 500, error), ("echo-key-in-200", 200, error), ("echo-key-as-answer", 200, answer)]
    ]


def service(servers, mock_llm, every="1h"):
    """The service and its probes, for a probes.toml; `mock_llm` is the port of one that knows `echo_rules`."""
    lines = ["", "[service.echo]", f'base_url = "http://127.0.0.1:{servers.store}"', 'key = { env = "CANARY_KEY" }', ""]
    for echo in echoes(servers, mock_llm):
        lines += ["[[probe]]", f"name = {toml(echo.name)}", 'service = "echo"', f"every = {toml(every)}"]
        lines += [f"{key} = {toml(value)}" for key, value in echo.keys.items()] + [""]
    return "\n".join(lines)
