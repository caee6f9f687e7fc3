"""Mails as they came: read from the server's Maildir, and taken apart by another program than wrote them."""

import email
import email.errors
import email.policy
import html
import os
import re
from datetime import datetime


class Mail:
    """One file of the Maildir, as the strict parser of Python understands it; what it objects to is in `defects`."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.raw = file.read()
        self.defects = []
        try:
            self._read(email.policy.strict)
        except (email.errors.MessageError, email.errors.MessageDefect) as defect:
            self.defects.append(defect)
            self._read(email.policy.default)

    def _read(self, policy):
        self.message = email.message_from_bytes(self.raw, policy=policy)
        headers = {name: str(value) for name, value in self.message.items()}
        self.id = headers.get("Message-ID", "")
        self.subject = headers.get("Subject", "")
        self.received = " ".join(str(line) for line in self.message.get_all("Received", []))
        self.defects += [d for part in self.message.walk() for d in part.defects]
        self.defects += [d for value in self.message.values() for d in getattr(value, "defects", ())]
        self.plain = self._part("plain")
        markup = re.sub(r"(?s)<head>.*?</head>|<[^>]+>", " ", self._part("html"))
        self.html = html.unescape(markup)

    def _part(self, kind):
        part = self.message.get_body(preferencelist=(kind,))
        return part.get_content() if part is not None else ""

    def queue_id(self):
        """The id under which postfix logged it."""
        return re.search(r"with ESMTP\w* id (\w+)", self.received).group(1)

    def share(self, text):
        """The k and n of "k of n runs failed", or "k of n runs of NAME failed"."""
        found = re.search(r"([\d,\u202f\u00a0 ]*\d) of ([\d,\u202f\u00a0 ]*\d) runs (?:of \S+ )?failed", text)
        return tuple(int(re.sub(r"\D", "", number)) for number in found.groups()) if found else None


class Mailbox:
    """All that postfix delivered."""

    def __init__(self, folder):
        self.folder = folder

    def all(self):
        try:
            names = sorted(os.listdir(self.folder))
        except FileNotFoundError:
            return []
        return [Mail(os.path.join(self.folder, name)) for name in names]


def when(text):
    """A moment of `incidents --json` in seconds since 1970."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
