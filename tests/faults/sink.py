"""A mail server that keeps a journal of what it has accepted, and fails on demand. Loopback only, no dependencies.

Modes: "ok" · "450" (every recipient is put off) · "silent" (takes connections and says nothing) · "drop" (takes the
message and hangs up instead of saying 250) · "closed" (nobody listens). `delay()` gives the seconds between a message's
end and its 250: the time in which a sender does not know yet.
"""
import email.parser, socket, threading, time
from typing import NamedTuple


class Accepted(NamedTuple):
    """A message that this server has taken. `epoch` is whatever `Sink.epoch` was: which life of the sender it came from."""
    at: float
    epoch: int
    id: str
    to: str
    data: bytes


class Sink:
    def __init__(self):
        self.mode = "ok"
        self.delay = lambda: 0.0
        self.epoch = 0
        self.journal = []
        self.attempts = 0
        self.sessions = 0
        self.lock = threading.Lock()
        self.listener = None
        self.port = 0
        self.open()

    def open(self):
        """Listens, on the same port as before."""
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.mode = "ok" if self.mode == "closed" else self.mode
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def close(self):
        self.mode = "closed"
        # Wakes the thread that waits in accept(), which `close` alone does not.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def settle(self, within=10.0):
        """Waits until no session is left: what a killed sender had under way is decided."""
        until = time.monotonic() + within
        while self.sessions and time.monotonic() < until:
            time.sleep(0.005)
        return self.sessions == 0

    def count(self, message_id):
        return sum(1 for m in list(self.journal) if m.id == message_id)

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self.lock:
                self.sessions += 1
                self.attempts += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            with client, client.makefile("rb") as lines:
                client.settimeout(60)
                self._talk(client, lines)
        except OSError:
            pass  # the other side is gone
        finally:
            with self.lock:
                self.sessions -= 1

    def _talk(self, client, lines):
        def say(text):
            client.sendall(text.encode() + b"\r\n")

        if self.mode == "silent":
            lines.readline()
            lines.readline()
            return
        say("220 sink")
        to = ""
        while line := lines.readline(2000):
            verb = line[:4].upper()
            if verb == b"EHLO":
                say("250-sink")
                say("250 8BITMIME")
            elif verb == b"RCPT":
                to = line.split(b"<", 1)[-1].split(b">", 1)[0].decode()
                say("450 4.7.1 not now" if self.mode == "450" else "250 ok")
            elif verb == b"DATA":
                say("354 go on")
                if not self._message(client, lines, to):
                    return
            elif verb == b"QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")

    def _message(self, client, lines, to):
        """Reads a message, writes it down, answers. False when the connection ends here."""
        parts = []
        while (line := lines.readline()) != b".\r\n":
            if not line:
                return False  # cut off before its end: not taken
            parts.append(line)
        data = b"".join(parts)
        head = email.parser.BytesHeaderParser().parsebytes(data)
        with self.lock:
            self.journal.append(Accepted(time.monotonic(), self.epoch, head["Message-ID"], to, data))
        if self.mode == "drop":
            return False
        time.sleep(self.delay())
        client.sendall(b"250 2.0.0 taken\r\n")
        return True
