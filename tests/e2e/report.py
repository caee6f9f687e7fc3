"""What was seen: a table while it runs, and docs/real-servers.md from the same rows."""

import time

# What titles of the matrix begin with.
MATRIX = "Matrix: "
CASE_HEADS = ("probes", "expected", "got", "samples", "`status`, `probe`")


class Report:
    """Rows of "case / expected / got / samples". A row with `ok` false makes the run fail."""

    def __init__(self):
        self.parts = []
        self.began = time.monotonic()

    def part(self, title, *heads):
        self.parts.append((title, heads, []))
        print(f"\n[{time.monotonic() - self.began:5.0f} s] {title}", flush=True)

    def row(self, ok, *cells):
        self.parts[-1][2].append((ok, cells))
        mark = "ok   " if ok else "WRONG"
        print(f"  {mark} " + " | ".join(str(cell) for cell in cells), flush=True)

    def wrong(self):
        return [(title, cells) for title, _, rows in self.parts for ok, cells in rows if not ok]

    def count(self):
        return sum(len(rows) for _, _, rows in self.parts)

    def took(self):
        return time.monotonic() - self.began

    def markdown(self, head):
        """All parts but the start, those of the daemon before the matrix; those of its faults share one table."""
        tables = {}
        parts = [part for part in self.parts if part[0] != "Start"]
        for title, heads, rows in sorted(parts, key=lambda part: part[0].startswith(MATRIX)):
            is_case = heads == CASE_HEADS
            name = "Faults, one after the other" if is_case else title
            _, lines = tables.setdefault(name, (("fault", *heads) if is_case else heads, []))
            for at, (_, cells) in enumerate(rows):
                cells = ((title if at == 0 else "",) if is_case else ()) + cells
                lines.append([str(cell).replace("|", "\\|") for cell in cells])
        text = head
        for title, (heads, lines) in tables.items():
            text += f"\n## {title}\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n"
            text += "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
        return text


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

`{command} --write` wrote this page. It starts the servers below on loopback, runs the daemon against them, switches the
servers to one fault after the other, and compares every run that the daemon stored, every mail that came and every word
that was said with what is expected. In this run all {report.count()} checks were right; it took {report.took():.0f} s.

Programs: {programs}.

- `direct` is aimock, a server with the API of OpenAI; `gateway` is LiteLLM, a proxy in front of it. Each is asked for a chat,
  a streamed chat, a picture, and a picture of which only the address comes (`image-url`; httpbin serves it). mock-llm
  answers with errors inside a 200.
- `expected` and `got` are kind, fault, phase and status of each run that lay wholly in the case; `samples` is how many
  there were of each probe, re-checks included. The last column says whether `watchfire status --json` and a
  `watchfire probe --json` of that moment said the same.
- A gateway knows the server behind it only by what it passes on. LiteLLM makes its own 500 of any broken reply, keeps of
  an unpaid bill the words and not the code, and ends a stream that was cut behind it as if it were whole: there the missing
  word of the answer is what shows the fault.
"""
    return report.markdown(head)
