"""watchfire as a user runs it: its files, the daemon, and the commands beside it."""

import json
import os
import signal
import subprocess
import time

from answers import BY_ADDRESS

RECIPIENT = "oncall@test.localhost"
OTHERS = "gateway@test.localhost"
SENDER = "watchfire@test.localhost"

PROBES = """\
[alert]
email = ["{recipient}"]

[service.direct]
title = "Direct API"
base_url = "http://127.0.0.1:{ai}/v1"
key = {{ env = "E2E_DIRECT_KEY" }}

[service.gateway]
title = "Gateway"
base_url = "http://127.0.0.1:{gateway}/v1"
key = {{ file = "{dir}/gateway.key" }}
# Told apart from the direct way, which fails and recovers at other moments.
alert = {{ email = ["{others}"] }}
"""
CHAT = """
[[probe]]
name = "{name}"
service = "{service}"
kind = "chat"
model = "{model}"
every = "{every}"
timeout = "{every}"
{more}
"""
IMAGE = """
[[probe]]
name = "{name}"
service = "{service}"
kind = "image"
model = "{model}"
every = "{every}"
timeout = "{every}"
{more}
"""
SETTINGS = """\
data_dir = "{dir}/data"
location = "loopback"

[smtp]
url = "{url}"
user = "{user}"
password = {{ file = "{dir}/{password}" }}
from = "{sender}"
{ca}
"""
# Services of the second configuration, which the running daemon takes over.
ASKED = """
[service.asked]
base_url = "http://127.0.0.1:{ai}/v1"
key = {{ env = "E2E_DIRECT_KEY" }}

[service.locked-out]
base_url = "http://127.0.0.1:{ai}/v1"
key = {{ env = "E2E_WRONG_KEY" }}

[service.hidden]
base_url = "http://127.0.0.1:{second}/v1"
key = {{ env = "E2E_DIRECT_KEY" }}
confirm = "off"
"""


class Prober:
    """The daemon, its files in `servers.dir`, and its commands."""

    def __init__(self, program, servers, database):
        self.program = program
        self.servers = servers
        self.database = database
        self.dir = servers.dir
        self.daemon = None
        self.said = []
        self.environment = {
            "PATH": os.environ.get("PATH", ""),
            "E2E_DIRECT_KEY": servers.keys["direct"],
            "E2E_WRONG_KEY": "sk-wrong-" + servers.keys["direct"][10:],
            "NO_COLOR": "1",
        }

    def write(self):
        """The files of a user who watches both ways to the model."""
        self._secret("gateway.key", self.servers.keys["gateway"])
        self._secret("smtp.password", self.servers.keys["smtp"])
        self._secret("wrong.password", "not-the-password")
        self.settings("watchfire.toml", f"smtp://127.0.0.1:{self.servers.mail}")
        self.probes()

    def probes(self, also=""):
        servers = self.servers
        text = PROBES.format(recipient=RECIPIENT, others=OTHERS, ai=servers.ai, gateway=servers.gateway, dir=self.dir)
        for service, model, picture, every in [
            ("direct", "gpt-4o-mini", "gpt-image-1", "2s"),
            ("gateway", "via-upstream", "via-upstream", "3s"),
        ]:
            said = {"service": service, "every": every}
            text += CHAT.format(name="chat", model=model, more="stream = false", **said)
            text += CHAT.format(name="chat-stream", model=model, more='stall_after = "1s"', **said)
            text += IMAGE.format(name="image", model=picture, more="", **said)
            text += IMAGE.format(name="image-url", model=picture, more=f'prompt = "a red square {BY_ADDRESS}"', **said)
        self._write("probes.toml", text + also)

    def asked(self):
        """The configuration with more probes, whose prompts bring answers of their own."""
        text = ASKED.format(ai=self.servers.ai, second=self.servers.second)
        said = {"service": "asked", "every": "2s", "model": "gpt-4o-mini"}
        text += CHAT.format(name="late", more='prompt = "say it late"\nfirst_token_within = "300ms"', **said)
        text += CHAT.format(name="withheld", more='prompt = "say what is withheld"', **said)
        text += CHAT.format(name="retired", more='prompt = "ask the retired"', **said)
        said["service"] = "locked-out"
        text += CHAT.format(name="wrong-key", more="", **said)
        said["service"] = "hidden"
        for word, asked in [("error", "an error"), ("overloaded", "overloaded"), ("money", "no money")]:
            prompt = f'prompt = "say {asked}"'
            text += CHAT.format(name=word, more=prompt + "\nstream = false", **said)
            text += CHAT.format(name=f"{word}-stream", more=prompt, **said)
        self.probes(text)

    def settings(self, name, url, password="smtp.password", ca=True):
        ca = f'ca = "{self.dir}/ca/ca.crt"' if ca else ""
        text = SETTINGS.format(
            dir=self.dir, url=url, user="watchfire@test.localhost", password=password, sender=SENDER, ca=ca
        )
        return self._write(name, text)

    def _write(self, name, text):
        path = self.servers.path(name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def _secret(self, name, text):
        with open(os.open(self.servers.path(name), os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text + "\n")

    # The daemon.

    def start(self):
        path = self.servers.path
        self.daemon = subprocess.Popen(
            [self.program, "run", "--probes", path("probes.toml"), "--config", path("watchfire.toml"),
             "--events", path("events.jsonl")],
            env=self.environment, stdout=open(path("daemon.out"), "wb"), stderr=open(path("daemon.err"), "wb"),
        )

    def alive(self):
        return self.daemon is not None and self.daemon.poll() is None

    def reload(self):
        self.daemon.send_signal(signal.SIGHUP)

    def log(self):
        path = self.servers.path("daemon.err")
        if not os.path.exists(path):
            return ""
        with open(path, errors="replace") as file:
            return file.read()

    def stop(self):
        """Asks it to end, and returns its exit code; kills it when it does not within 20 s."""
        if self.daemon is None:
            return None
        if self.alive():
            self.daemon.terminate()
        try:
            return self.daemon.wait(20)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            return self.daemon.wait()

    # The commands.

    def command(self, *words, config="watchfire.toml", probes="probes.toml", seconds=60):
        """Runs a command with the daemon's files; its output is kept, for the search for secrets."""
        path = self.servers.path
        done = subprocess.run(
            [self.program, *words, "--probes", path(probes), "--config", path(config)],
            env=self.environment, capture_output=True, timeout=seconds,
        )
        self.said.append((" ".join(words), done.stdout + done.stderr))
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def status(self):
        """`status --json`: the word for each probe, and the prober's state."""
        _, out, err = self.command("status", "--json")
        if not out:
            raise RuntimeError(f"status --json said nothing: {err}")
        told = json.loads(out)
        probes = {f"{s['service']}/{p['probe']}": p for s in told["services"] for p in s["probes"]}
        return probes, told

    def incidents(self):
        _, out, _ = self.command("incidents", "--json")
        return [json.loads(line) for line in out.splitlines()]

    def probe(self, name):
        """`probe NAME --json`: one run."""
        _, out, err = self.command("probe", name, "--json")
        if not out:
            raise RuntimeError(f"probe {name} --json said nothing: {err}")
        return json.loads(out)


def wait_for(found, seconds, pause=0.3):
    """What `found` returns, once it is true; its last word after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        result = found()
        if result or time.monotonic() > end:
            return result
        time.sleep(pause)
