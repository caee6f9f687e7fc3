#!/usr/bin/env python3
"""demo.py [TEXT]: draws docs/pictures/demo.svg, the terminal of `watchfire demo` without its mails.

TEXT: a recorded output with its colours (default: plays the demo, 75 s). Needs the package `rich`.
WF: the binary (default target/release/watchfire).
"""
import os, pathlib, re, subprocess, sys

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

HERE = pathlib.Path(__file__).resolve().parent
WF = os.environ.get("WF", HERE.parents[1] / "target/release/watchfire")
COLUMNS = 122
NIGHT = TerminalTheme(
    (20, 22, 27), (205, 209, 217),
    [(40, 44, 52), (240, 113, 120), (152, 195, 121), (229, 192, 123), (97, 175, 239), (198, 120, 221), (86, 182, 194), (171, 178, 191)],
    [(92, 99, 112), (240, 113, 120), (152, 195, 121), (229, 192, 123), (97, 175, 239), (198, 120, 221), (86, 182, 194), (255, 255, 255)],
)
# Without fonts from elsewhere: every glyph keeps its column in any monospaced font.
PAGE = """<svg xmlns="http://www.w3.org/2000/svg" class="terminal" viewBox="0 0 {width} {height}" role="img" aria-label="The output of watchfire demo">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def recorded():
    if len(sys.argv) > 1:
        return pathlib.Path(sys.argv[1]).read_text()
    played = subprocess.run([WF, "demo"], check=True, capture_output=True, text=True, env={**os.environ, "CLICOLOR_FORCE": "1"})
    return played.stdout


def main():
    text = Text.from_ansi(recorded())
    story = [line for line in text.split("\n") if re.match(r"\d\d:\d\d:\d\d ", line.plain)]
    table = [line for line in text.split("\n") if line.plain[:1] in "┌│├╞└" and "┆" in line.plain or line.plain.startswith(("┌", "╞", "└"))]
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), legacy_windows=False)
    console.print(Text("$ cargo run --release -- demo", style="bold"))
    for line in [Text(""), *story, Text(""), *table]:
        console.print(line, no_wrap=True, overflow="ellipsis")
    (HERE / "demo.svg").write_text(console.export_svg(title="watchfire demo", theme=NIGHT, code_format=PAGE, unique_id="w"))


if __name__ == "__main__":
    main()
