"""mock-llm, a server that says any status and any JSON: here the refusals of real providers, in their own words.

Each is met in three ways: with its own status, inside a 200, and as an event of a stream. mock-llm streams errors always
with 200.
"""

import json
from dataclasses import dataclass

import canaries

from .aimock import OWN
from .case import GOOD, Case, Service
from .shapes import OPENAI

NEEDS = ["matrix-mock-llm"]


@dataclass(frozen=True)
class Refusal:
    """Who says it, what it means and whose fault it is, its status and its body."""

    who: str
    kind: str
    fault: str
    status: int
    body: dict


def openai(who, kind, fault, status, type_, code, message):
    return Refusal(who, kind, fault, status, {"error": {"message": message, "type": type_, "param": None, "code": code}})


def google(kind, fault, code, status, message):
    return Refusal("Gemini", kind, fault, code, {"error": {"code": code, "message": message, "status": status}})


def anthropic(kind, fault, status, type_, message):
    return Refusal("Anthropic", kind, fault, status, {"type": "error", "error": {"type": type_, "message": message}})


REFUSALS = [
    openai("OpenAI", "rate_limited", "ours", 429, "requests", "rate_limit_exceeded", "Rate limit reached for gpt-4o-mini on requests per min."),
    openai("OpenAI", "rate_limited", "ours", 429, "tokens", "rate_limit_exceeded", "Rate limit reached for gpt-4o-mini on tokens per min."),
    openai("OpenAI", "quota", "ours", 429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
    openai("OpenAI", "quota", "ours", 429, "insufficient_quota", "credit_balance_exhausted", "Your credit balance is used up."),
    openai("OpenAI", "quota", "ours", 429, "insufficient_quota", "project_spend_limit_exceeded", "The project's spend limit is reached."),
    openai("OpenAI", "quota", "ours", 429, "billing_not_active", "billing_not_active", "Your account is not active."),
    openai("OpenAI", "overloaded", "provider", 503, "service_unavailable_error", "server_is_overloaded", "Our servers are currently overloaded."),
    openai("OpenAI", "auth", "ours", 401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    openai("OpenAI", "forbidden", "ours", 403, "request_forbidden", "unsupported_country_region_territory", "Country not supported."),
    openai("OpenAI", "model_retired", "ours", 404, "invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    openai("OpenAI", "bad_request", "ours", 400, "invalid_request_error", "context_length_exceeded", "This model's maximum context length is 8192 tokens."),
    openai("OpenAI", "bad_request", "ours", 400, "invalid_request_error", "unsupported_parameter", "Unsupported parameter: 'max_tokens'."),
    openai("OpenAI", "server_error", "provider", 500, "server_error", None, "The server had an error while processing your request."),
    openai("Azure", "content_filter", "ours", 400, "invalid_request_error", "content_filter", "The response was filtered."),
    openai("DeepSeek", "quota", "ours", 402, "unknown_error", "invalid_request_error", "Insufficient Balance"),
    openai("Cloudflare", "edge", "provider", 502, "cf_bad_gateway", "502", "Bad gateway"),
    openai("llama-server", "auth", "ours", 401, "authentication_error", 401, "Invalid API Key"),
    openai("llama-server", "bad_request", "ours", 400, "exceed_context_size_error", 400, "the request exceeds the available context size"),
    anthropic("rate_limited", "ours", 429, "rate_limit_error", "This request would exceed your organization's rate limit."),
    anthropic("auth", "ours", 401, "authentication_error", "invalid x-api-key"),
    anthropic("quota", "ours", 402, "billing_error", "There is an issue with your organization's billing."),
    anthropic("forbidden", "ours", 403, "permission_error", "Your API key does not have permission to use the specified resource."),
    anthropic("server_error", "provider", 500, "api_error", "Internal server error"),
    anthropic("overloaded", "provider", 529, "overloaded_error", "Overloaded"),
    google("rate_limited", "ours", 429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    google("overloaded", "provider", 503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    google("server_error", "provider", 500, "INTERNAL", "An internal error has occurred."),
    google("forbidden", "ours", 403, "PERMISSION_DENIED", "The caller does not have permission"),
    google("bad_request", "ours", 400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
]
# Answers that are well-formed, and more or less than an answer.
ANSWERS = {
    "right": ("right answer", {"choices": [{"message": {"role": "assistant", "content": "pong"}, "finish_reason": "stop"}]}, GOOD),
    "echo": (
        "our own question back", {"choices": [{"message": {"role": "assistant", "content": "{{jmes request body.messages[-1].content}}"}, "finish_reason": "stop"}]},
        "wrong_content provider in body HTTP 200"),
    "none": ("no choice", {"choices": []}, "empty provider in body HTTP 200"),
    "null": ("null as the answer", {"choices": [{"message": {"role": "assistant", "content": None}, "finish_reason": "stop"}]}, "empty provider in body HTTP 200"),
    "page": ("other JSON", {"status": "ok"}, "empty provider in body HTTP 200"),
}


def prepare(servers):
    with open(servers.path("matrix", "mock-llm.yaml"), "w") as file:
        json.dump({"streaming": {"chunkSize": 2, "chunkIntervalMs": 5}, "rules": rules()}, file)


def rules():
    path = "/v1/chat/completions"

    def rule(model, status, body):
        return {"path": path, "match": f"body.model == '{model}'", "response": {"status": status, "content": json.dumps(body)}}

    # Minutes as a stream, to be ended from outside.
    endless = {"choices": [{"message": {"role": "assistant", "content": "pong " * 10_000}, "finish_reason": "stop"}]}
    made = [rule("endless", 200, endless)]
    made += [rule(name, 200, body) for name, (_, body, _) in ANSWERS.items()]
    for number, refusal in enumerate(REFUSALS):
        made += [rule(f"refusal-{number}", refusal.status, refusal.body), rule(f"inside-{number}", 200, refusal.body)]
    return made + canaries.echo_rules()


def services(servers):
    return [Service("mock-llm", f"http://127.0.0.1:{servers.places['matrix-mock-llm'].port}/v1", "MATRIX_KEY")]


def cases(servers):
    def ask(what, model, streamed, expected, how=None):
        # An echo of the built-in questions holds no answer.
        keys = OPENAI.keys(model, streamed, timeout="20s", **{} if model == "echo" else OWN)
        return Case("mock-llm", what, how or OPENAI.how(streamed), "mock-llm", keys, expected, official=True)

    for name, (what, _, expected) in ANSWERS.items():
        yield ask(what, name, False, expected)
        if name in ("right", "echo"):
            yield ask(what, name, True, expected)
    for number, refusal in enumerate(REFUSALS):
        words = refusal.body["error"]
        word = words.get("code") if isinstance(words.get("code"), str) else words.get("type", words.get("status"))
        what = f"{refusal.who}: {refusal.status} {word}"
        yield ask(what, f"refusal-{number}", False, f"{refusal.kind} {refusal.fault} in first_byte HTTP {refusal.status}")
        yield ask(what, f"inside-{number}", False, f"error_body {refusal.fault} in body HTTP 200", "chat, in a 200")
        yield ask(what, f"refusal-{number}", True, f"error_event {refusal.fault} in body HTTP 200")
