from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

import pytest
from benchmarks.figures import Bound, Measure
from benchmarks.measures import WHOLE
from benchmarks.peers import CLIENT, PYGLS, SERVER
from rich.console import Console

from benchmarks import table

if TYPE_CHECKING:
    from pathlib import Path

WARM = Measure(
    "first token",
    "s",
    ({SERVER: 0.030, CLIENT: 0.025}, {SERVER: 0.024, CLIENT: 0.024}, {SERVER: 2.0, CLIENT: 1.6}),
    SERVER,
    Bound(1.15, CLIENT),
)
WEIGHT = Measure("memory", "B", ({SERVER: 70.0 * 2**20},), SERVER, Bound(60.0 * 2**20))
NOT_STREAMED = Measure("not streamed", "1/s", ({WHOLE: 20_500.0, CLIENT: 25_000.0},), WHOLE)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.00123, "s", "1.23 ms"),
        (0.0123, "s", "12.3 ms"),
        (0.123, "s", "123 ms"),
        (1.234, "s", "1.23 s"),
        (61.5 * 2**20, "B", "62 MiB"),
        (27_912.4, "1/s", "27\u202f912"),
    ],
)
def test_amounts_have_three_figures_in_their_unit(value: float, unit: str, shown: str) -> None:
    assert table.amount(value, unit) == shown


def test_a_row_tells_medians_quartiles_ratio_and_verdict() -> None:
    assert table.rows([WARM]) == [
        [
            "first token",
            "30.0 ms<br>27.0 ms to 1.01 s",
            "25.0 ms<br>24.5 to 812 ms",
            "1.20 \u00d7 ClaudeSDKClient<br>1.10 to 1.23",
            "≤ 1.15 \u00d7<br>NOT MET",
        ]
    ]


def test_only_those_who_took_part_have_a_column() -> None:
    assert table.head([WARM]) == ["", SERVER, CLIENT, "ratio", "wanted"]
    other = Measure("", "s", ({PYGLS: 1.0},), SERVER)
    assert table.head([WARM, other]) == ["", SERVER, CLIENT, PYGLS, "ratio", "wanted"]


def test_another_way_of_this_server_stands_in_its_column() -> None:
    assert table.head([NOT_STREAMED]) == ["", SERVER, CLIENT, "ratio", "wanted"]
    assert table.rows([NOT_STREAMED])[0][1] == "20\u202f500"


def test_a_bound_without_a_peer_is_told_in_its_unit() -> None:
    assert table.rows([WEIGHT])[0][-1] == "≤ 60 MiB<br>NOT MET"


def test_the_terminal_shows_what_markdown_tells() -> None:
    printed = StringIO()
    Console(width=200, file=printed).print(table.terminal([WARM, WEIGHT]))
    shown = printed.getvalue()
    for words in ("first token", "30.0 ms", "1.10 to 1.23", "NOT MET", "70 MiB"):
        assert words in shown
    assert "<br>" not in shown


def test_the_table_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.md"
    file.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    for about in ("2 cores, first", "2 cores, second"):
        table.write(file, [WARM], about)
    text = file.read_text()
    assert text.startswith(f"before\n{table.BEGIN}\n\n2 cores, second\n\n| ")
    assert text.endswith(f"|\n\n{table.END}\nafter\n")
    assert "old" not in text
    assert text.count("first token") == 1


def test_a_document_without_a_place_for_it_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.md"
    file.write_text("no place")
    with pytest.raises(ValueError, match="has no place for the figures"):
        table.write(file, [WARM], "")
    assert file.read_text() == "no place"
