"""What the fault scripts share: a daemon in a directory of its own, looks into its database, the table at the end.

WF: the binary (default target/release/watchfire, then target/debug/watchfire). KEEP=1 leaves the directory behind.
"""
import json, os, pathlib, shutil, signal, sqlite3, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TO = ["oncall@example.com"]


def binary():
    named = os.environ.get("WF")
    places = [named] if named else [ROOT / "target/release/watchfire", ROOT / "target/debug/watchfire"]
    for place in places:
        if os.access(place, os.X_OK):
            return str(place)
    sys.exit(f"there is no binary at {' or '.join(map(str, places))}: build one, or name it in WF")


class Late(Exception):
    """Something that was waited for did not come."""


def wait(what, within, true, every=0.05):
    """Waits until `true()`; returns how long that took, in seconds."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > within:
            raise Late(f"{what}: not within {within:g} s")
        time.sleep(every)
    return time.monotonic() - began


class Bed:
    """A directory with configuration, data and log; whatever was started in it is ended with it.

    limit: seconds after which the script gives up, whatever it waits for; None for one beside others in a thread, whose script watches over all.
    """

    def __init__(self, limit):
        self.limit = limit

    def __enter__(self):
        self.wf = binary()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="watchfire-fault-"))
        self.data = self.dir / "data"
        self.log = self.dir / "daemon.log"
        self.events = self.dir / "events.jsonl"
        self.processes = []
        self.daemon = None
        self.born = 0.0
        if self.limit is None:
            return self
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda n, _: sys.exit(128 + n))
        signal.signal(signal.SIGALRM, self._late)
        signal.alarm(self.limit)
        return self

    def _late(self, *_):
        raise Late(f"the whole script: not within {self.limit} s")

    def __exit__(self, kind, error, _):
        if self.limit is not None:
            signal.alarm(0)
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        if kind and kind is not SystemExit and self.log.exists():
            print("".join(f"  | {line}\n" for line in self.log.read_text(errors="replace").splitlines()[-15:]), file=sys.stderr)
        if os.environ.get("KEEP"):
            print(f"kept: {self.dir}", file=sys.stderr)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)
        if kind is Late and self.limit is not None:
            print(f"BREACH  {error}")
            sys.exit(1)

    def configure(self, probes, smtp=None, to=TO, alert="", controls=(), own=0):
        """probes: (service, name, url), each once a second. own: so many recipients of its own for each service, instead of `to`."""
        text = [f'[alert]\nemail = {json.dumps(to)}\npage_at = "degraded"\nreopen_within = "1m"\n{alert}\n']
        text += [f"[control]\nurls = {json.dumps(list(controls))}\n"]
        for service in dict.fromkeys(service for service, *_ in probes):
            text.append(f"[service.{service}]\n")
            if own:
                mine = [f"{service}-{n}@example.com" for n in range(own)]
                text.append(f"[service.{service}.alert]\nemail = {json.dumps(mine)}\n")
        text += [
            f'[[probe]]\nname = "{name}"\nservice = "{service}"\nkind = "http"\nurl = "{url}"\nevery = "1s"\n'
            f'timeout = "900ms"\nconfirm = "off"\n'
            for service, name, url in probes
        ]
        (self.dir / "probes.toml").write_text("\n".join(text))
        mail = f'[smtp]\nurl = "smtp-plain://127.0.0.1:{smtp}"\nfrom = "watchfire@example.com"\n' if smtp else ""
        (self.dir / "watchfire.toml").write_text(
            f'data_dir = "{self.data}"\nlocation = "bed"\n[limits]\nper_host = 256\n{mail}'
        )

    def files(self):
        return ["--probes", str(self.dir / "probes.toml"), "--config", str(self.dir / "watchfire.toml")]

    def spawn(self, arguments, out, **more):
        process = subprocess.Popen([self.wf, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out, **more)
        self.processes = [p for p in self.processes if p.poll() is None] + [process]
        return process

    def start(self, env=None):
        with open(self.log, "ab") as log:
            self.begun = log.tell()
            self.born = time.time()
            self.daemon = self.spawn(
                ["run", *self.files(), "--events", str(self.events)], log, env={**os.environ, "NO_COLOR": "1", **(env or {})}
            )
        return self.daemon

    def ready(self, within=15):
        """Waits until the daemon that was started last probes."""
        wait("the daemon's start", within, lambda: b"watching" in self.log.read_bytes()[self.begun :], 0.02)

    def kill(self):
        self.daemon.kill()
        self.daemon.wait()

    def stop(self, within=30):
        """SIGTERM; returns the exit code."""
        self.daemon.terminate()
        return self.daemon.wait(within)

    def status(self):
        """Exit code and JSON of `watchfire status`."""
        done = subprocess.run([self.wf, "status", "--json", *self.files()], capture_output=True, timeout=30)
        return done.returncode, json.loads(done.stdout or b"{}")

    def prober(self):
        """Exit code of `status --prober`, its state and its notes."""
        done = subprocess.run([self.wf, "status", "--json", "--prober", *self.files()], capture_output=True, timeout=30)
        prober = json.loads(done.stdout or b"{}").get("prober", {})
        return done.returncode, prober.get("state"), prober.get("notes", [])

    def told(self):
        """The lines of --events. Half a line at the end is none."""
        lines = self.events.read_text().split("\n")[:-1] if self.events.exists() else []
        return [json.loads(line) for line in lines]

    def look(self):
        """The database beside the running daemon, read only."""
        return sqlite3.connect(f"file:{self.data}/watchfire.db?mode=ro", uri=True, timeout=10)

    def ask(self, sql):
        db = self.look()
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def snapshot(self, name):
        """Copies the database of a dead daemon, with what is in its log; the original is not touched."""
        copy = self.dir / name
        for suffix in ("", "-wal"):
            source = pathlib.Path(f"{self.data}/watchfire.db{suffix}")
            if source.exists():
                shutil.copyfile(source, f"{copy}{suffix}")
        return copy

    def complaints(self):
        """Lines of the log that must not be there."""
        words = ("panick", "damaged", "corrupt", "malformed")
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return [line for line in lines if any(word in line for word in words)]


def certificate(bed):
    """Files of an authority and of what it has signed for 127.0.0.1; nothing without openssl."""
    if not shutil.which("openssl"):
        return None
    run = lambda *words: subprocess.run(["openssl", *words], cwd=bed.dir, check=True, capture_output=True)
    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run("req", "-x509", *ec, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=bed")
    (bed.dir / "names").write_text("subjectAltName=IP:127.0.0.1\n")

    def leaf(name, *key, sign=("-sha256",), days="2"):
        run("req", *(key or ec), "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=leaf")
        run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "7", "-days", days, *sign, "-extfile", "names", "-out", f"{name}.pem")
        return bed.dir / f"{name}.pem", bed.dir / f"{name}.key"

    return bed.dir / "ca.pem", leaf


def integrity(path):
    db = sqlite3.connect(path)
    try:
        return db.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        db.close()


def lost(before, after, tables=("sample", "evidence", "event", "incident", "outbox")):
    """table -> rows of `before` that are not in `after`. Samples, evidence and events whole, the others by number."""
    db = sqlite3.connect(after)
    db.execute("ATTACH ? AS old", [str(before)])
    columns = {"incident": "id, service_id, opened_at", "outbox": "id, incident_id, sequence, recipient, message_id"}
    try:
        missing = {}
        for table in tables:
            what = columns.get(table, "*")
            sql = f"SELECT count(*) FROM (SELECT {what} FROM old.{table} EXCEPT SELECT {what} FROM main.{table})"
            missing[table] = db.execute(sql).fetchone()[0]
        return missing
    finally:
        db.close()


class Table:
    """Figures beside what they must be. Printed at the end; `end` leaves with 1 when one is missed."""

    def __init__(self, title):
        self.title, self.rows = title, []

    def add(self, what, figure, must, held):
        self.rows.append((what, str(figure), must, "ok" if held else "BREACH"))

    def zero(self, what, figure):
        self.add(what, figure, "0", figure == 0)

    def end(self):
        width = [max(len(row[n]) for row in self.rows) for n in range(3)]
        print(self.title)
        for what, figure, must, held in self.rows:
            print(f"  {what:{width[0]}}  {figure:>{width[1]}}  must be {must:{width[2]}}  {held}")
        breaches = sum(row[3] != "ok" for row in self.rows)
        print(f"{len(self.rows) - breaches} of {len(self.rows)} hold")
        sys.exit(1 if breaches else 0)
