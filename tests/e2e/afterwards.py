"""What is looked at when the daemon has ended: the mails that came, and whether a secret got out."""

import base64
import json
import os
import re
import time
import urllib.parse

from maildir import when
from prober import OTHERS, RECIPIENT
from report import plain


class Afterwards:
    """The rows about a run that is over."""

    def __init__(self, play):
        self.play = play
        self.prober = play.prober
        self.report = play.report

    def mails(self):
        self.report.part("Mails, as postfix delivered them", "what", "expected", "got")
        row = self.report.row
        incidents = self.prober.incidents()
        direct = [i for i in incidents if i["service"] == "direct" and i["kind"] == "errors"]
        row(len(direct) == 1, "incidents of the direct way", 1, len(direct))
        if not direct:
            return
        sent = {d["message_id"] for i in incidents for d in i["deliveries"]}
        states = sorted({d["state"] for i in incidents for d in i["deliveries"]})
        row(states == ["sent"], "states of all deliveries (`incidents --json`)", "sent", ", ".join(states))
        attempts = sorted({d["attempts"] for i in incidents for d in i["deliveries"]})
        row(attempts == [1], "attempts", 1, plain(attempts))
        outbox = {row[0] for row in self.prober.database.rows("SELECT message_id FROM outbox")}
        all_mails = [m for m in self.play.mailbox.all() if str(m.message["To"]) in (RECIPIENT, OTHERS)]
        came = sorted(m.id for m in all_mails)
        row(came == sorted(outbox) == sorted(sent), "Message-IDs of outbox, `incidents` and Maildir", "the same, each once",
            f"{len(outbox)}, {len(sent)}, {len(came)}" + ("" if came == sorted(outbox) == sorted(sent) else " differ"))
        defects = [d for m in self.play.mailbox.all() for d in m.defects]
        row(not defects, f"defects by Python's strict parser in {len(self.play.mailbox.all())} mails", "none", defects or "none")
        tls = [m for m in all_mails if "with ESMTPSA" in m.received]
        row(len(tls) == len(all_mails), "Received: with ESMTPSA (TLS and log-in)", f"{len(all_mails)} mails", f"{len(tls)} mails")
        log = self.read("postfix/mail.log").decode()
        known = [m for m in all_mails if re.search(rf"{m.queue_id()}: client=.*sasl_username=watchfire@test.localhost", log)]
        row(len(known) == len(all_mails), "postfix's log: logged in as us", f"{len(all_mails)} mails", f"{len(known)} mails")
        versions = sorted(set(re.findall(r"TLS connection established from .*: (TLSv[\d.]+) with", log)))
        row(versions == ["TLSv1.3"], "postfix's log: TLS", "TLSv1.3", ", ".join(versions))
        opened, closed = self.play.mail_of("direct", "open"), self.play.mail_of("direct", "close")
        if not (opened and closed):
            row(False, "mails of the direct way", "open, close", plain([d["event"] for d in direct[0]["deliveries"]]))
            return
        self.texts(direct[0], opened, closed)

    def texts(self, incident, opened, closed):
        row = self.report.row
        number = incident["incident"]
        events = self.prober.database.rows(
            "SELECT event, failed, of, since FROM event WHERE incident_id = ? ORDER BY sequence", number
        )
        for mail, event, what in [(opened, events[0], "first mail"), (closed, events[-1], "last mail")]:
            _, failed, of, since = event
            shares = (mail.share(mail.plain), mail.share(mail.html))
            row(shares == ((failed, of),) * 2, f"{what}: k of n, plain and HTML", f"{failed} of {of}", plain(shares))
            # A moment of the mail's own day stands without its date.
            moment = time.strftime("%H:%M:%S UTC", time.gmtime(since // 1_000_000))
            both = [moment in text for text in (mail.plain, mail.html)]
            row(all(both), f"{what}: since when", "the event's moment in both", "in both" if all(both) else f"{both}")
        named = all("server_error, HTTP 500" in text for text in (opened.plain, opened.html))
        row(named, "first mail: what", "server_error, HTTP 500", "in both" if named else opened.plain[:400])
        masked = "[secret]" in opened.plain
        row(masked, "first mail: our key in the answer", "[secret]", "masked" if masked else "not there")
        root = opened.id
        after = [m for m in self.play.mailbox.all() if m.id in {d["message_id"] for d in incident["deliveries"]} and m is not opened and m.id != root]
        threaded = all(str(m.message["References"]) == root == str(m.message["In-Reply-To"]) for m in after)
        row(threaded and bool(after), "later mails: References and In-Reply-To", "the first Message-ID", f"so in {len(after)}" if threaded else "not so")
        subjects = {m.subject for m in [opened, *after]}
        row(len(subjects) == 1, "subjects of the thread", 1, " / ".join(sorted(subjects)))
        row("RECOVERED" in closed.plain and incident["state"] == "recovered", "after the recovery", "RECOVERED, recovered",
            f"{closed.plain.splitlines()[0].split(':')[0]}, {incident['state']}")
        written = [json.loads(line) for line in self.read("events.jsonl").splitlines()]
        written = [(line["incident"], line["event"]) for line in written]
        told = [(i["incident"], d["event"]) for i in self.prober.incidents() for d in i["deliveries"]]
        # Services that fail together are told of in one mail, and relapses of a notice in none.
        row(set(told) <= set(written), "deliveries, each of an event of the events file", "all", f"{len(told)} of {len(written)} events")
        opens = {i["incident"]: i["story"] or i["incident"] for i in self.prober.incidents()}
        silent = [i for i, lead in opens.items() if (lead, "open") not in told]
        row(not silent, "incidents that nobody was told of", "none", plain(silent) or "none")
        for what, moment, from_ in [("outage: since", events[0][3], self.play.broken), ("recovery: since", events[-1][3], self.play.back)]:
            late = (moment - from_) / 1e6
            row(-3 <= late <= 10, f"{what}, after the servers were switched", "-3 s to 10 s", f"{late:.1f} s")
        row(True, "first mail decided, after the servers were switched", "", f"{when(incident['opened_at']) - self.play.broken / 1e6:.0f} s")
        row(True, "recovery decided, after the servers were back", "", f"{when(incident['closed_at']) - self.play.back / 1e6:.0f} s")

    # Secrets.

    def secrets(self):
        self.report.part("Keys and password, searched for in all that watchfire wrote", "where", "bytes", "found")
        texts = {"events file": self.read("events.jsonl"), "daemon: stdout": self.read("daemon.out"),
                 "daemon: stderr": self.read("daemon.err")}
        texts["commands: stdout and stderr"] = b"".join(said for _, said in self.prober.said)
        texts["mails"] = b"".join(mail.raw for mail in self.play.mailbox.all())
        texts["mails, decoded"] = "".join(m.plain + m.html for m in self.play.mailbox.all()).encode()
        folder = self.prober.servers.path("data")
        files = [os.path.join(at, name) for at, _, names in os.walk(folder) for name in names]
        texts["database and its files"] = b"".join(self.read(path) for path in files)
        # What must hold them shows that the search would find them.
        control = self.read("litellm.yaml") + self.read("smtp.password")
        found = {name for name, _, value in self.forms() if value in control}
        self.report.row(found == set(self.prober.servers.keys), "the servers' own files, for comparison", len(control), ", ".join(sorted(found)))
        for where, text in texts.items():
            found = [f"{name} ({form})" for name, form, value in self.forms() if value in text]
            self.report.row(not found, where, len(text), ", ".join(found) or "none")

    def read(self, path):
        with open(self.prober.servers.path(path), "rb") as file:
            return file.read()

    def forms(self):
        """Each secret raw and in the forms in which it may slip through."""
        login = self.prober.servers.keys["smtp"]
        secrets = dict(self.prober.servers.keys, login=f"\0watchfire@test.localhost\0{login}")
        for name, secret in secrets.items():
            raw = secret.encode()
            yield name, "raw", raw
            yield name, "base64", base64.b64encode(raw).rstrip(b"=")
            yield name, "base64 for URLs", base64.urlsafe_b64encode(raw).rstrip(b"=")
            if urllib.parse.quote_plus(secret) != secret:
                yield name, "percent", urllib.parse.quote_plus(secret).encode()
