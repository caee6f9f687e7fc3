"""The shapes of a chat: how a probe asks in each, and what differs between them."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Shape:
    """`api` is the probe's key, `official` whether an official SDK speaks it.

    Gemini's SDK is not among the official ones that are installed. `apart` holds verdicts that are this shape's own, by
    state and `streamed`: its words on the wire say more or less than those of the others.
    """

    name: str
    api: str | None
    official: bool = True
    apart: dict = field(default_factory=dict)

    def how(self, streamed):
        return f"{self.name}, streamed" if streamed else self.name

    def keys(self, model, streamed, **more):
        keys = {"kind": "chat", "model": model, "stream": streamed}
        if self.api:
            keys["api"] = self.api
        return keys | more

    def verdict(self, state, streamed):
        return self.apart.get((state, streamed), self.apart.get(state))


OPENAI = Shape("chat", None)
# aimock says of a withheld answer only that the response failed.
FAILED = {("filtered", True): "error_event provider in body HTTP 200", ("filtered", False): "error_body provider in body HTTP 200"}
RESPONSES = Shape("responses", "responses", apart=FAILED)
ANTHROPIC = Shape("messages", "anthropic")
# The first event has a word already.
WORD_FIRST = {("silent-before", True): "stalled provider in body HTTP 200"}
GEMINI = Shape("gemini", "gemini", official=False, apart=WORD_FIRST)
ALL = [OPENAI, RESPONSES, ANTHROPIC, GEMINI]
