"""The run itself: which case follows which, and how what was seen is held against what was expected."""

import base64
import json
import os
import re
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import answers
from cases import ASKED, GATEWAYS, GOOD, OURS, OUTAGE, PROBES, PROVIDERS, TRIALS
from mailbox import Mailbox, when
from prober import RECIPIENT, wait_for
from samples import words

# Runs of each probe that a case needs to be told.
RUNS = 2
MAIN = [f"{service}/{probe}" for service in ("direct", "gateway") for probe in PROBES]


def all_cases(servers, prober, report, quiet):
    play = Play(servers, prober, report)
    report.part("Start", "what", "seen")
    servers.start(answers.good(servers.store), answers.inside_200())
    prober.write()
    prober.start()
    report.row(True, "servers and daemon", "started")
    play.without_faults(quiet)
    play.our_faults()
    play.outage()
    play.recovery()
    play.end()
    play.mails()
    play.secrets()


class Play:
    """One run."""

    def __init__(self, servers, prober, report):
        self.servers = servers
        self.prober = prober
        self.report = report
        self.database = prober.database
        self.mailbox = Mailbox(servers.path("postfix", "mail", "inbox", "new"))

    # Parts, in their order.

    def without_faults(self, seconds):
        """All is well for so long; meanwhile mails are tried, and a reload brings and takes probes."""
        began = now()
        wait_for(lambda: os.path.exists(self.database.path), 20)
        trials = threading.Thread(target=self.trials)
        self.told = []
        trials.start()
        reloaded = self.reloads()
        trials.join()
        time.sleep(max(0.0, seconds - (now() - began) / 1e6))
        self.report.part(
            "Without faults: two ways to one model", "probe", "expected", "got", "samples", "by `status` and `probe`"
        )
        self.compare(began, now(), dict.fromkeys(MAIN, GOOD), None, least=5)
        self.requests()
        self.report.part("A second configuration, taken over while it runs", "probe or act", "expected", "got", "samples")
        for row in reloaded:
            self.report.row(*row)
        self.report.part("`watchfire test-mail` through postfix", "server", "expected", "exit", "said")
        for row in self.told:
            self.report.row(*row)

    def requests(self):
        """What aimock itself noted: one request a run, whole, and none twice."""
        runs = sum(s.probe in ("direct/chat", "direct/chat-stream") for s in self.database.samples())
        notes = json.loads(self.servers.control("GET", "journal?path=/v1/chat/completions"))
        notes = notes if isinstance(notes, list) else notes["entries"]
        own = [note["body"] for note in notes if "watchfire" in note["headers"].get("user-agent", "")]
        own = [body for body in own if body["messages"][0]["content"].startswith("ping ")]
        report = self.report
        report.part("What aimock was asked", "what", "expected", "got")
        twice = len(own) - len({body["messages"][0]["content"] for body in own})
        report.row(twice == 0, "questions that came twice", 0, twice)
        near = 0 <= len(own) - runs <= 6
        report.row(near, "questions, for the runs that are stored", f"{runs} and those under way", len(own))

    def reloads(self):
        """Rows about SIGHUP: with more probes, with a broken file, and back."""
        rows = []
        began = now()
        self.prober.asked()
        self.prober.reload()
        seen = wait_for(lambda: self.enough(began, ASKED), 30)
        if not seen:
            rows.append((False, "new probes", f"{RUNS} runs each", "too few within 30 s", 0))
        for probe, verdict in ASKED.items():
            got = tally(s for s in self.database.samples() if s.probe == probe)
            rows.append((set(got) == {verdict}, probe, verdict, shown(got), sum(got.values())))
        with open(self.servers.path("probes.toml"), "a") as file:
            file.write("\n[[probe]]\nname = 7\n")
        self.prober.reload()
        said = wait_for(lambda: "stays in force" in self.prober.log(), 10)
        rows.append((bool(said), "broken file", "the old configuration stays in force", "said in the log" if said else "no word", ""))
        self.prober.probes()
        self.prober.reload()
        taken = wait_for(lambda: self.prober.log().count("was read again") >= 2, 10)
        silent_from = now() + 3_000_000
        rows.append((bool(taken), "first file again", "taken over", "said in the log" if taken else "no word", ""))
        time.sleep(5)
        late = [s for s in self.database.samples() if s.probe in ASKED and s.began > silent_from]
        rows.append((not late, "probes that it has no more", "no further runs", f"{len(late)} runs", len(late)))
        return rows

    def trials(self):
        """Rows of the test mails; none of those that fail may leave a mail."""
        for number, trial in enumerate(TRIALS):
            url = f"{trial.scheme}://127.0.0.1:{self.servers.mail + trial.port}"
            name = f"trial-{number}.toml"
            self.prober.settings(name, url, trial.password, trial.ca)
            address = f"trial-{number}@test.localhost"
            code, out, err = self.prober.command("test-mail", address, config=name)
            said = out + err
            delivered = wait_for(lambda: self.delivered_to(address), 5) if code == 0 else self.delivered_to(address)
            right = code == trial.code and all(word in said for word in trial.says) and delivered == (trial.code == 0)
            mark = "delivered" if delivered else "no mail"
            kept = " ".join(line.strip() for line in said.splitlines()[1:])
            kept = kept.replace(address, "").replace(str(self.servers.mail + trial.port), "PORT").lstrip(": ")
            self.told.append((right, trial.name, "accepted" if trial.code == 0 else "refused", f"{code}, {mark}", f"`{kept}`"))

        tests = [mail for mail in self.mailbox.all() if "trial-" in str(mail.message["To"])]
        marked = [m for m in tests if "Test alert" in m.subject and m.plain.startswith("TEST: ") and m.message["References"] is None]
        self.told.append((len(marked) == len(tests), "those that came", "marked as tests", "", f"{len(marked)} of {len(tests)}"))

    def delivered_to(self, address):
        return any(address in str(mail.message["To"]) for mail in self.mailbox.all())

    def our_faults(self):
        for case in OURS:
            self.case(case)
        self.report.part("Our own faults are no outage", "what", "expected", "got")
        found = [i["service"] for i in self.prober.incidents()]
        self.report.row(not found, "incidents so far", "none", found or "none")

    def outage(self):
        self.broken = now()
        self.case(OUTAGE, until=lambda: self.mail_of("direct", "open"))
        for case in PROVIDERS:
            self.case(case)

    def recovery(self):
        """The direct way is well again. Meanwhile the gateway itself fails."""
        self.servers.answer(answers.good(self.servers.store))
        self.back = now()
        for case in GATEWAYS:
            self.case(case)
        wait_for(lambda: self.mail_of("direct", "close"), 150)

    def end(self):
        self.report.part("The end of the daemon", "what", "expected", "got")
        wait_for(lambda: self.prober.status()[1]["prober"]["outbox_pending"] == 0, 20)
        probes, told = self.prober.status()
        self.report.row(told["prober"]["state"] == "ok", "`status --json`, the prober", "ok", told["prober"]["state"])
        samples = self.database.samples()
        for probe in MAIN:
            own = [s for s in samples if s.probe == probe]
            hour = probes[probe]["hour"]
            bad = sum(s.outcome == "failure" and s.fault in ("provider", "network") for s in own)
            good = sum(s.outcome in ("success", "degraded") for s in own)
            stored = {"up": good, "down": bad, "unknown": len(own) - good - bad}
            # A run may have come between the two looks.
            near = all(abs(stored[key] - hour[key]) <= 2 for key in stored)
            self.report.row(near, f"{probe}: up, down, unknown by `status`", plain(stored), plain({key: hour[key] for key in stored}))
        code = self.prober.stop()
        self.report.row(code == 0, "exit code after SIGTERM", 0, code)

    # One case.

    def case(self, case, until=lambda: True):
        self.report.part(case.name, "probe", "expected", "got", "samples", "by `status` and `probe`")
        expected = dict(case.expected())
        case.on(self.servers)
        began = now()
        with ThreadPoolExecutor(len(expected)) as pool:
            runs = pool.map(self.prober.probe, expected)
            seen = wait_for(lambda: self.enough(began, expected), 40)
            runs = dict(zip(expected, runs))
        probes, _ = self.prober.status()
        fulfilled = wait_for(until, 60)
        ended = now()
        case.off(self.servers)
        beside = {
            name: (words(run["outcome"], run["kind"], run["fault"], run["phase"], run["status"]), probes[name]["state"])
            for name, run in runs.items()
        }
        self.compare(began, ended, expected, beside)
        if not seen:
            self.report.row(False, "all", f"{RUNS} runs each", "too few within 40 s", "", "")
        if not fulfilled:
            self.report.row(False, "mail", "sent", "none within 60 s", "", "")

    def enough(self, began, names):
        """Whether each of these probes has run often enough since then."""
        done = tally_by_probe(s for s in self.database.samples() if s.began >= began)
        return all(done.get(name, 0) >= RUNS for name in names)

    def compare(self, began, ended, expected, beside, least=RUNS):
        """All runs that lie wholly between the two moments; probes of which the same can be said share a row."""
        samples = [s for s in self.database.samples() if s.began >= began and s.ended <= ended]
        states = self.prober.status()[0] if beside is None else None
        groups = {}
        for name, verdict in expected.items():
            own = [s for s in samples if s.probe == name]
            by_probe, by_status = beside[name] if beside else (verdict, states[name]["state"])
            kind = verdict.split(" ")[0]
            agree = by_probe == verdict and by_status == (GOOD if verdict == GOOD else f"failure ({kind})")
            told = "the same" if agree else f"{by_probe}; {by_status}"
            lacking = [word for sample in own for word in incomplete(sample)]
            got = shown(tally(own)) + (f", without {', '.join(sorted(set(lacking)))}" if lacking else "")
            ok = got == verdict and len(own) >= least and agree
            service, probe = name.split("/")
            probes, runs = groups.setdefault((service, verdict, got, told, ok), ([], []))
            probes.append(probe)
            runs.append(len(own))
        for (service, verdict, got, told, ok), (probes, runs) in groups.items():
            whose = "all four" if probes == PROBES else ", ".join(probes)
            self.report.row(ok, f"{service}: {whose}", verdict, got, plain(runs), told)

    # Mails.

    def mail_of(self, service, event):
        """The mail about this event of the service's first incident, once its delivery is recorded."""
        for incident in self.prober.incidents():
            if incident["service"] != service:
                continue
            for delivery in incident["deliveries"]:
                if delivery["event"] == event and delivery["state"] == "sent":
                    found = [m for m in self.mailbox.all() if m.id == delivery["message_id"]]
                    return found[0] if found else None
        return None

    def mails(self):
        self.report.part("Mails, as postfix delivered them", "what", "expected", "got")
        row = self.report.row
        incidents = self.prober.incidents()
        direct = [i for i in incidents if i["service"] == "direct"]
        row(len(direct) == 1, "incidents of the direct way", 1, len(direct))
        if not direct:
            return
        sent = {d["message_id"] for i in incidents for d in i["deliveries"]}
        states = sorted({d["state"] for i in incidents for d in i["deliveries"]})
        row(states == ["sent"], "states of all deliveries (`incidents --json`)", "sent", ", ".join(states))
        attempts = sorted({d["attempts"] for i in incidents for d in i["deliveries"]})
        row(attempts == [1], "attempts", 1, plain(attempts))
        outbox = {row[0] for row in self.database.rows("SELECT message_id FROM outbox")}
        all_mails = [m for m in self.mailbox.all() if RECIPIENT in str(m.message["To"])]
        came = sorted(m.id for m in all_mails)
        row(came == sorted(outbox) == sorted(sent), "Message-IDs of outbox, `incidents` and Maildir", "the same, each once",
            f"{len(outbox)}, {len(sent)}, {len(came)}" + ("" if came == sorted(outbox) == sorted(sent) else " differ"))
        defects = [d for m in self.mailbox.all() for d in m.defects]
        row(not defects, f"defects by Python's strict parser in {len(self.mailbox.all())} mails", "none", defects or "none")
        tls = [m for m in all_mails if "with ESMTPSA" in m.received]
        row(len(tls) == len(all_mails), "Received: with ESMTPSA (TLS and log-in)", f"{len(all_mails)} mails", f"{len(tls)} mails")
        log = self.read("postfix/mail.log").decode()
        known = [m for m in all_mails if re.search(rf"{m.queue_id()}: client=.*sasl_username=watchfire@test.localhost", log)]
        row(len(known) == len(all_mails), "postfix's log: logged in as us", f"{len(all_mails)} mails", f"{len(known)} mails")
        versions = sorted(set(re.findall(r"TLS connection established from .*: (TLSv[\d.]+) with", log)))
        row(versions == ["TLSv1.3"], "postfix's log: TLS", "TLSv1.3", ", ".join(versions))
        opened, closed = self.mail_of("direct", "open"), self.mail_of("direct", "close")
        if not (opened and closed):
            row(False, "mails of the direct way", "open, close", plain([d["event"] for d in direct[0]["deliveries"]]))
            return
        self.texts(direct[0], opened, closed)

    def texts(self, incident, opened, closed):
        row = self.report.row
        number = incident["incident"]
        events = self.database.rows(
            "SELECT event, failed, of, since FROM event WHERE incident_id = ? ORDER BY sequence", number
        )
        for mail, event, what in [(opened, events[0], "first mail"), (closed, events[-1], "last mail")]:
            _, failed, of, since = event
            shares = (mail.share(mail.plain), mail.share(mail.html))
            row(shares == ((failed, of),) * 2, f"{what}: k of n, plain and HTML", f"{failed} of {of}", plain(shares))
            moment = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(since // 1_000_000))
            both = [moment in text for text in (mail.plain, mail.html)]
            row(all(both), f"{what}: since when", "the event's moment in both", "in both" if all(both) else f"{both}")
        named = all("server_error, HTTP 500 (the service)" in text for text in (opened.plain, opened.html))
        row(named, "first mail: what", "server_error, HTTP 500 (the service)", "in both" if named else opened.plain[:400])
        masked = "[secret]" in opened.plain
        row(masked, "first mail: our key in the answer", "[secret]", "masked" if masked else "not there")
        root = opened.id
        after = [m for m in self.mailbox.all() if m.id in {d["message_id"] for d in incident["deliveries"]} and m is not opened and m.id != root]
        threaded = all(str(m.message["References"]) == root == str(m.message["In-Reply-To"]) for m in after)
        row(threaded and bool(after), "later mails: References and In-Reply-To", "the first Message-ID", f"so in {len(after)}" if threaded else "not so")
        subjects = {m.subject for m in [opened, *after]}
        row(len(subjects) == 1, "subjects of the thread", 1, " / ".join(sorted(subjects)))
        row("RECOVERED" in closed.plain and incident["state"] == "recovered", "after the recovery", "RECOVERED, recovered",
            f"{closed.plain.splitlines()[0].split(':')[0]}, {incident['state']}")
        written = [json.loads(line) for line in self.read("events.jsonl").splitlines()]
        written = [(line["incident"], line["event"]) for line in written]
        told = [(i["incident"], d["event"]) for i in self.prober.incidents() for d in i["deliveries"]]
        row(sorted(written) == sorted(told), "events file and deliveries", "the same", f"{len(written)} and {len(told)} events")
        for what, moment, from_ in [("outage: since", events[0][3], self.broken), ("recovery: since", events[-1][3], self.back)]:
            late = (moment - from_) / 1e6
            row(-3 <= late <= 10, f"{what}, after the servers were switched", "-3 s to 10 s", f"{late:.1f} s")
        row(True, "first mail decided, after the servers were switched", "", f"{when(incident['opened_at']) - self.broken / 1e6:.0f} s")
        row(True, "recovery decided, after the servers were back", "", f"{when(incident['closed_at']) - self.back / 1e6:.0f} s")

    # Secrets.

    def secrets(self):
        self.report.part("Keys and password, searched for in all that watchfire wrote", "where", "bytes", "found")
        texts = {"events file": self.read("events.jsonl"), "daemon: stdout": self.read("daemon.out"),
                 "daemon: stderr": self.read("daemon.err")}
        texts["commands: stdout and stderr"] = b"".join(said for _, said in self.prober.said)
        texts["mails"] = b"".join(mail.raw for mail in self.mailbox.all())
        texts["mails, decoded"] = "".join(m.plain + m.html for m in self.mailbox.all()).encode()
        folder = self.servers.path("data")
        files = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]
        texts["database and its files"] = b"".join(self.read(path) for path in files)
        # What must hold them shows that the search would find them.
        control = self.read("litellm.yaml") + self.read("smtp.password")
        found = {name for name, _, value in self.forms() if value in control}
        self.report.row(found == set(self.servers.keys), "the servers' own files, for comparison", len(control), ", ".join(sorted(found)))
        for where, text in texts.items():
            found = [f"{name} ({form})" for name, form, value in self.forms() if value in text]
            self.report.row(not found, where, len(text), ", ".join(found) or "none")

    def read(self, path):
        with open(self.servers.path(path), "rb") as file:
            return file.read()

    def forms(self):
        """Each secret raw and in the forms in which it may slip through."""
        login = self.servers.keys["smtp"]
        secrets = dict(self.servers.keys, login=f"\0watchfire@test.localhost\0{login}")
        for name, secret in secrets.items():
            raw = secret.encode()
            yield name, "raw", raw
            yield name, "base64", base64.b64encode(raw).rstrip(b"=")
            yield name, "base64 for URLs", base64.urlsafe_b64encode(raw).rstrip(b"=")
            if urllib.parse.quote_plus(secret) != secret:
                yield name, "percent", urllib.parse.quote_plus(secret).encode()


def now():
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def incomplete(sample):
    """What a run must have kept and has not: the times of the phases that it reached, the first token, the evidence."""
    times = {"connect": sample.connect_us}
    if sample.phase != "connect":
        times["first_byte"] = sample.first_byte_us
    if sample.phase in (None, "body"):
        times["body"] = sample.body_us
    if sample.probe.endswith("stream") and sample.kind in (None, "stalled", "truncated"):
        times["first_token"] = sample.first_token_us
    if sample.outcome == "failure":
        times["evidence"] = sample.evidence or None
    return [name for name, kept in times.items() if kept is None]


def tally(samples):
    got = {}
    for sample in samples:
        got[sample.verdict()] = got.get(sample.verdict(), 0) + 1
    return got


def tally_by_probe(samples):
    done = {}
    for sample in samples:
        done[sample.probe] = done.get(sample.probe, 0) + 1
    return done


def shown(got):
    if len(got) == 1:
        return next(iter(got))
    return ", ".join(f"{verdict} ({count})" for verdict, count in got.items()) or "nothing"


def plain(value):
    """A list or mapping in words."""
    if isinstance(value, dict):
        return ", ".join(str(part) for part in value.values())
    return ", ".join(str(part) for part in value)


def document(report, versions, quick):
    """docs/real-servers.md."""
    programs = ", ".join(f"{name} {version}" for name, version in versions.items())
    command = "tests/e2e/run" + (" --quick" if quick else "")
    head = f"""# Against real servers

`{command} --write` wrote this page. It starts the servers on loopback, runs the daemon against them, switches the servers to
one fault after the other, and compares every run that the daemon stored, every mail that came and every word that was said
with what is expected. All {report.count()} checks were right, in {report.took():.0f} s.

Programs: {programs}. `direct` is aimock, an AI server; `gateway` is LiteLLM in front of it. `expected` and `got` are kind,
fault, phase and status of *each* run in the case; `samples` is how many there were, re-checks included. The last column
says whether `watchfire status --json` and a `watchfire probe --json` of that moment agree.
"""
    return report.markdown(head)
