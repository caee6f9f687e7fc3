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
from dataclasses import dataclass, field

NEEDED = [
    "node_modules/@copilotkit/aimock/dist/cli.js",
    "node_modules/@dwmkerr/mock-llm/dist/main.js",
    "venv-litellm/bin/litellm",
    "venv/bin/gunicorn",
    "venv/bin/fakellm",
]
# Programs whose configuration names files of the test CA.
NEEDS_CA = ["postfix", "badtls"]


def missing():
    """What install.sh has to bring before the servers can start."""
    home = os.environ.get("REAL_HOME", os.path.expanduser("~/.cache/watchfire-real"))
    absent = [path for path in NEEDED if not os.path.exists(os.path.join(home, path))]
    for program in ["/usr/sbin/postfix", "/usr/sbin/nginx", "saslpasswd2", "openssl"]:
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


def free_ports(count):
    """The first of so many ports of loopback in a row that nobody holds."""
    for _ in range(200):
        base = 20000 + secrets.randbelow(1000) * 10
        held = []
        try:
            for port in range(base, base + count):
                held.append(socket.create_server(("127.0.0.1", port)))
            return base
        except OSError:
            continue
        finally:
            for one in held:
                one.close()
    raise SystemExit(f"no {count} free ports in a row on loopback")


@dataclass
class Place:
    """Where a server is: its script, its first port, its folder, and what its environment has besides."""

    script: str
    port: int
    folder: str
    environment: dict = field(default_factory=dict)


class Servers:
    """The servers of the play, and beside them those that only the matrix asks.

    The play has aimock, LiteLLM in front of it, httpbin as the store of pictures, postfix, and mock-llm for errors inside
    a 200. The matrix has an aimock and a mock-llm of its own, fakellm, nginx with bad certificates and broken replies, nginx
    with pages, and llama-server where it is built; LiteLLM and httpbin serve both.
    """

    def __init__(self, real):
        self.real = real
        # Postfix runs its parts as other users, who must be able to reach their files.
        self.dir = tempfile.mkdtemp(prefix="watchfire-e2e-")
        os.chmod(self.dir, 0o755)
        self.keys = {
            "direct": "sk-direct-" + secrets.token_hex(16),
            "gateway": "sk-gateway-" + secrets.token_hex(16),
            "smtp": "smtp/Pa+ss=" + secrets.token_hex(12),
            "matrix": "sk-matrix-" + secrets.token_hex(16),
        }
        # Ten ports each, and those of the bad certificates at the end.
        base = free_ports(130)
        names = ["aimock", "litellm", "httpbin", "postfix", "mock-llm", "matrix-aimock", "matrix-mock-llm", "fakellm", "llama", "pages", "badtls"]
        self.places = {
            name: Place(name.removeprefix("matrix-"), base + 10 * n, self.path("matrix") if name.startswith("matrix-") else self.dir)
            for n, name in enumerate(names)
        }
        os.mkdir(self.path("matrix"))
        self.places["aimock"].environment = dict(AIMOCK_API_KEYS=self.keys["direct"], AIMOCK_ARGS="--watch")
        self.places["matrix-aimock"].environment = dict(AIMOCK_API_KEYS=self.keys["matrix"], AIMOCK_ARGS="--log-level silent")
        # Its answers end at the limit of tokens: one that ends by itself may be over before it is cut off.
        self.places["llama"].environment = dict(API_KEY=self.keys["matrix"], LLAMA_ARGS="-np 8 -c 4096 --threads-http 16 --ignore-eos", THREADS="1")
        self.ai, self.gateway, self.store, self.mail, self.second = (
            self.places[name].port for name in ("aimock", "litellm", "httpbin", "postfix", "mock-llm")
        )
        self.started = []
        self.starting = []
        self.pids = {}
        self.answers = 0

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def start(self, rules, second):
        """Those of the play, side by side; aimock answers by `rules`, mock-llm by those of `second`."""
        self.answer(rules)
        with open(self.path("mock-llm.yaml"), "w") as file:
            json.dump({"rules": second}, file)
        self.start_all(["litellm", "aimock", "httpbin", "mock-llm", "postfix"])
        # The script's users have short passwords; ours is one that can be searched for.
        subprocess.run(
            ["saslpasswd2", "-p", "-f", self.path("postfix", "sasldb2"), "-u", "test.localhost", "watchfire"],
            input=self.keys["smtp"].encode(), check=True,
        )

    def start_all(self, names):
        """Side by side those of them that do not run yet. The certificates come before them: some need them."""
        waiting = [self._spawn(name) for name in names if name not in self.pids and name not in NEEDS_CA]
        subprocess.run([f"{self.real}/make-ca.sh", self.path("ca")], check=True, stdout=subprocess.DEVNULL)
        waiting += [self._spawn(name) for name in names if name not in self.pids and name in NEEDS_CA]
        for name, process in waiting:
            self._started(name, process)

    def _spawn(self, name):
        place = self.places[name]
        if name == "litellm":
            self._write_gateway()
        self.started.append(name)
        process = subprocess.Popen(
            [self.script(place), str(place.port), place.folder],
            env=dict(os.environ, CA_DIR=self.path("ca"), **place.environment),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        self.starting.append(process)
        return name, process

    def script(self, place):
        """Ours when there is one."""
        ours = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"start-{place.script}.sh")
        return ours if os.path.exists(ours) else f"{self.real}/start-{place.script}.sh"

    def _started(self, name, process):
        out, err = process.communicate(timeout=240)
        self.starting.remove(process)
        if process.returncode != 0:
            raise SystemExit(f"{name} did not start: {err.strip() or out.strip()}")
        self.pids[name] = int(out.split()[-1])

    def _write_gateway(self):
        """LiteLLM's own mock models, and the ways to both aimocks; `via/NAME` asks the matrix's for the model NAME."""
        def upstream(port, key):
            return f'api_base: "http://127.0.0.1:{port}/v1", api_key: {key}, max_retries: 0'

        mock = "model: openai/gpt-4o-mini, api_key: sk-none"
        play = upstream(self.ai, self.keys["direct"])
        matrix = upstream(self.places["matrix-aimock"].port, self.keys["matrix"])
        image = f"http://127.0.0.1:{self.store}/image/png"
        models = {
            "via-upstream": f"model: openai/gpt-4o-mini, {play}, timeout: 20",
            '"via/*"': f'model: "openai/*", {matrix}, timeout: 20',
            "mock-ok": f'{mock}, mock_response: "pong"',
            "mock-slow": f'{mock}, mock_response: "pong late", mock_delay: 2',
            "mock-ratelimit": f'{mock}, mock_response: "litellm.RateLimitError"',
            "mock-500": f'{mock}, mock_response: "litellm.InternalServerError"',
            "mock-context": f'{mock}, mock_response: "litellm.ContextWindowExceededError"',
            "mock-timeout": f"{mock}, mock_timeout: true, timeout: 1",
            "mock-image": f'model: openai/dall-e-3, api_key: sk-none, mock_response: "{image}"',
            "dead-upstream": f"model: openai/gpt-4o-mini, {upstream(9, 'sk-none')}, timeout: 3",
        }
        lines = "".join(f"  - {{model_name: {name}, litellm_params: {{{way}}}}}\n" for name, way in models.items())
        with open(self.path("litellm.yaml"), "w") as file:
            file.write(
                f"model_list:\n{lines}"
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
            self.until(
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
        os.kill(self.pids.pop(name), signal.SIGKILL)
        os.remove(self.pid_file(name))
        self.until(lambda: not is_open(self.places[name].port), f"{name} is still there")

    def restart(self, name):
        self.started.remove(name)
        self._started(*self._spawn(name))

    def pid_file(self, name):
        place = self.places[name]
        return os.path.join(place.folder, f"{place.script}.pid")

    def until(self, holds, otherwise, seconds=20):
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
        subprocess.run([f"{self.real}/stop.sh", *map(self.pid_file, self.started)], check=False)
        left = [place.port for place in self.places.values() if is_open(place.port)]
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
