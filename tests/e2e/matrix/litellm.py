"""LiteLLM, a gateway: with models that it mocks itself, and in front of the matrix's aimock.

A gateway knows the server behind it only by what it passes on. LiteLLM makes its own 500 of any broken reply, and ends a
stream that was cut behind it as if it were whole: there the missing words of the answer are what shows the fault. All that
it passes on unchanged is expected as from the server itself.
"""

from . import aimock
from .case import GOOD, Case, Service
from .shapes import ANTHROPIC, OPENAI, RESPONSES

NEEDS = ["litellm", "matrix-aimock", "httpbin"]
SERVER_ERROR = "server_error provider in first_byte HTTP 500"
# What LiteLLM changes on the way: the verdicts streamed and whole.
CHANGED = {
    "cut": ("wrong_content provider in body HTTP 200", GOOD),
    "silent-before": ("timeout provider in first_byte", GOOD),
    "malformed": ("empty provider in body HTTP 200", SERVER_ERROR),
    "closed": (SERVER_ERROR, SERVER_ERROR),
}
ERROR_BODY = "error_body provider in body HTTP 200"
# And what it changes for one shape only. A stream of Responses is one that it makes itself of a whole answer: it has none of
# the faults of the stream behind it. Of Messages it begins the stream before the server behind it has said anything, and a
# withheld answer is to it one that ended as it should.
RESHAPED = {
    RESPONSES.name: {
        "filtered": ("error_event provider in body HTTP 200", ERROR_BODY),
        "unpaid": ("quota ours in first_byte HTTP 400",) * 2,
        "cut": (GOOD, GOOD),
        "silent-after": (GOOD, GOOD),
        "silent-before": (GOOD, GOOD),
        "late": (GOOD, GOOD),
        "malformed": (ERROR_BODY, ERROR_BODY),
    },
    ANTHROPIC.name: {
        "filtered": ("empty provider in body HTTP 200",) * 2,
        "silent-before": ("timeout provider in body HTTP 200", GOOD),
    },
}


def prepare(servers):
    pass


def services(servers):
    base = f"http://127.0.0.1:{servers.gateway}/v1"
    return [
        Service("litellm", base, "GATEWAY_KEY"),
        Service("litellm-wrong-key", base, "WRONG_KEY"),
    ]


def cases(servers):
    yield from mocked()
    for shape in (OPENAI, RESPONSES, ANTHROPIC):
        for streamed in (True, False):
            yield from behind(shape, streamed)
    yield from images()


def chat(server, what, shape, model, streamed, expected, service="litellm", official=True, **keys):
    keys.setdefault("timeout", "20s")
    return Case(server, what, shape.how(streamed), service, shape.keys(model, streamed, **keys), expected, official=official)


def mocked():
    for streamed in (True, False):
        def ask(what, model, expected, **keys):
            return chat("LiteLLM by itself", what, OPENAI, model, streamed, expected, **aimock.OWN | keys)

        yield ask("right answer", "mock-ok", GOOD)
        yield ask("answer after 2 s", "mock-slow", GOOD)
        yield ask("429", "mock-ratelimit", "rate_limited ours in first_byte HTTP 429")
        yield ask("500", "mock-500", SERVER_ERROR)
        yield ask("400, context too long", "mock-context", "bad_request ours in first_byte HTTP 400")
        yield ask("408, its own limit", "mock-timeout", "server_error provider in first_byte HTTP 408")
        yield ask("nothing listens behind it", "dead-upstream", SERVER_ERROR)
        yield ask("400, no such model", "unheard-of", "model_retired ours in first_byte HTTP 400")
        # It would look the key up in a database, and has none.
        yield ask("wrong key", "mock-ok", "auth ours in first_byte HTTP 400", service="litellm-wrong-key")
        yield ask("no key", "mock-ok", "auth ours in first_byte HTTP 401", auth="none", official=False)


def behind(shape, streamed):
    for name, state in aimock.STATES.items():
        keys = dict(state.keys)
        if not streamed:
            keys.pop("first_token_within", None)
        if streamed and name.startswith("silent"):
            keys.update(stall_after="1s")
        if name in aimock.SLOW:
            keys["timeout"] = "3s"
        straight = state.stream if streamed else state.plain
        changed = CHANGED | RESHAPED.get(shape.name, {})
        expected = changed[name][0 if streamed else 1] if name in changed else straight
        yield chat("LiteLLM before aimock", state.what, shape, f"via/{name}", streamed, expected, **keys)


def images():
    def ask(server, what, model, expected, stricter=""):
        keys = {"kind": "image", "model": model, "timeout": "20s"}
        return Case(server, what, "image", "litellm", keys, expected, official=True, stricter=stricter)

    yield ask("LiteLLM by itself", "picture by its address", "mock-image", GOOD)
    for name, (what, _, expected) in aimock.IMAGES.items():
        yield ask("LiteLLM before aimock", what, f"via/{name}", expected, stricter=aimock.UNSEEN if name in ("torn-picture", "text-picture") else "")
    yield ask("LiteLLM before aimock", "picture by its address", "via/picture-elsewhere", GOOD)
    for name in aimock.IMAGE_REFUSALS:
        state = aimock.STATES[name]
        expected = CHANGED[name][1] if name in CHANGED else state.stream
        yield ask("LiteLLM before aimock", state.what, f"via/{name}", expected)
