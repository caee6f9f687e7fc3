"""llama-server with a real small model, where it is built. Its words are its own: their number is what is checked."""

import os

from .case import GOOD, Case, Service
from .shapes import ANTHROPIC, OPENAI, RESPONSES

HOME = os.environ.get("REAL_HOME", os.path.expanduser("~/.cache/watchfire-real"))
PROGRAM = os.environ.get("REAL_LLAMA_SERVER", f"{HOME}/llama-build/bin/llama-server")
BUILT = os.path.exists(PROGRAM)
NEEDS = ["llama"] if BUILT else []
PROMPT = {"prompt": "Say hello.", "expect": {"min_chars": 1}, "max_tokens": 8}


def prepare(servers):
    pass


def services(servers):
    base = f"http://127.0.0.1:{servers.places['llama'].port}/v1"
    return [
        Service("llama", base, "MATRIX_KEY"),
        Service("llama-wrong-key", base, "WRONG_KEY"),
    ]


def cases(servers):
    if not BUILT:
        return
    base = f"http://127.0.0.1:{servers.places['llama'].port}"
    for shape in (OPENAI, RESPONSES, ANTHROPIC):
        for streamed in (True, False):
            def ask(what, expected, service="llama", **keys):
                keys = PROMPT | {"timeout": "60s"} | keys
                return Case("llama-server", what, shape.how(streamed), service, shape.keys("smollm2-135m", streamed, **keys), expected, official=shape.official)

            yield ask("words", GOOD)
            yield ask("wrong key", "auth ours in first_byte HTTP 401", service="llama-wrong-key")
            yield ask("question longer than the context", "bad_request ours in first_byte HTTP 400", prompt="hello " * 3000)
            yield ask("fewer words than expected", "wrong_content provider in body HTTP 200", expect={"min_chars": 10_000})
            yield ask("other words than expected", "wrong_content provider in body HTTP 200", expect={"text": "no such words"})

    def page(what, path, expected, **keys):
        return Case("llama-server", what, "http", "llama", {"kind": "http", "url": base + path, "timeout": "60s", **keys}, expected)

    yield page("/health", "/health", GOOD, expect={"json": {"$.status": "ok"}})
    yield page("body that is no JSON", "/v1/chat/completions", "server_error provider in first_byte HTTP 500", method="POST", body="{", auth="bearer")
    yield page("no such page", "/v1/images/generations", "not_found ours in first_byte HTTP 404", method="POST", body="{}", auth="bearer")
