"""nginx with bad certificates, and with broken replies over plain HTTP."""

from .case import GOOD, Case, Service

NEEDS = ["badtls"]
# By distance from its first port.
PORTS = {
    0: ("good certificate", GOOD),
    1: ("expired", "tls_expired provider in tls"),
    2: ("not valid yet", "tls_not_yet_valid provider in tls"),
    3: ("for another name", "tls_wrong_name provider in tls"),
    4: ("self-signed", "tls_untrusted provider in tls"),
    5: ("from an issuer that nobody trusts", "tls_untrusted provider in tls"),
    # Certificates that were revoked are only known as such by lists that no client fetches.
    6: ("revoked", GOOD),
    7: ("signed with SHA-1", "tls_untrusted provider in tls"),
    8: ("RSA key of 1024 bits", "tls_untrusted provider in tls"),
    9: ("without a name", "tls_wrong_name provider in tls"),
    10: ("intermediate missing", "tls_untrusted provider in tls"),
    11: ("ends in 3 days", GOOD),
    12: ("TLS 1.0 and 1.1 only", "tls_handshake provider in tls"),
    13: ("TLS 1.3 only", GOOD),
    14: ("client certificate required, none sent", "auth ours in first_byte HTTP 400"),
    15: ("plain HTTP on the port", "tls_handshake provider in tls"),
    16: ("HTTP/2", GOOD),
    17: ("handshake refused by the alert that the name is unknown", "tls_wrong_name provider in tls"),
}
BODY = "in body HTTP 200"
PAGES = {
    "/json": (GOOD, {"expect": {"json": {"$.status": "ok"}}}),
    "/wrong-type": (GOOD, {"expect": {"json": {"$.status": "ok"}}}),
    "/500": ("server_error provider in first_byte HTTP 500", {}),
    "/502": ("server_error provider in first_byte HTTP 502", {}),
    "/503": ("server_error provider in first_byte HTTP 503", {}),
    "/503-retry": ("server_error provider in first_byte HTTP 503", {}),
    "/429": ("rate_limited ours in first_byte HTTP 429", {}),
    "/empty": (f"empty provider {BODY}", {"expect": {"text": "ok"}}),
    "/slow-body": (f"timeout provider {BODY}", {"timeout": "2s"}),
    # Its limit of bytes a second holds back the headers too.
    "/stall-body": ("timeout provider in first_byte", {"timeout": "2s"}),
    "/big": (f"too_large provider {BODY}", {"expect": {"text": "ok"}}),
    "/html200": (f"wrong_content provider {BODY}", {"expect": {"json": {"$.status": "ok"}}}),
    "/gzip-bad": (f"encoding provider {BODY}", {"expect": {"text": "ok"}}),
    "/redirect-ok": (GOOD, {"redirects": 1}),
    "/redirect-loop": ("redirect provider in first_byte HTTP 302", {"redirects": 5}),
    # To an address where nothing listens.
    "/redirect-otherhost": ("connect provider in connect HTTP 302", {"redirects": 1}),
    "/proxy-dead": ("server_error provider in first_byte HTTP 502", {}),
    "/no-such-page": ("not_found ours in first_byte HTTP 404", {}),
}


def prepare(servers):
    pass


def services(servers):
    return [Service("nginx", f"http://127.0.0.1:{servers.places['badtls'].port + 20}")]


def cases(servers):
    first = servers.places["badtls"].port

    def ask(what, url, expected, how="http", **keys):
        keys.setdefault("timeout", "20s")
        return Case("nginx", what, how, "nginx", {"kind": "http", "url": url, **keys}, expected)

    for number, (what, expected) in PORTS.items():
        # By the name, so that the address has no part in it.
        yield ask(f"certificate: {what}" if number <= 11 else what, f"https://localhost:{first + number}/", expected, how="https")
    yield ask("ends in 3 days, 14 wanted", f"https://localhost:{first + 11}/", "cert_expiring ours in tls HTTP 200", how="https", expect={"cert_valid_for": "14d"})
    yield ask("good for 14 days and more", f"https://localhost:{first}/", GOOD, how="https", expect={"cert_valid_for": "14d"})
    yield ask("TLS to a port of plain HTTP that closes at once", f"https://localhost:{first + 21}/", "tls_handshake provider in tls", how="https")
    yield ask("plain HTTP to a TLS port", f"http://localhost:{first}/", "bad_request ours in first_byte HTTP 400")
    for path, (expected, keys) in PAGES.items():
        yield ask(path, f"http://127.0.0.1:{first + 20}{path}", expected, **keys)
    yield ask("closed without a reply", f"http://127.0.0.1:{first + 21}/", "reset network in first_byte")
    yield ask("nothing listens", "http://127.0.0.1:9/", "connect provider in connect")
    yield ask("no such name", "http://no-such-name.invalid/", "dns network in dns")
