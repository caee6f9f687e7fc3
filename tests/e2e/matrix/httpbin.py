"""httpbin: every status, slow and chunked bodies, encodings, redirects, cookies, log-ins."""

from .case import GOOD, Case, Service

NEEDS = ["httpbin"]
# Statuses, by the verdict on them.
STATUSES = {
    GOOD: [200, 201, 202, 203, 204, 206],
    "redirect provider in first_byte HTTP {}": [300, 301, 302, 303, 305, 307, 308],
    "bad_request ours in first_byte HTTP {}": [400, 405, 406, 411, 412, 413, 414, 415, 416, 417, 422, 426, 428, 431],
    "auth ours in first_byte HTTP {}": [401],
    "proxy ours in first_byte HTTP {}": [407],
    "inconclusive blind in first_byte HTTP {}": [511],
    "quota ours in first_byte HTTP {}": [402],
    "forbidden ours in first_byte HTTP {}": [403, 451],
    "not_found ours in first_byte HTTP {}": [404, 410],
    "rate_limited ours in first_byte HTTP {}": [429],
    "server_error provider in first_byte HTTP {}": [408, 424, 500, 501, 502, 503, 504, 505, 507, 508, 599],
    "edge provider in first_byte HTTP {}": [421, 520, 521, 522, 523, 524, 525, 526, 527, 530],
    "overloaded provider in first_byte HTTP {}": [529],
    "unexpected_status provider in first_byte HTTP {}": [409, 418, 423],
}


def prepare(servers):
    pass


def services(servers):
    return [Service("httpbin", f"http://127.0.0.1:{servers.store}", "MATRIX_KEY")]


def cases(servers):
    def ask(what, path, expected, **keys):
        keys.setdefault("timeout", "20s")
        return Case("httpbin", what, "http", "httpbin", {"kind": "http", "path": path, **keys}, expected)

    for expected, codes in STATUSES.items():
        for code in codes:
            yield ask(f"/status/{code}", f"/status/{code}", expected.format(code))
    body = "in body HTTP 200"
    yield ask("a status that was asked for", "/status/418", GOOD, expect={"status": [418]})
    yield ask("another than was asked for", "/status/200", "unexpected_status provider in first_byte HTTP 200", expect={"status": [204]})
    yield ask("/delay/1 within the limit", "/delay/1", GOOD)
    yield ask("/delay/1 slower than is wanted", "/delay/1", "degraded too_slow HTTP 200", expect={"latency_under": "500ms"})
    yield ask("/delay/9 beyond the limit", "/delay/9", "timeout provider in first_byte", timeout="2s")
    yield ask("/drip within the limit", "/drip?numbytes=5&duration=1&delay=0", GOOD)
    yield ask("/drip beyond the limit", "/drip?numbytes=20&duration=20&delay=0", f"timeout provider {body}", timeout="2s")
    yield ask("/drip with 503", "/drip?numbytes=2&duration=0&delay=0&code=503", "server_error provider in first_byte HTTP 503")
    for number, allowed, expected in [(1, 1, GOOD), (5, 5, GOOD), (3, 2, "redirect provider in first_byte HTTP 302"), (1, 0, "redirect provider in first_byte HTTP 302")]:
        yield ask(f"/redirect/{number}, {allowed} allowed", f"/redirect/{number}", expected, redirects=allowed)
        yield ask(f"/absolute-redirect/{number}, {allowed} allowed", f"/absolute-redirect/{number}", expected, redirects=allowed)
    yield ask("redirect to another scheme", "/redirect-to?url=ftp%3A%2F%2F127.0.0.1%2F", "redirect provider in first_byte HTTP 302", redirects=5)
    yield ask("/gzip", "/gzip", GOOD, expect={"json": {"$.gzipped": True}})
    # Not among the encodings that are offered.
    yield ask("/brotli", "/brotli", f"encoding provider {body}", expect={"json": {"$.brotli": True}})
    yield ask("/deflate", "/deflate", f"encoding provider {body}", expect={"json": {"$.deflated": True}})
    yield ask("/stream/20", "/stream/20", GOOD, expect={"text": '"id": ?19'})
    yield ask("/stream-bytes", "/stream-bytes/20000?chunk_size=1000", GOOD)
    yield ask("/bytes above the limit", "/bytes/20000", f"too_large provider {body}", expect={"max_bytes": 10_000})
    yield ask("/bytes below the limit", "/bytes/10000", GOOD, expect={"max_bytes": 10_000})
    yield ask("/cookies", "/cookies", GOOD, headers={"cookie": "a=1"}, expect={"json": {"$.cookies.a": "1"}})
    yield ask("/cookies without the cookie", "/cookies", f"wrong_content provider {body}", expect={"json": {"$.cookies.a": "1"}})
    yield ask("/bearer with the key", "/bearer", GOOD, auth="bearer", expect={"json": {"$.authenticated": True}})
    yield ask("/bearer without a key", "/bearer", "auth ours in first_byte HTTP 401")
    yield ask("/basic-auth without a password", "/basic-auth/user/secret", "auth ours in first_byte HTTP 401")
    yield ask("/json: a value that is there", "/json", GOOD, expect={"json": {"$.slideshow.slides[0].title": "Wake up to WonderWidgets!"}})
    yield ask("/json: a value that is another", "/json", f"wrong_content provider {body}", expect={"json": {"$.slideshow.author": "nobody"}})
    yield ask("/html: a text that is there", "/html", GOOD, expect={"text": "Herman Melville"})
    yield ask("/html: a text that must not be there", "/html", f"wrong_content provider {body}", expect={"not_text": "Herman Melville"})
    yield ask("/html where JSON was wanted", "/html", f"wrong_content provider {body}", expect={"json": {"$.status": "ok"}})
    yield ask("/xml where JSON was wanted", "/xml", f"wrong_content provider {body}", expect={"json": {"$.status": "ok"}})
    yield ask("/encoding/utf8", "/encoding/utf8", GOOD, expect={"text": "STARGΛ̊TE"})
    yield ask("/deny", "/deny", GOOD)
    for method in ["POST", "PUT", "PATCH", "DELETE"]:
        yield ask(f"/anything, {method} with a body", "/anything", GOOD, method=method, body='{"a": 1}', expect={"json": {"$.method": method, "$.data": '{"a": 1}'}})
    yield ask("HEAD", "/anything", GOOD, method="HEAD")
    yield ask("OPTIONS", "/anything", GOOD, method="OPTIONS")
    yield ask("GET of what takes POST", "/post", "bad_request ours in first_byte HTTP 405")
    yield ask("/anything with a query", "/anything", GOOD, query={"q": "a b&c"}, expect={"json": {"$.args.q": "a b&c"}})
    yield ask("/headers with one of ours", "/headers", GOOD, headers={"x-team": "sre"}, expect={"json": {"$.headers['X-Team']": "sre"}})
    yield ask("an error in a 200", "/response-headers?error=it%20broke", f"error_body provider {body}")
    yield ask("no such page", "/no/such/page", "not_found ours in first_byte HTTP 404")
