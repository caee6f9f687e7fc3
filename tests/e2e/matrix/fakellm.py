"""fakellm, an AI server with rules: they match on the model's name. It knows errors of whole answers only."""

import json

from .aimock import OWN
from .case import GOOD, Case, Service
from .shapes import ANTHROPIC, OPENAI

NEEDS = ["fakellm"]
RULES = {
    "right": {"content": "pong"},
    # Minutes as a stream, to be ended from outside.
    "endless": {"content": "pong " * 10_000},
    "many": {"content": "many words come before this one: pong"},
    "wrong": {"content": "As an assistant I like ponies."},
    "empty": {"content": ""},
    "limited": {"status": 429, "error": "Rate limit exceeded (mock)"},
    "broken": {"status": 500, "error": "it broke"},
    "overloaded": {"status": 529, "error": "Overloaded"},
    "refused": {"status": 401, "error": "no such key"},
    "unpaid": {"status": 402, "error": "no money"},
    "gone": {"status": 404, "error": "no such thing"},
    "unavailable": {"status": 503, "error": "maintenance"},
    "tool": {"tool_calls": [{"name": "f", "arguments": {}}], "content": ""},
}


def prepare(servers):
    rules = [{"name": name, "when": {"model_matches": name}, "respond": answer} for name, answer in RULES.items()]
    with open(servers.path("fakellm.yaml"), "w") as file:
        json.dump({"version": 1, "defaults": {}, "rules": rules}, file, indent=1)


def services(servers):
    return [Service("fakellm", f"http://127.0.0.1:{servers.places['fakellm'].port}/v1", "MATRIX_KEY")]


ECHO = "wrong_content provider in body HTTP 200"
# Whole, then streamed: there it says its own words with 200 in place of the error.
VERDICTS = {
    "right": ("right answer", GOOD, GOOD),
    "many": ("right answer, word by word", GOOD, GOOD),
    "wrong": ("wrong answer", ECHO, ECHO),
    "empty": ("empty answer", "empty provider in body HTTP 200", "empty provider in body HTTP 200"),
    "limited": ("429", "rate_limited ours in first_byte HTTP 429", ECHO),
    "broken": ("500", "server_error provider in first_byte HTTP 500", ECHO),
    "overloaded": ("529", "overloaded provider in first_byte HTTP 529", ECHO),
    "refused": ("401", "auth ours in first_byte HTTP 401", ECHO),
    "unpaid": ("402", "quota ours in first_byte HTTP 402", ECHO),
    "gone": ("404", "not_found ours in first_byte HTTP 404", ECHO),
    "unavailable": ("503", "server_error provider in first_byte HTTP 503", ECHO),
    "tool": ("a tool is called where words were asked for", "empty provider in body HTTP 200", "empty provider in body HTTP 200"),
}


def cases(servers):
    for shape in (OPENAI, ANTHROPIC):
        for streamed in (True, False):
            for name, (what, whole, stream) in VERDICTS.items():
                expected = shape.verdict(f"fakellm {name}", streamed) or (stream if streamed else whole)
                keys = shape.keys(name, streamed, timeout="20s", **OWN)
                yield Case("fakellm", what, shape.how(streamed), "fakellm", keys, expected, official=shape.official)
