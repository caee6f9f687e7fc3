"""The run itself: which case follows which, and how what was seen is held against what was expected."""

import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import answers
from afterwards import Afterwards
from cases import ASKED, GATEWAYS, GOOD, OURS, OUTAGE, PROBES, PROVIDERS, TRIALS
from maildir import Mailbox
from prober import wait_for
from report import CASE_HEADS, plain
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
    after = Afterwards(play)
    after.mails()
    after.secrets()


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
        self.told = []
        # The trials have a file of their own: the daemon's is rewritten, and broken, meanwhile.
        shutil.copy(self.servers.path("probes.toml"), self.servers.path("trial-probes.toml"))
        with ThreadPoolExecutor(1) as pool:
            trials = pool.submit(self.trials)
            reloaded = self.reloads()
            trials.result()
        time.sleep(max(6.0 - (now() - self.taken) / 1e6, seconds - (now() - began) / 1e6, 0.0))
        self.report.part(
            "Without faults: two ways to one model", "probe", "expected", "got", "samples", "`status`"
        )
        self.compare(began, now(), dict.fromkeys(MAIN, GOOD), None, least=5)
        self.requests()
        self.report.part("A second configuration, taken over while it runs", "probe or act", "expected", "got", "samples")
        for row in reloaded:
            self.report.row(*row)
        late = [s for s in self.database.samples() if s.probe in ASKED and s.began > self.taken + 2_000_000]
        seconds = (now() - self.taken) / 1e6
        self.report.row(
            not late and seconds > 5, "probes that it has no more", f"no further runs in {seconds:.0f} s", f"{len(late)} runs", len(late)
        )
        self.report.part("`watchfire test-mail` through postfix", "server", "expected", "exit", "postfix met", "said")
        for row in self.told:
            self.report.row(*row)

    def requests(self):
        """What aimock itself noted: one request a run, whole, and none twice."""
        runs = sum(s.probe in ("direct/chat", "direct/chat-stream") for s in self.database.samples())
        notes = json.loads(self.servers.control("GET", "journal?path=/v1/chat/completions"))
        notes = notes if isinstance(notes, list) else notes["entries"]
        own = [note["body"] for note in notes if "watchfire" in note["headers"].get("user-agent", "")]
        own = [body for body in own if body["messages"][0]["content"].startswith("Request ")]
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
        self.taken = now()
        rows.append((bool(taken), "first file again", "taken over", "said in the log" if taken else "no word", ""))
        return rows

    def trials(self):
        """Rows of the test mails; none of those that fail may leave a mail."""
        for number, trial in enumerate(TRIALS):
            url = f"{trial.scheme}://127.0.0.1:{self.servers.mail + trial.port}"
            name = f"trial-{number}.toml"
            self.prober.settings(name, url, trial.password, trial.ca)
            address = f"trial-{number}@test.localhost"
            before = self.goodbyes()
            code, out, err = self.prober.command("test-mail", address, config=name, probes="trial-probes.toml")
            said = out + err
            delivered = wait_for(lambda: self.delivered_to(address), 5) if code == 0 else self.delivered_to(address)
            # What the server itself counted in this conversation.
            seen = wait_for(lambda: self.goodbyes()[len(before):], 5) if trial.meets_server else []
            saw = seen[-1] if seen else "nothing"
            in_clear = "auth=" in saw and "starttls=1" not in saw and trial.scheme != "smtps"
            right = code == trial.code and all(word in said for word in trial.says) and delivered == (trial.code == 0)
            right = right and not in_clear and (trial.saw is None or saw == trial.saw)
            mark = "delivered" if delivered else "no mail"
            lines = [line.strip() for line in said.splitlines()[1:]]
            kept = " · ".join(lines).replace(f"{address}: ", "").replace(str(self.servers.mail + trial.port), "PORT")
            kept = kept.replace(address, "ADDRESS")
            self.told.append((right, trial.name, "accepted" if trial.code == 0 else "refused", f"{code}, {mark}", saw, kept))
        tests = [mail for mail in self.mailbox.all() if "trial-" in str(mail.message["To"])]
        marked = [m for m in tests if "Test alert" in m.subject and m.plain.startswith("TEST: ") and m.message["References"] is None]
        self.told.append((len(marked) == len(tests), "those that came", "marked as tests", "", "", f"{len(marked)} of {len(tests)}"))

    def goodbyes(self):
        """postfix's line at the end of each conversation: how often it met each command."""
        with open(self.servers.path("postfix", "mail.log")) as file:
            return [line.split("] ", 1)[1].strip() for line in file if "disconnect from" in line]

    def delivered_to(self, address):
        return any(address in str(mail.message["To"]) for mail in self.mailbox.all())

    def our_faults(self):
        for case in OURS:
            self.case(case)
        self.report.part("Our own faults are no outage", "what", "expected", "got")
        found = sorted({i["kind"] for i in self.prober.incidents()})
        self.report.row(found == ["notice"], "kinds of incidents so far", "notice", plain(found))

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
        self.report.part(case.name, *CASE_HEADS)
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

    def mail_of(self, service, event):
        """The mail about this event of the service's first incident, once its delivery is recorded."""
        for incident in self.prober.incidents():
            if incident["service"] != service or incident["kind"] != "errors":
                continue
            for delivery in incident["deliveries"]:
                if delivery["event"] == event and delivery["state"] == "sent":
                    found = [m for m in self.mailbox.all() if m.id == delivery["message_id"]]
                    return found[0] if found else None
        return None


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
