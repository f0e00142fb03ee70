"""The figures for people: a table in the terminal, and the same in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from benchmarks.measures import WHOLE
from benchmarks.peers import ACP, CLIENT, HEADLESS, LISTING, NEXT, PYGLS, QUERY, SERVER, UNRECORDED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.figures import Measure, Summary

COLUMNS = (SERVER, UNRECORDED, NEXT, CLIENT, ACP, QUERY, HEADLESS, PYGLS, LISTING)
BEGIN = "<!-- figures: written by `make bench BENCH_ARGS='--write docs/benchmarks.md'` -->"
TIMES = "\u00d7"
END = "<!-- end of figures -->"


def amount(value: float, unit: str) -> str:
    """Return a value with three figures, in its unit."""
    match unit:
        case "s" if value < 1:
            return f"{_short(value * 1000)} ms"
        case "s":
            return f"{_short(value)} s"
        case "B":
            return f"{value / 2**20:.0f} MiB"
        case _:
            return f"{value:,.0f}".replace(",", "\u202f")


def rows(measures: Sequence[Measure]) -> list[list[str]]:
    """Return the table's cells: name, peers, ratio, what is wanted."""
    peers = _columns(measures)
    table = []
    for measure in measures:
        cells = [measure.name]
        for peer in peers:
            here = measure.subject if peer == SERVER else peer
            cells.append(_cell(measure.of(here), measure.unit) if here in measure.peers else "")
        ratio = measure.ratio
        cells.append(_ratio(ratio, measure.reference or "") if ratio else "")
        cells.append(_wanted(measure))
        table.append(cells)
    return table


def head(measures: Sequence[Measure]) -> list[str]:
    """Return the table's head."""
    return ["", *_columns(measures), "ratio", "wanted"]


def terminal(measures: Sequence[Measure]) -> Table:
    """Return the table for the terminal; medians, with the quartiles below them."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(head(measures)):
        table.add_column(name, justify="right" if number else "left")
    for measure, cells in zip(measures, rows(measures), strict=True):
        style = {True: "green", False: "red", None: ""}[measure.met]
        *others, wanted = (cell.replace("<br>", "\n") for cell in cells)
        table.add_row(*others, f"[{style}]{wanted}[/]" if style else wanted)
    return table


def markdown(measures: Sequence[Measure], about: str) -> str:
    """Return the table for the documentation."""
    lines = [
        about,
        "",
        _line(head(measures)),
        _line(["---", *["---:"] * (len(head(measures)) - 1)]),
    ]
    lines += [_line(cells) for cells in rows(measures)]
    return "\n".join(lines)


def write(file: Path, measures: Sequence[Measure], about: str) -> None:
    """Put the table into a document, in place of the one that stands between the two marks.

    Raises:
        ValueError: The document has no such marks.
    """
    text = file.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{file} has no place for the figures: {BEGIN} … {END}")
    file.write_text(f"{before}{BEGIN}\n\n{markdown(measures, about)}\n\n{END}{after}")


def _columns(measures: Sequence[Measure]) -> list[str]:
    seen = {SERVER if peer == WHOLE else peer for measure in measures for peer in measure.peers}
    return [peer for peer in COLUMNS if peer in seen]


def _cell(values: Summary, unit: str) -> str:
    if values.count == 1:
        return amount(values.median, unit)
    low, high = amount(values.low, unit), amount(values.high, unit)
    if low.split()[-1] == high.split()[-1]:
        low = low.rsplit(" ", 1)[0]
    return f"{amount(values.median, unit)}<br>{low} to {high}"


def _ratio(ratio: Summary, reference: str) -> str:
    own = f"{ratio.median:.2f} {TIMES} {reference}"
    return own if ratio.count == 1 else f"{own}<br>{ratio.low:.2f} to {ratio.high:.2f}"


def _wanted(measure: Measure) -> str:
    bound = measure.bound
    if bound is None:
        return ""
    limit = f"{bound.limit:g} {TIMES}" if bound.peer else amount(bound.limit, measure.unit)
    verdict = {True: "met", False: "NOT MET", None: "not measured"}[measure.met]
    return f"{bound.sign} {limit}<br>{verdict}"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
