"""Asks the official SDKs of Python the same questions, in a process of their own: they are installed in another environment."""

import json
import os
import subprocess

from questions import questions

HERE = os.path.dirname(os.path.abspath(__file__))
HOME = os.environ.get("REAL_HOME", os.path.expanduser("~/.cache/watchfire-real"))

ASKED, ANSWER = questions()[0]


class Official:
    """The services, and what the SDKs said."""

    def __init__(self, services, environment):
        self.services = services
        self.environment = environment

    def run(self, cases):
        """What was said about each case that an SDK can express: see [`Asked.end`]."""
        return self.begin(cases).end()

    def begin(self, cases):
        return Asked([case for case in cases if case.official], self)

    def call(self, case):
        service = self.services[case.service]
        keys = case.keys
        expect = keys.get("expect", {})
        # One of the built-in questions, where the probe asks them.
        prompt, text = (keys["prompt"], expect.get("text")) if "prompt" in keys else (ASKED, f"(?i){ANSWER}")
        return {
            "api": "image" if keys["kind"] == "image" else "models" if keys["kind"] == "models" else keys.get("api", "openai"),
            "base_url": service.base_url,
            "key": self.environment.get(service.key or "", "none"),
            "model": keys.get("model"),
            "prompt": prompt.replace("{nonce}", "1"),
            "stream": keys.get("stream", True),
            "text": text,
            "min_chars": expect.get("min_chars", 1),
            "max_tokens": keys.get("max_tokens", 16),
            # The SDK's limit is one for each wait.
            "timeout": float(keys.get("stall_after", keys.get("timeout", "20s")).removesuffix("s")),
        }


class Asked:
    """Questions under way."""

    def __init__(self, cases, official):
        self.cases = cases
        self.process = None
        if cases:
            environment = official.environment
            self.process = subprocess.Popen(
                [f"{HOME}/venv/bin/python", "-B", os.path.join(HERE, "official_calls.py")],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                env={"PATH": environment["PATH"], "SSL_CERT_FILE": environment["SSL_CERT_FILE"]},
            )
            self.process.stdin.write("".join(json.dumps(official.call(case)) + "\n" for case in cases))
            self.process.stdin.close()
            self.process.stdin = None

    def end(self):
        """`(whether all was well, the SDK's word for it)` by case."""
        if not self.process:
            return {}
        out, err = self.process.communicate(timeout=300)
        said = [json.loads(line) for line in out.splitlines()]
        if len(said) != len(self.cases):
            raise SystemExit(f"the official SDKs answered {len(said)} of {len(self.cases)} questions: {err[-2000:]}")
        return {id(case): (word["ok"], word["said"]) for case, word in zip(self.cases, said)}
