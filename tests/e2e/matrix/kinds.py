"""Kinds that ask more than one thing, or no model: lists of models, jobs, flows and counts.

`models` is asked of every server that has a list, `job` of aimock's films (whose files httpbin has), `flow` and `count` of
httpbin.
"""

import json

from . import llama
from .aimock import refused
from .case import GOOD, Case

NEEDS = ["matrix-aimock", "litellm", "httpbin"] + llama.NEEDS
HEAD = "in first_byte HTTP"
BODY = "in body HTTP 200"
# Films by the name of the model: what aimock says of one, and the verdict.
FILMS = {
    "film": ("job that is done at once", "completed", "/bytes/4000", GOOD),
    "film-gone": ("job is done, its result is gone", "completed", "/status/404", f"not_found provider {HEAD} 404"),
    "film-empty": ("job is done, its result is empty", "completed", "/bytes/0", f"empty provider {BODY}"),
    "film-failed": ("job fails", "failed", "/bytes/4000", f"job_failed provider {BODY}"),
    "film-endless": ("job is never done", "processing", "/bytes/4000", f"timeout provider {BODY}"),
}
REFUSALS = {
    "film-limited": ("order refused, 429", refused(429, "requests", "Rate limit reached", "rate_limit_exceeded"), f"rate_limited ours {HEAD} 429"),
    "film-broken": ("order refused, 500", refused(500, "server_error", "The server had an error"), f"server_error provider {HEAD} 500"),
}


def fixtures(store):
    """aimock's rules for the films."""
    rules = []
    for model, (_, status, path, _) in FILMS.items():
        film = {"id": f"video-{model}", "status": status, "url": f"http://127.0.0.1:{store}{path}"}
        rules.append({"match": {"endpoint": "video", "model": model}, "response": {"video": film}})
    return rules + [{"match": {"endpoint": "video", "model": model}, **refusal} for model, (_, refusal, _) in REFUSALS.items()]


def prepare(servers):
    """Adds the films to aimock's file, which is there by now."""
    path = servers.path("matrix", "aimock-fixtures.json")
    with open(path) as file:
        rules = json.load(file)["fixtures"]
    with open(path, "w") as file:
        json.dump({"fixtures": fixtures(servers.store) + rules}, file, indent=1)


def services(servers):
    return []


def cases(servers):
    yield from models()
    yield from jobs()
    yield from flows()
    yield from counts()


def models():
    def ask(server, service, what, names, expected):
        return Case(server, what, "models", service, {"kind": "models", "models": names, "timeout": "20s"}, expected)

    lists = [("aimock", "aimock", "right"), ("LiteLLM by itself", "litellm", "mock-ok")]
    if llama.BUILT:
        lists.append(("llama-server", "llama", "smollm2-135m"))
    for server, service, model in lists:
        yield ask(server, service, "list with the model", [model], GOOD)
        yield ask(server, service, "list without the model", [model, "no-such-model"], f"model_retired ours {BODY}")
    yield ask("aimock", "aimock-wrong-key", "list, wrong key", [], f"auth ours {HEAD} 401")
    yield ask("LiteLLM by itself", "litellm-wrong-key", "list, wrong key", [], f"auth ours {HEAD} 400")
    yield ask("httpbin", "httpbin", "no list", [], f"not_found ours {HEAD} 404")


def jobs():
    def ask(what, model, expected, service="aimock"):
        keys = {
            "kind": "job",
            "model": model,
            "create": {"path": "/videos", "json": {"model": "{model}", "prompt": "{prompt}"}},
            "id": "$.id",
            # One question, and then a wait in which time runs out.
            "poll": {"path": "/videos/{id}", "every": "2s" if model == "film-endless" else "200ms"},
            "state": "$.status",
            "done": ["completed"],
            "failed": ["failed"],
            "fetch": {"url": "$.url"},
            "expect": {"min_bytes": 1_000},
            "timeout": "3s" if model == "film-endless" else "20s",
        }
        return Case("aimock", what, "job", service, keys, expected)

    for model, (what, _, _, expected) in FILMS.items():
        yield ask(what, model, expected)
    for model, (what, _, expected) in REFUSALS.items():
        yield ask(what, model, expected)
    yield ask("order with a wrong key", "film", f"auth ours {HEAD} 401", service="aimock-wrong-key")


def flows():
    def ask(what, expected, *steps):
        return Case("httpbin", what, "flow", "httpbin", {"kind": "flow", "timeout": "20s", "step": list(steps)}, expected)

    page = {"name": "page", "path": "/forms/post"}
    sent = {"name": "send", "submit": {"fields": {"custname": "probe"}}}
    yield ask("form filled in and sent", GOOD, page, sent | {"expect": {"json": {"$.form.custname": "probe"}}})
    yield ask("form sent, another value comes back", f"wrong_content provider {BODY}", page, sent | {"expect": {"json": {"$.form.custname": "other"}}})
    cookie = {"name": "cookie", "path": "/cookies/set?a=1"}
    yield ask("cookie set and sent back", GOOD, cookie, {"name": "see", "path": "/cookies", "expect": {"json": {"$.cookies.a": "1"}}})
    gone = {"name": "forget", "path": "/cookies/delete?a"}
    yield ask("cookie is gone once deleted", f"wrong_content provider {BODY}", cookie, gone, {"name": "see", "path": "/cookies", "expect": {"json": {"$.cookies.a": "1"}}})
    taken = {"name": "take", "path": "/uuid", "capture": {"number": {"json": "$.uuid"}}}
    yield ask("value taken and given back", GOOD, taken, {"name": "give", "path": "/anything/{number}", "expect": {"json": {"$.args": {"length": 0}}}})
    yield ask("value that is not there", f"wrong_content provider {BODY}", {"name": "take", "path": "/json", "capture": {"number": {"json": "$.uuid"}}},
              {"name": "give", "path": "/anything/{number}"})
    yield ask("second step fails", f"server_error provider {HEAD} 500", page, {"name": "fail", "path": "/status/500"})


def counts():
    def ask(what, path, value, expected):
        return Case("httpbin", what, "count", "httpbin", {"kind": "count", "path": path, "value": value, "timeout": "20s"}, expected)

    yield ask("number that is there", "/base64/eyJyZXBvcnRzIjogMTd9", {"json": "$.reports"}, "noted HTTP 200")
    yield ask("number that is not there", "/json", {"json": "$.reports"}, f"inconclusive unreadable {BODY}")
