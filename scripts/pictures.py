# SPDX-License-Identifier: Apache-2.0
"""Runs commands on pseudo terminals, and draws the terminals as SVG; scripts/pictures calls it."""

import html
import os
import pty
import select
import sys
import time

import pyte

COLUMNS, ROWS = 100, 26
COLOURS = {"default": "#d4d4d4", "green": "#8ec07c", "red": "#fb4934", "cyan": "#83a598", "brown": "#fabd2f"}

# The name of a picture, the command line, and the text of the status line at the moment of the first half.
SCENES = [
    ("run", "seq 1 24 | forkpool run -j 4 --timeout 800ms --sh 'sleep 0.$(( $1 % 7 + 1 )); [ $1 != 9 ] || exit 3; "
            "[ $1 != 14 ] || sleep 9; echo \"item $1 done\"'", "0:01 left"),
    ("bench", "forkpool bench -n 40 'ls -l /usr/bin' 'ls -lR /usr/share/doc'", "20 of 40"),
    ("check", "forkpool check --max-time 30s --base 'seq 2000000' --head 'seq 2200000' --limit 5%", "next look"),
]


def record(line):
    """Runs a line in a shell on a terminal; returns the pieces of output with their times in seconds."""
    pid, master = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm", COLUMNS=str(COLUMNS), LINES=str(ROWS))
        os.environ.pop("NO_COLOR", None)
        os.execvp("sh", ["sh", "-c", f"stty cols {COLUMNS} rows {ROWS}; {line}"])
    start, pieces = time.monotonic(), []
    while select.select([master], [], [], 120)[0]:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        pieces.append((time.monotonic() - start, piece))
    os.close(master)
    os.waitpid(pid, 0)
    return pieces


def screen(pieces, until):
    """Returns the terminal at a moment, as lines of (character, colour, whether it is bold)."""
    terminal = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(terminal)
    for moment, piece in pieces:
        if moment <= until:
            stream.feed(piece)
    lines = []
    for row in range(ROWS):
        cells = [terminal.buffer[row][column] for column in range(COLUMNS)]
        lines.append([(cell.data, cell.fg, cell.bold) for cell in cells])
    while lines and all(data == " " for data, _, _ in lines[-1]):
        lines.pop()
    return lines


def text(cells, y):
    """Draws a line of the picture."""
    spans, run, style = [], "", None
    for data, colour, bold in cells + [("", None, None)]:
        if (colour, bold) != style:
            if run.strip():
                fill = COLOURS.get(style[0], COLOURS["default"])
                weight = ' font-weight="bold"' if style[1] else ""
                spans.append(f'<tspan fill="{fill}"{weight}>{html.escape(run)}</tspan>')
            elif run:
                spans.append(run)
            run, style = "", (colour, bold)
        run += data
    return f'<text x="14" y="{y}" xml:space="preserve">{"".join(spans).rstrip()}</text>'


def draw(path, line, frames):
    """Draws the prompt with the command line, and the frames below each other."""
    y, body = 26, []
    typed = f"$ {line}"
    while typed:
        body.append(f'<text x="14" y="{y}" fill="#8ec07c" xml:space="preserve">{html.escape(typed[:COLUMNS])}</text>')
        typed, y = typed[COLUMNS:], y + 18
    for caption, lines in frames:
        body.append(f'<text x="14" y="{y + 6}" fill="#928374" font-style="italic">{html.escape(caption)}</text>')
        y += 26
        for cells in lines:
            body.append(text(cells, y))
            y += 18
    width = 28 + COLUMNS * 8.43
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{y}" '
            f'viewBox="0 0 {width:.0f} {y}"><rect width="100%" height="100%" rx="8" fill="#1d2021"/>'
            f'<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" fill="{COLOURS["default"]}">\n'
            + "\n".join(body) + "\n</g></svg>\n")


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    for name, line, status in SCENES:
        pieces = record(line)
        moments = [moment for moment, piece in pieces if status.encode() in piece]
        frames = [(f"after {moment:.1f} s", screen(pieces, moment)) for moment in moments[:1]]
        frames.append(("at the end", screen(pieces, float("inf"))))
        draw(f"{folder}/{name}.svg", line, frames)
        print(f"{folder}/{name}.svg: {len(pieces)} writes in {pieces[-1][0]:.1f} s")


main()
