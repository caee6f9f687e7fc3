"""Reads questions, a JSON object a line, and writes what the official SDK made of each, in the same order.

All is well when the call returns and what it returns is what was asked for: the words that were expected, not withheld by a
filter; or a picture, as bytes or by its address.
"""

import base64
import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor

import anthropic
import openai


def chat(ask, client):
    told = client.chat.completions.create(
        model=ask["model"], messages=[{"role": "user", "content": ask["prompt"]}], stream=ask["stream"], max_tokens=ask["max_tokens"],
    )
    if not ask["stream"]:
        return told.choices[0].message.content or "", told.choices[0].finish_reason
    text, finish = "", None
    for chunk in told:
        if chunk.choices:
            text += chunk.choices[0].delta.content or ""
            finish = chunk.choices[0].finish_reason or finish
    return text, finish


def responses(ask, client):
    told = client.responses.create(model=ask["model"], input=ask["prompt"], stream=ask["stream"], max_output_tokens=ask["max_tokens"])
    if ask["stream"]:
        last = None
        for event in told:
            last = event
        told = getattr(last, "response", None)
        if told is None:
            return "", "none"
    reason = told.incomplete_details.reason if told.incomplete_details else None
    return told.output_text, reason or told.status


def messages(ask, client):
    if ask["stream"]:
        # Event by event: what the SDK makes of a whole stream stumbles over gateways that number their blocks wrongly.
        text, finish = "", None
        for event in client.messages.create(
            model=ask["model"], max_tokens=ask["max_tokens"], messages=[{"role": "user", "content": ask["prompt"]}], stream=True
        ):
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                text += event.delta.text
            elif event.type == "message_delta":
                finish = event.delta.stop_reason
        return text, finish
    told = client.messages.create(model=ask["model"], max_tokens=ask["max_tokens"], messages=[{"role": "user", "content": ask["prompt"]}])
    return "".join(block.text for block in told.content if block.type == "text"), told.stop_reason


def worded(call):
    def run(ask, client):
        text, finish = call(ask, client)
        if finish in ("content_filter", "refusal"):
            return False, finish
        if len(text.strip()) < ask["min_chars"]:
            return False, "no words" if not text.strip() else "few words"
        if ask["text"] and not re.search(ask["text"], text):
            return False, "other words"
        return True, "ok"

    return run


def image(ask, client):
    picture = client.images.generate(model=ask["model"], prompt="a red square").data[0]
    if picture.b64_json:
        return bool(base64.b64decode(picture.b64_json, validate=True)), "ok"
    return (True, "ok, an address") if picture.url else (False, "no picture")


def models(ask, client):
    names = [model.id for model in client.models.list()]
    return (ask["model"] is None or ask["model"] in names), "ok" if names else "none"


CALLS = {"openai": worded(chat), "responses": worded(responses), "anthropic": worded(messages), "image": image, "models": models}


def answer(line):
    ask = json.loads(line)
    common = {"api_key": ask["key"], "max_retries": 0, "timeout": ask["timeout"]}
    try:
        if ask["api"] == "anthropic":
            client = anthropic.Anthropic(base_url=ask["base_url"].removesuffix("/v1"), **common)
        else:
            client = openai.OpenAI(base_url=ask["base_url"], **common)
        ok, said = CALLS[ask["api"]](ask, client)
    except Exception as fault:  # What a user of the SDK meets, whatever it is.
        ok, said = False, type(fault).__name__
    return json.dumps({"ok": ok, "said": said})


# More than there are streams that must all have begun before they are ended.
with ThreadPoolExecutor(24) as pool:
    for told in pool.map(answer, [line for line in sys.stdin if line.strip()]):
        print(told, flush=True)
