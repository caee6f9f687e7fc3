"""Sites as browsers see them, and status pages: nginx with pages of ours, and the pages of the other servers."""

import json
import os

from .case import GOOD, Case, Service

NEEDS = ["pages", "httpbin"]
HEAD = "in first_byte HTTP"
BODY = "in body HTTP 200"
NOTED = "noted HTTP 200"
UNREADABLE = "inconclusive unreadable"


def page(title, text, head=""):
    return f"<!doctype html><html><head><title>{title}</title>{head}</head><body><h1>{title}</h1><p>{text}</p></body></html>"


def needs(path):
    return f'<script src="{path}"></script>'


WORDS = "Ask anything, and have it answered in some words that people can read."
# Files of sites: what they are, what is in them, and the verdict.
SITES = {
    "plain.html": ("page", page("Chat", WORDS), GOOD),
    "script.html": ("page with its script", page("Chat", WORDS, needs("/app.js")), GOOD),
    "no-script.html": ("page whose script is gone", page("Chat", WORDS, needs("/gone.js")), f"not_found provider {HEAD} 404"),
    "empty-script.html": ("page whose script is empty", page("Chat", WORDS, needs("/empty.js")), f"empty provider {BODY}"),
    "page-as-script.html": ("page whose script is a page", page("Chat", WORDS, needs("/plain.html")), f"wrong_content provider {HEAD} 200"),
    # The limit of bytes a second holds back the headers too.
    "slow-script.html": ("page whose script stalls", page("Chat", WORDS, needs("/waits/app.js")), "timeout provider in first_byte"),
    "empty.html": ("page without a byte", "", f"empty provider {BODY}"),
    "untitled.html": ("page without a title", "<p>here</p>", f"wrong_content provider {BODY}"),
    "application.html": ("error page of the application in a 200", page("Application error", "A client-side exception has occurred."), f"error_body provider {BODY}"),
    "edge.html": ("502 page of the edge in a 200", page("502 Bad Gateway", "cloudflare"), f"edge provider {BODY}"),
    "busy.html": ("page that says to be overloaded", page("Chat", "ChatGPT is at capacity right now"), f"overloaded provider {BODY}"),
    "maintenance.html": ("page that says to be worked on", page("Wartungsarbeiten", "Wir sind gleich wieder da."), f"maintenance provider {BODY}"),
    "check.html": ("bot check", page("Just a moment...", "Enable JavaScript and cookies to continue"), f"blocked blocked {BODY}"),
}
STATUSPAGE = {
    "page": {"id": "p", "name": "Example", "url": "https://status.example.com"},
    "components": [{"id": "c", "name": "API", "status": "major_outage"}],
    "incidents": [],
    "scheduled_maintenances": [],
}
WIDGET = {"page_title": "Example", "page_url": "https://status.example.com", "ongoing_incidents": [], "in_progress_maintenances": [], "scheduled_maintenances": []}
# Status pages: what they are, their one file, what is in it, and the verdict.
STATUS_PAGES = {
    "well": ("Statuspage, all is well", "api/v2/summary.json", STATUSPAGE | {"status": {"indicator": "none"}, "components": []}, NOTED),
    "ill": ("Statuspage, an outage", "api/v2/summary.json", STATUSPAGE | {"status": {"indicator": "critical"}}, NOTED),
    "widget": ("incident.io's widget", "api/v1/summary", WIDGET, NOTED),
    # The last of its addresses is not there.
    "other": ("JSON of another form", "api/v2/summary.json", {"status": "ok"}, f"{UNREADABLE} {HEAD} 404"),
}


def prepare(servers):
    root = servers.path("pages")
    files = {name: text for name, (_, text, _) in SITES.items()}
    files |= {"app.js": "let ready = true;", "empty.js": "", "waits/app.js": "// a long script\n" * 1_000, "404.html": page("Not Found", "There is no such page.")}
    files |= {f"status-{name}/{path}": json.dumps(what) for name, (_, path, what, _) in STATUS_PAGES.items()}
    for name, text in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)


def services(servers):
    return [Service("sites", f"http://127.0.0.1:{servers.places['pages'].port}")]


def cases(servers):
    def ask(server, what, kind, url, expected, **keys):
        return Case(server, what, kind, "sites", {"kind": kind, "url": url, "timeout": "20s"} | keys, expected)

    def at(name, path):
        return f"http://127.0.0.1:{servers.places[name].port}{path}"

    for name, (what, _, expected) in SITES.items():
        keys = {"timeout": "2s"} if expected.startswith("timeout") else {}
        yield ask("nginx with pages", what, "web", at("pages", f"/{name}"), expected, **keys)
    yield ask("nginx with pages", "no such page", "web", at("pages", "/gone.html"), f"not_found ours {HEAD} 404")
    yield ask("nginx with pages", "page whose script is gone, asked for itself alone", "web", at("pages", "/no-script.html"), GOOD, asset=False)
    yield ask("nginx with pages", "no page but JSON", "web", at("pages", "/status-well/api/v2/summary.json"), f"wrong_content provider {BODY}")
    yield ask("nginx with pages", "nothing listens", "web", "http://127.0.0.1:9/", "connect provider in connect")
    for path, expected in [("/", GOOD), ("/html", f"wrong_content provider {BODY}"), ("/forms/post", f"wrong_content provider {BODY}"), ("/status/503", f"server_error provider {HEAD} 503")]:
        yield ask("httpbin", path, "web", at("httpbin", path), expected)
    for name, (what, _, _, expected) in STATUS_PAGES.items():
        yield ask("nginx with pages", what, "status_page", at("pages", f"/status-{name}"), expected)
    yield ask("nginx with pages", "no status page", "status_page", at("pages", "/nowhere"), f"{UNREADABLE} {HEAD} 404")
    yield ask("nginx with pages", "nothing listens", "status_page", "http://127.0.0.1:9/", f"{UNREADABLE} in connect")
    yield ask("httpbin", "no status page", "status_page", at("httpbin", "/"), f"{UNREADABLE} {HEAD} 404")
