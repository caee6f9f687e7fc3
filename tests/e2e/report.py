"""What was seen: a table while it runs, and docs/real-servers.md from the same rows."""

import time


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
        text = head
        for title, heads, rows in self.parts:
            text += f"\n## {title}\n\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n"
            for ok, cells in rows:
                cells = [str(cell).replace("|", "\\|") for cell in cells]
                text += f"| {' | '.join(cells)} |\n"
        return text
