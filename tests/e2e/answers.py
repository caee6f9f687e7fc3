"""What aimock is told to answer, in its own format of fixtures: the first rule that matches a request decides."""

import json

from questions import questions

# A red pixel, and its prompt's other form: a picture of which only the address comes.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
BY_ADDRESS = "by address"
LONG = "this answer is long enough to be cut or to stop before its last word, which is: "


def pictures(store):
    return [
        {
            "match": {"endpoint": "image", "userMessage": BY_ADDRESS},
            "response": {"image": {"url": f"http://127.0.0.1:{store}/image/png"}},
        },
        {"match": {"endpoint": "image"}, "response": {"image": {"b64Json": PIXEL}}},
    ]


def good(store):
    """All is well; some prompts have answers of their own."""
    refusal = {"message": "The model `old` has been deprecated", "type": "invalid_request_error", "code": "model_not_found"}
    return pictures(store) + [
        {"match": {"userMessage": "say it late"}, "response": {"content": "pong"}, "streamingProfile": {"ttft": 900, "tps": 50}},
        {"match": {"userMessage": "say what is withheld"}, "response": {"content": "", "finishReason": "content_filter"}},
        {"match": {"userMessage": "ask the retired"}, "response": {"status": 404, "error": refusal}},
    ] + [{"match": {"userMessage": asked}, "response": {"content": answer.title()}} for asked, answer in questions()]


def refused(status, message, kind, code=None):
    """Every request is refused so."""
    error = {"message": message, "type": kind}
    if code:
        error["code"] = code
    response = {"status": status, "error": error}
    return [{"match": {"endpoint": "image"}, "response": response}, {"match": {}, "response": response}]


def cut(store):
    """Streams break off after the first word, late enough that a gateway has read it: the reset drops what is unread."""
    return pictures(store) + at_length(chunkSize=5, latency=150, truncateAfterChunks=3)


def stalling(store, after):
    """Streams go silent for a minute after so many pieces; the first piece says nothing yet."""
    timings = {"ttftMs": 20, "interChunkDelaysMs": [20] * (after - 1) + [60_000] + [20] * 30}
    return pictures(store) + at_length(chunkSize=5, recordedTimings=timings)


def at_length(**how):
    """Each question is answered right, in the last word of many."""
    return [{"match": {"userMessage": asked}, "response": {"content": LONG + answer}, **how} for asked, answer in questions()]


def empty():
    """Well-formed answers with nothing in them."""
    return [
        {"match": {"endpoint": "image"}, "response": {"image": {"b64Json": ""}}},
        {"match": {}, "response": {"content": ""}},
    ]


def inside_200():
    """mock-llm's rules: the same error object inside a 200, as a whole answer or as an event of a stream."""
    errors = {
        # It says our own key back.
        "say an error": {"type": "server_error", "message": "it broke for {{jmes request headers.authorization}}"},
        "say overloaded": {"type": "overloaded_error", "message": "Overloaded"},
        "say no money": {"type": "insufficient_quota", "code": "insufficient_quota", "message": "You exceeded your quota"},
    }
    return [
        {
            "path": "/v1/chat/completions",
            "match": f"contains(body.messages[-1].content, '{text}')",
            "response": {"status": 200, "content": json.dumps({"error": error})},
        }
        for text, error in errors.items()
    ]
