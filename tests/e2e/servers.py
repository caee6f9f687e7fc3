"""The real servers: started on loopback by the scripts of REAL, switched while they run, stopped whatever happens."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

NEEDED = [
    "node_modules/@copilotkit/aimock/dist/cli.js",
    "node_modules/@dwmkerr/mock-llm/dist/main.js",
    "venv-litellm/bin/litellm",
    "venv/bin/gunicorn",
]
MAIL_USER = "watchfire@test.localhost"


def missing():
    """What install.sh has to bring before the servers can start."""
    home = os.environ.get("REAL_HOME", os.path.expanduser("~/.cache/watchfire-real"))
    absent = [path for path in NEEDED if not os.path.exists(os.path.join(home, path))]
    for program in ["/usr/sbin/postfix", "saslpasswd2", "openssl"]:
        if shutil.which(program) is None:
            absent.append(program)
    return absent


def install(real):
    """Installs what is missing; errs when it is missing still."""
    if absent := missing():
        print(f"installing {', '.join(absent)}", flush=True)
        done = subprocess.run([f"{real}/install.sh", "ai", "mail", "faults"], stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            raise SystemExit(f"install.sh ended with {done.returncode}")
    if absent := missing():
        raise SystemExit(f"install.sh did not bring {', '.join(absent)}")


def free_ports():
    """The first of 50 ports of loopback that nobody holds: each server has ten."""
    for _ in range(200):
        base = 20000 + secrets.randbelow(1000) * 10
        held = []
        try:
            for port in range(base, base + 50):
                held.append(socket.create_server(("127.0.0.1", port)))
            return base
        except OSError:
            continue
        finally:
            for one in held:
                one.close()
    raise SystemExit("no 50 free ports in a row on loopback")


class Servers:
    """aimock, LiteLLM in front of it, httpbin as the store of pictures, postfix, and mock-llm for errors inside a 200."""

    def __init__(self, real):
        self.real = real
        # Postfix runs its parts as other users, who must be able to reach their files.
        self.dir = tempfile.mkdtemp(prefix="watchfire-e2e-")
        os.chmod(self.dir, 0o755)
        base = free_ports()
        self.ai, self.gateway, self.store, self.mail, self.second = (base + 10 * n for n in range(5))
        self.keys = {
            "direct": "sk-direct-" + secrets.token_hex(16),
            "gateway": "sk-gateway-" + secrets.token_hex(16),
            "smtp": "smtp/Pa+ss=" + secrets.token_hex(12),
        }
        self.started = []
        self.starting = []
        self.pids = {}
        self.answers = 0

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def start(self, rules, second):
        """All of them side by side; aimock answers by `rules`, mock-llm by those of `second`."""
        self.answer(rules)
        self._write_gateway()
        with open(self.path("mock-llm.yaml"), "w") as file:
            json.dump({"rules": second}, file)
        waiting = [
            self._spawn("litellm", self.gateway),
            self._spawn("aimock", self.ai),
            self._spawn("httpbin", self.store),
            self._spawn("mock-llm", self.second),
        ]
        # The certificates take as long as the slowest of these.
        subprocess.run([f"{self.real}/make-ca.sh", self.path("ca")], check=True, stdout=subprocess.DEVNULL)
        waiting.append(self._spawn("postfix", self.mail))
        for name, process in waiting:
            self._started(name, process)
        # The script's users have short passwords; ours is one that can be searched for.
        subprocess.run(
            ["saslpasswd2", "-p", "-f", self.path("postfix", "sasldb2"), "-u", "test.localhost", "watchfire"],
            input=self.keys["smtp"].encode(), check=True,
        )

    def _spawn(self, name, port):
        environment = dict(os.environ, CA_DIR=self.path("ca"))
        if name == "aimock":
            environment.update(AIMOCK_API_KEYS=self.keys["direct"], AIMOCK_ARGS="--watch")
        self.started.append(name)
        process = subprocess.Popen(
            [f"{self.real}/start-{name}.sh", str(port), self.dir], env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        self.starting.append(process)
        return name, process

    def _started(self, name, process):
        out, err = process.communicate(timeout=240)
        self.starting.remove(process)
        if process.returncode != 0:
            raise SystemExit(f"{name} did not start: {err.strip() or out.strip()}")
        self.pids[name] = int(out.split()[-1])

    def _write_gateway(self):
        base = f'api_base: "http://127.0.0.1:{self.ai}/v1", api_key: {self.keys["direct"]}, max_retries: 0, timeout: 20'
        with open(self.path("litellm.yaml"), "w") as file:
            file.write(
                "model_list:\n"
                f"  - {{model_name: via-upstream, litellm_params: {{model: openai/gpt-4o-mini, {base}}}}}\n"
                "litellm_settings: {num_retries: 0, telemetry: false, drop_params: true}\n"
                "router_settings: {num_retries: 0, disable_cooldowns: true}\n"
                f"general_settings: {{master_key: {self.keys['gateway']}}}\n"
            )

    # What can be done to them while they run.

    def answer(self, rules):
        """aimock answers by these rules from now on. Returns when it does."""
        self.answers += 1
        marker = f"marker-{self.answers}"
        rules = [{"match": {"userMessage": marker}, "response": {"content": marker}}, *rules]
        with open(self.path("aimock-fixtures.json"), "w") as file:
            json.dump({"fixtures": rules}, file, indent=1)
        if "aimock" in self.pids:
            self._until(
                lambda: f'"{marker}"'.encode() in self.control("GET", "fixtures?include=fixtures"),
                "aimock did not take the new answers",
            )

    def chaos(self, **rates):
        """aimock's own faults, at these rates; none without."""
        method, body = ("POST", json.dumps(rates).encode()) if rates else ("DELETE", None)
        self.control(method, "chaos", body)

    def control(self, method, what, body=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.ai}/__aimock/{what}", data=body, method=method,
            headers={"authorization": f"Bearer {self.keys['direct']}", "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.read()

    def pause(self, name):
        os.kill(self.pids[name], signal.SIGSTOP)

    def resume(self, name):
        os.kill(self.pids[name], signal.SIGCONT)

    def kill(self, name):
        """Ends it at once; returns when its port is closed."""
        port = {"aimock": self.ai, "litellm": self.gateway}[name]
        os.kill(self.pids.pop(name), signal.SIGKILL)
        os.remove(self.path(f"{name}.pid"))
        self._until(lambda: not is_open(port), f"{name} is still there")

    def restart(self, name):
        self.started.remove(name)
        self._started(*self._spawn(name, {"aimock": self.ai, "litellm": self.gateway}[name]))

    def _until(self, holds, otherwise, seconds=20):
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise SystemExit(otherwise)
            time.sleep(0.05)

    def stop(self, keep=False):
        """Everything that was started, also what is paused or was still starting."""
        for process in self.starting:
            try:
                process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
        for name in self.started:
            try:
                self.resume(name)
            except (KeyError, ProcessLookupError):
                pass
        files = [self.path(f"{name}.pid") for name in self.started]
        subprocess.run([f"{self.real}/stop.sh", *files], check=False)
        left = [port for port in (self.ai, self.gateway, self.store, self.mail, self.second) if is_open(port)]
        if left:
            print(f"still open after the end: {left}", flush=True)
        if keep:
            print(f"kept: {self.dir}", flush=True)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)


def is_open(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def versions(servers, watchfire):
    """Each program's own word for its version."""
    home = os.environ.get("REAL_HOME", os.path.expanduser("~/.cache/watchfire-real"))

    def said(*words):
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()

    def package(venv, name):
        code = f"import importlib.metadata as m; print(m.version('{name}'))"
        return said(f"{home}/{venv}/bin/python", "-c", code)

    def module(name):
        with open(f"{home}/node_modules/{name}/package.json") as file:
            return json.load(file)["version"]

    return {
        "watchfire": said(watchfire, "--version").split()[-1],
        "aimock": module("@copilotkit/aimock"),
        "mock-llm": module("@dwmkerr/mock-llm"),
        "LiteLLM": package("venv-litellm", "litellm"),
        "httpbin": package("venv", "httpbin"),
        "postfix": said("postconf", "-h", "mail_version"),
    }
