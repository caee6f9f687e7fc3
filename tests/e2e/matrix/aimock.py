"""aimock, an AI server whose answers are fixtures: which one it takes is said by the model's name.

A fault of a stream cannot be seen in a whole answer: `plain` is the verdict there.
"""

import json
from dataclasses import dataclass

from answers import PIXEL
from questions import questions

from .case import GOOD, Case, Service
from .shapes import ALL, GEMINI, OPENAI

SERVICE = "aimock"
LONG = "this answer is long enough to be cut or to stop before its last word, which is: pong"
# Its own prompt, so that the right answer can come late in a text of any length.
OWN = {"prompt": "say pong after some words, {nonce}", "expect": {"text": "pong"}}
SILENT = 60_000


def timed(after):
    """Pieces every 20 ms, and a minute of silence after so many of them."""
    return {"ttftMs": 20, "interChunkDelaysMs": [20] * (after - 1) + [SILENT] + [20] * 30}


def refused(status, kind, message, code=None):
    error = {"message": message, "type": kind} | ({"code": code} if code else {})
    return {"response": {"status": status, "error": error}}


@dataclass(frozen=True)
class State:
    """What the server does for a model; the verdicts on a stream and on a whole answer, and keys of the probe besides."""

    what: str
    fixture: dict
    stream: str
    plain: str
    keys: dict


def state(what, fixture, stream, plain=None, **keys):
    return State(what, fixture, stream, plain or stream, keys)


def refusal(what, expected, *said):
    return state(what, refused(*said), expected)


LONG_ANSWER = {"response": {"content": LONG}, "chunkSize": 5}
STATES = {
    "right": state("right answer", {"response": {"content": "pong"}}, GOOD, **OWN),
    "trickling": state("right answer, word by word", {**LONG_ANSWER, "latency": 20}, GOOD, **OWN),
    "wrong": state("wrong answer", {"response": {"content": "As an assistant I like ponies."}}, "wrong_content provider in body HTTP 200", **OWN),
    "empty": state("empty answer", {"response": {"content": ""}}, "empty provider in body HTTP 200", **OWN),
    "filtered": state(
        "answer withheld by a filter", {"response": {"content": "", "finishReason": "content_filter"}},
        "content_filter ours in body HTTP 200", **OWN),
    "short": state(
        "stopped for length before the word", {"response": {"content": "this answer stops", "finishReason": "length"}},
        "wrong_content provider in body HTTP 200", **OWN),
    "rate-limit": refusal(
        "429, our rate", "rate_limited ours in first_byte HTTP 429", 429, "requests", "Rate limit reached for gpt-4o-mini", "rate_limit_exceeded"),
    "quota": refusal(
        "429, our quota", "quota ours in first_byte HTTP 429", 429, "insufficient_quota", "You exceeded your current quota, please check your plan.",
        "insufficient_quota"),
    "unpaid": refusal("402", "quota ours in first_byte HTTP 402", 402, "invalid_request_error", "Insufficient Balance"),
    "bad-key": refusal(
        "401, key refused by its words", "auth ours in first_byte HTTP 401", 401, "invalid_request_error", "Incorrect API key provided.", "invalid_api_key"),
    "region": refusal(
        "403, region", "forbidden ours in first_byte HTTP 403", 403, "request_forbidden", "Country, region, or territory not supported",
        "unsupported_country_region_territory"),
    "retired": refusal(
        "404, model gone", "model_retired ours in first_byte HTTP 404", 404, "invalid_request_error", "The model `old` has been deprecated", "model_not_found"),
    "bad-request": refusal(
        "400, request refused", "bad_request ours in first_byte HTTP 400", 400, "invalid_request_error", "Unsupported value: 'temperature'", "unsupported_value"),
    "server-error": refusal(
        "500", "server_error provider in first_byte HTTP 500", 500, "server_error", "The server had an error while processing your request."),
    "unavailable": refusal(
        "503, overloaded", "overloaded provider in first_byte HTTP 503", 503, "service_unavailable", "The engine is currently overloaded", "server_is_overloaded"),
    "overloaded": refusal("529, overloaded", "overloaded provider in first_byte HTTP 529", 529, "overloaded_error", "Overloaded"),
    # Slow enough that a gateway has read the words before the connection is reset, which drops what is unread.
    "cut": state(
        "stream cut after a word", {**LONG_ANSWER, "latency": 150, "truncateAfterChunks": 4}, "truncated provider in body HTTP 200", GOOD, **OWN),
    "silent-after": state(
        "stream silent after some words", {**LONG_ANSWER, "recordedTimings": timed(6)}, "stalled provider in body HTTP 200", GOOD, **OWN),
    "silent-before": state(
        "stream silent before the first word", {**LONG_ANSWER, "recordedTimings": timed(1)}, "timeout provider in body HTTP 200", GOOD, **OWN),
    "late": state(
        "first word late", {"response": {"content": "pong"}, "streamingProfile": {"ttft": 900, "tps": 50}},
        "degraded too_slow HTTP 200", GOOD, **OWN, first_token_within="300ms"),
    "malformed": state(
        "200 and malformed JSON (chaos)", {"response": {"content": "pong"}, "chaos": {"malformedRate": 1}},
        "wrong_content provider in body HTTP 200", **OWN),
    "closed": state(
        "closed without a reply (chaos)", {"response": {"content": "pong"}, "chaos": {"disconnectRate": 1}}, "reset network in first_byte", **OWN),
    "dropped": state(
        "500 (chaos)", {"response": {"content": "pong"}, "chaos": {"dropRate": 1}}, "server_error provider in first_byte HTTP 500", **OWN),
    "limited": state(
        "429 (chaos)", {"response": {"content": "pong"}, "chaos": {"rateLimitRate": 1}}, "rate_limited ours in first_byte HTTP 429", **OWN),
    "tool": state(
        "a tool is called where words were asked for", {"response": {"toolCalls": [{"name": "f", "arguments": "{}"}]}},
        "empty provider in body HTTP 200", **OWN),
}
# Only these need long to be seen.
SLOW = {"silent-before"}
IMAGES = {
    "picture": ("picture as base64", {"response": {"image": {"b64Json": PIXEL}}}, GOOD),
    "no-picture": ("no bytes", {"response": {"image": {"b64Json": ""}}}, "empty provider in body HTTP 200"),
    "torn-picture": ("half a picture", {"response": {"image": {"b64Json": PIXEL[: len(PIXEL) // 2 // 4 * 4]}}}, "bad_image provider in body HTTP 200"),
    "no-base64": ("no base64", {"response": {"image": {"b64Json": "this is no base64!"}}}, "bad_image provider in body HTTP 200"),
    "text-picture": ("text as a picture", {"response": {"image": {"b64Json": "bm90IGEgcGljdHVyZQ=="}}}, "bad_image provider in body HTTP 200"),
}
# Why the SDK is content with what is no picture.
UNSEEN = "it hands the bytes on unseen"
UNFETCHED = "it fetches nothing from the address"
IMAGE_REFUSALS = ["rate-limit", "quota", "bad-key", "retired", "server-error", "overloaded", "malformed", "closed"]


NEEDS = ["matrix-aimock", "httpbin"]


def prepare(servers):
    with open(servers.path("matrix", "aimock-fixtures.json"), "w") as file:
        json.dump({"fixtures": fixtures(servers.store)}, file, indent=1)


def fixtures(store):
    """The rules of aimock's file; the first that matches decides."""
    rules = [{"match": {"endpoint": "image", "model": name}, **fixture} for name, (_, fixture, _) in IMAGES.items()]
    addresses = {"picture-elsewhere": "image/png", "picture-gone": "status/404", "page-elsewhere": "html"}
    for name, path in addresses.items():
        rules.append({"match": {"endpoint": "image", "model": name}, "response": {"image": {"url": f"http://127.0.0.1:{store}/{path}"}}})
    for name in IMAGE_REFUSALS:
        rules.append({"match": {"endpoint": "image", "model": name}, **STATES[name].fixture})
    rules += [{"match": {"model": "asked", "userMessage": asked}, "response": {"content": answer.title()}} for asked, answer in questions()]
    rules += [{"match": {"model": name}, **state.fixture} for name, state in STATES.items()]
    # A stream of minutes, to be ended from outside.
    rules.append({"match": {"model": "endless"}, "response": {"content": "pong " * 2_000}, "chunkSize": 5, "latency": 50})
    return rules


def services(servers):
    base = f"http://127.0.0.1:{servers.places['matrix-aimock'].port}"
    return [
        Service(SERVICE, f"{base}/v1", "MATRIX_KEY"),
        Service("aimock-wrong-key", f"{base}/v1", "WRONG_KEY"),
        Service("aimock-gemini", f"{base}/v1beta", "MATRIX_KEY"),
        Service("aimock-gemini-wrong-key", f"{base}/v1beta", "WRONG_KEY"),
    ]


def cases(servers):
    for shape in ALL:
        for streamed in (True, False):
            yield from chats(services(servers)[0].base_url, shape, streamed)
    yield from images()


def chats(base, shape, streamed):
    def ask(what, model, expected, service=SERVICE, **keys):
        if shape is GEMINI:
            service = service.replace("aimock", "aimock-gemini")
        return Case("aimock", what, shape.how(streamed), service, shape.keys(model, streamed, **keys), expected, official=shape.official)

    for name, state in STATES.items():
        keys = dict(state.keys)
        if not streamed:
            keys.pop("first_token_within", None)
        if streamed and name.startswith("silent"):
            keys.update(stall_after="1s")
        yield ask(state.what, name, shape.verdict(name, streamed) or (state.stream if streamed else state.plain), timeout="3s" if name in SLOW else "20s", **keys)
    yield ask("right answer to the built-in question", "asked", GOOD)
    yield ask("an excuse for an answer to the built-in question", "wrong", "wrong_content provider in body HTTP 200")
    yield ask("no fixture for the question", "unheard-of", "not_found ours in first_byte HTTP 404", **OWN)
    yield ask("wrong key", "right", "auth ours in first_byte HTTP 401", service="aimock-wrong-key", **OWN)
    if shape is OPENAI:
        # The SDK knows no other path.
        wrong = ask("wrong path", "right", "not_found ours in first_byte HTTP 404", url=f"{base}/no/such/path", **OWN)
        yield wrong.with_(official=False)


def images():
    def ask(what, model, expected, service=SERVICE, stricter=""):
        keys = {"kind": "image", "model": model, "timeout": "20s"}
        return Case("aimock", what, "image", service, keys, expected, official=True, stricter=stricter)

    for name, (what, _, expected) in IMAGES.items():
        yield ask(what, name, expected, stricter=UNSEEN if name in ("torn-picture", "text-picture") else "")
    yield ask("picture by its address", "picture-elsewhere", GOOD)
    yield ask("picture by an address that is gone", "picture-gone", "bad_image provider in body HTTP 404", stricter=UNFETCHED)
    yield ask("a page at the picture's address", "page-elsewhere", "bad_image provider in body HTTP 200", stricter=UNFETCHED)
    for name in IMAGE_REFUSALS:
        yield ask(STATES[name].what, name, STATES[name].stream)
    yield ask("wrong key", "picture", "auth ours in first_byte HTTP 401", service="aimock-wrong-key")
