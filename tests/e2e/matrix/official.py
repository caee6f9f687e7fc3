"""Asks the official SDKs of Python the same questions, in a process of their own: they are installed in another environment."""

import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
HOME = os.environ.get("REAL_HOME", os.path.expanduser("~/.cache/watchfire-real"))


class Official:
    """The services, and what the SDKs said."""

    def __init__(self, services, environment):
        self.services = services
        self.environment = environment

    def run(self, cases):
        """`(whether all was well, the SDK's word for it)` of each case that an SDK can express."""
        asked = [case for case in cases if case.official]
        if not asked:
            return {}
        done = subprocess.run(
            [f"{HOME}/venv/bin/python", "-B", os.path.join(HERE, "official_calls.py")],
            input="\n".join(json.dumps(self.call(case)) for case in asked), capture_output=True, text=True, timeout=300,
            env={"PATH": self.environment["PATH"], "SSL_CERT_FILE": self.environment["SSL_CERT_FILE"]},
        )
        said = [json.loads(line) for line in done.stdout.splitlines()]
        if len(said) != len(asked):
            raise SystemExit(f"the official SDKs answered {len(said)} of {len(asked)} questions: {done.stderr[-2000:]}")
        return {id(case): (word["ok"], word["said"]) for case, word in zip(asked, said)}

    def call(self, case):
        service = self.services[case.service]
        keys = case.keys
        expect = keys.get("expect", {})
        return {
            "api": "image" if keys["kind"] == "image" else "models" if keys["kind"] == "models" else keys.get("api", "openai"),
            "base_url": service.base_url,
            "key": self.environment.get(service.key or "", "none"),
            "model": keys.get("model"),
            "prompt": keys.get("prompt", "").replace("{nonce}", "1"),
            "stream": keys.get("stream", True),
            "text": expect.get("text"),
            "min_chars": expect.get("min_chars", 1),
            "max_tokens": keys.get("max_tokens", 16),
            "timeout": float(keys.get("timeout", "20s").removesuffix("s")),
        }
