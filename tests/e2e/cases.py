"""The faults that the servers are switched to in turn, and what each run has to say about them.

What is expected follows from the documents of the interfaces and of the failure kinds, case by case:
- our key, rate, quota or model is `ours`; what the service or its edge does is `provider`; a connection that closes before
  a reply may be either's, and is `network`;
- an answer that began and was not finished is `truncated`; one that went silent after a word is `stalled`, before the first
  word it is a `timeout`;
- LiteLLM knows an upstream only by what it passes on: any broken reply becomes its own 500, a bill that is not paid becomes
  a 429 of another type, and a stream that is cut behind it ends with a proper `[DONE]`. Then only the missing word tells.
"""

import base64
from dataclasses import dataclass
from typing import Callable

import answers

GOOD = "success"
PROBES = ["chat", "chat-stream", "image", "image-url"]


def every(verdict):
    return dict.fromkeys(PROBES, verdict)


def each(chat, stream, image):
    return dict(zip(PROBES, [chat, stream, image, image]))


@dataclass
class Case:
    """A fault: how it is switched on and off, and the verdict on each probe of both ways to the model."""

    name: str
    on: Callable
    direct: dict
    gateway: dict
    off: Callable = lambda servers: None

    def expected(self):
        for service, verdicts in [("direct", self.direct), ("gateway", self.gateway)]:
            for probe, verdict in verdicts.items():
                yield f"{service}/{probe}", verdict


def answering(rules):
    return lambda servers: servers.answer(rules(servers))


def refusing(*said):
    return answering(lambda servers: answers.refused(*said))


def well(servers):
    servers.answer(answers.good(servers.store))


def echoing(servers):
    # A service that says our own key back: it must not reach a file, a mail or a terminal.
    key = servers.keys["direct"]
    said = f"The server had an error with the key {key} ({base64.b64encode(key.encode()).decode()})."
    servers.answer(answers.refused(500, said, "server_error"))


SERVER_ERROR = "server_error provider in first_byte HTTP 500"
TIMEOUT = "timeout provider in first_byte"
REFUSED = "connect provider in connect"

OURS = [
    Case(
        "429, our rate",
        refusing(429, "Rate limit reached for gpt-4o-mini", "requests", "rate_limit_exceeded"),
        every("rate_limited ours in first_byte HTTP 429"),
        every("rate_limited ours in first_byte HTTP 429"),
    ),
    Case(
        "429, our quota",
        refusing(429, "You exceeded your current quota, please check your plan.", "insufficient_quota", "insufficient_quota"),
        every("quota ours in first_byte HTTP 429"),
        every("quota ours in first_byte HTTP 429"),
    ),
]
OUTAGE = Case("500, with our key in its text", echoing, every(SERVER_ERROR), every(SERVER_ERROR))
PROVIDERS = [
    Case(
        "529, overloaded",
        refusing(529, "Overloaded", "overloaded_error"),
        every("overloaded provider in first_byte HTTP 529"),
        every("overloaded provider in first_byte HTTP 529"),
    ),
    Case(
        "stream cut after a word",
        answering(lambda servers: answers.cut(servers.store)),
        each(GOOD, "truncated provider in body HTTP 200", GOOD),
        each(GOOD, "wrong_content provider in body HTTP 200", GOOD),
    ),
    Case(
        "stream silent after some words",
        answering(lambda servers: answers.stalling(servers.store, 4)),
        each(GOOD, "stalled provider in body HTTP 200", GOOD),
        each(GOOD, "stalled provider in body HTTP 200", GOOD),
    ),
    Case(
        "stream silent before the first word",
        answering(lambda servers: answers.stalling(servers.store, 1)),
        each(GOOD, "timeout provider in body HTTP 200", GOOD),
        each(GOOD, TIMEOUT, GOOD),
    ),
    Case(
        "empty answer",
        answering(lambda servers: answers.empty()),
        every("empty provider in body HTTP 200"),
        every("empty provider in body HTTP 200"),
    ),
    Case(
        "200 and malformed JSON",
        lambda servers: (well(servers), servers.chaos(malformedRate=1)),
        every("wrong_content provider in body HTTP 200"),
        each(SERVER_ERROR, "empty provider in body HTTP 200", SERVER_ERROR),
        lambda servers: servers.chaos(),
    ),
    Case(
        "closed without a reply",
        lambda servers: servers.chaos(disconnectRate=1),
        every("reset network in first_byte"),
        every(SERVER_ERROR),
        lambda servers: servers.chaos(),
    ),
    Case(
        "the server hangs (SIGSTOP)",
        lambda servers: servers.pause("aimock"),
        every(TIMEOUT),
        every(TIMEOUT),
        lambda servers: servers.resume("aimock"),
    ),
    Case(
        "the server is dead (SIGKILL)",
        lambda servers: servers.kill("aimock"),
        every(REFUSED),
        every(SERVER_ERROR),
        lambda servers: servers.restart("aimock"),
    ),
]
# While the direct way recovers.
GATEWAYS = [
    Case(
        "the gateway hangs (SIGSTOP)",
        lambda servers: servers.pause("litellm"),
        every(GOOD),
        every(TIMEOUT),
        lambda servers: servers.resume("litellm"),
    ),
    Case(
        "the gateway is dead (SIGKILL)",
        lambda servers: servers.kill("litellm"),
        every(GOOD),
        every(REFUSED),
    ),
]
# The probes that a reload brings, beside all others that stay good.
ASKED = {
    "asked/late": "degraded too_slow HTTP 200",
    "asked/withheld": "content_filter ours in body HTTP 200",
    "asked/retired": "model_retired ours in first_byte HTTP 404",
    "locked-out/wrong-key": "auth ours in first_byte HTTP 401",
    "hidden/error": "error_body provider in body HTTP 200",
    "hidden/error-stream": "error_event provider in body HTTP 200",
    "hidden/overloaded": "error_body provider in body HTTP 200",
    "hidden/overloaded-stream": "error_event provider in body HTTP 200",
    "hidden/money": "error_body ours in body HTTP 200",
    "hidden/money-stream": "error_event ours in body HTTP 200",
}


@dataclass
class Trial:
    """A `watchfire test-mail`: through which port of postfix, what it must say, and what postfix must have met."""

    name: str
    scheme: str
    port: int
    code: int
    says: list
    password: str = "smtp.password"
    ca: bool = True
    saw: str | None = None
    meets_server: bool = True


TAKEN = "ehlo=2 starttls=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=8"
NOT_TAKEN = "ehlo=2 starttls=1 auth=1 mail=1 rcpt=0/1 quit=1 commands=6/7"
# `port` is counted from postfix's first.
TRIALS = [
    Trial("STARTTLS, log-in", "smtp", 0, 0, ["accepted", "queued"], saw=TAKEN),
    Trial("submission port", "smtp", 1, 0, ["accepted", "queued"], saw=TAKEN),
    Trial("TLS from the start", "smtps", 2, 0, ["accepted", "queued"]),
    Trial("wrong password", "smtp", 0, 1, ["535", "check `user` and `password`"], password="wrong.password",
          saw="ehlo=2 starttls=1 auth=0/1 quit=1 commands=4/5"),
    Trial("server without TLS", "smtp", 5, 1, ["no STARTTLS", "never sent in clear"], saw="ehlo=1 quit=1 commands=2"),
    Trial("always 450", "smtp", 3, 1, ["450", "the server refuses for now", "as the daemon does"], saw=NOT_TAKEN),
    Trial("always 554", "smtp", 4, 1, ["554", "the server's policy forbids it"], saw=NOT_TAKEN),
    Trial("CA not trusted", "smtp", 0, 1, ["UnknownIssuer", "`ca = "], ca=False),
    Trial("smtps:// to a STARTTLS port", "smtps", 0, 1, ["smtps://", "smtp://"]),
    Trial("nothing listens", "smtp", 9, 1, ["refused", "check host and port"], meets_server=False),
]
