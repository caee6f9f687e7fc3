"""A web service that notes when it was asked for what, and is down on demand. Loopback only, no dependencies."""
import asyncio, ssl, threading, time
from collections import defaultdict


class Target:
    """Answers GET /NAME/.. with 200, or with 503 while NAME is in `down`. `asked[path]` are the moments, monotonic.
    `delay`: seconds until it answers. `certificate`: files of a certificate and its key, for https."""

    def __init__(self, certificate=None):
        self.secure = None
        if certificate:
            self.secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.secure.load_cert_chain(*certificate)
        self.asked = defaultdict(list)
        self.down = set()
        self.delay = 0
        self.port = 0
        ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self.thread.start()
        ready.wait(10)

    async def _serve(self, ready):
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=1024, ssl=self.secure)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        async with server:
            await server.serve_forever()

    async def _answer(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            self.asked[path].append(time.monotonic())
            status = "503 Service Unavailable" if path.split("/")[1] in self.down else "200 OK"
            if self.delay:
                await asyncio.sleep(self.delay)
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n".encode())
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the asker is gone
        finally:
            writer.close()

    def url(self, path):
        return f"http{'s' if self.secure else ''}://127.0.0.1:{self.port}{path}"

    def moments(self):
        """All moments, in order."""
        return sorted(t for times in list(self.asked.values()) for t in list(times))

    def count(self):
        return sum(len(times) for times in list(self.asked.values()))

    def longest_pause(self, since, until):
        """The longest time within [since, until] that any path was not asked for, in seconds."""
        worst = 0.0
        for times in list(self.asked.values()):
            inside = [t for t in list(times) if since <= t <= until]
            edges = [since, *inside, until]
            worst = max(worst, *(b - a for a, b in zip(edges, edges[1:])))
        return worst

    def most_within(self, span, since, until):
        """The most requests within any `span` seconds of [since, until]."""
        times = [t for t in self.moments() if since <= t <= until]
        most = first = 0
        for last, t in enumerate(times):
            while t - times[first] > span:
                first += 1
            most = max(most, last - first + 1)
        return most
