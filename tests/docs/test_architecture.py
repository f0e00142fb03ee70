"""ARCHITECTURE.md names what is there, and its ways go down the floors that import-linter holds."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "server" / "claude_agent_lsp"
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
TOP = "The top"  # the heading of what is in no folder

MODULES = {
    path.relative_to(PACKAGE).as_posix()
    for path in PACKAGE.rglob("*.py")
    if path.name != "__init__.py"
}
FOLDERS = {
    path.parent.relative_to(PACKAGE).as_posix()
    for path in PACKAGE.rglob("__init__.py")
    if path.parent != PACKAGE
}


def below(heading: str, text: str = PAGE) -> str:
    """What stands below a heading, up to the next one of its level or above."""
    level = heading.partition(" ")[0]
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"there is no heading {heading!r}"
    return re.split(rf"\n#{{2,{len(level)}}} ", rest, maxsplit=1)[0]


def described() -> dict[str, list[str]]:
    """The modules of the map, in the order of the page, by folder."""
    found = {}
    for part in re.split(r"^### ", below("## The map"), flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        folder = "" if heading == TOP else heading.strip("`")
        found[folder] = re.findall(r"^- `(\w+\.py)`: ", text, re.MULTILINE)
    return found


def floors() -> dict[str, list[set[str]]]:
    """The floors of each container that has some, the highest first."""
    return {
        container.removeprefix("claude_agent_lsp").replace(".", "/").strip("/"): [
            set(layer.split(" | ")) for layer in contract["layers"]
        ]
        for contract in CONTRACTS
        if contract["type"] == "layers"
        for container in contract["containers"]
    }


FLOORS = floors()


def floor(module: str) -> tuple[int, ...]:
    """How deep a module is: on the floor of the whole, then on that of its own folder, if any."""
    container, depth, rest = "", [], module.removesuffix(".py")
    while container in FLOORS:
        name, _, rest = rest.partition("/")
        depth.append(next(i for i, layer in enumerate(FLOORS[container]) if name in layer))
        container = f"{container}/{name}".strip("/")
    return tuple(depth)


def goes_up(here: str, there: str) -> bool:
    return floor(there) < floor(here)


def ways() -> list[str]:
    return re.findall(r"^### (The way of .*)$", PAGE, re.MULTILINE)


def numbered_lists(way: str) -> list[list[list[str]]]:
    """The numbered lists below the heading of a way: of each, the modules of each step."""
    found: list[list[list[str]]] = []
    for block in below(f"### {way}").split("\n\n"):
        steps = re.split(r"^\d+\. ", block.strip(), flags=re.MULTILINE)
        if len(steps) > 1:
            assert not steps[0], f"text and a list in one block: {steps[0]!r}"
            found.append([re.findall(r"`([\w/]+/\w+\.py)`", step) for step in steps[1:]])
    return found


def test_map_has_a_heading_for_every_folder_and_for_nothing_else() -> None:
    headings = re.findall(r"^### (.*)$", below("## The map"), re.MULTILINE)
    assert sorted(headings) == sorted([TOP, *(f"`{folder}/`" for folder in FOLDERS)])


def test_map_names_every_module_once_in_its_folder() -> None:
    named = Counter(
        f"{folder}{module}" for folder, modules in described().items() for module in modules
    )
    assert sorted(set(named) - MODULES) == [], "named, but not there"
    assert sorted(MODULES - set(named)) == [], "there, but not named"
    assert [module for module, times in named.items() if times > 1] == []


def test_no_line_of_the_map_is_of_another_form() -> None:
    entries = sum(len(modules) for modules in described().values())
    assert len(re.findall(r"^- ", below("## The map"), re.MULTILINE)) == entries


def test_whatever_module_is_named_is_there() -> None:
    folder, missing = "", list[str]()
    for line in PAGE.partition("\n## `editors/`\n")[0].splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
            folder = heading.strip("`") if heading.startswith("`") else ""
        named = re.findall(r"`([\w/]+\.py)`", line)
        missing += [name for name in named if not {name, f"{folder}{name}"} & MODULES]
    assert missing == []


def test_ways_are_those_of_a_message_a_query_a_cancel_and_a_question() -> None:
    lists = {way: len(numbered_lists(way)) for way in ways()}
    assert lists == {
        "The way of a message in": 0,  # it comes up
        "The way of a query": 1,
        "The way of a cancel": 1,
        "The way of a question": 2,  # up to the queue, and from the answer
    }


@pytest.mark.parametrize("way", ways()[1:])
def test_way_goes_down_the_floors(way: str) -> None:
    for steps in numbered_lists(way):
        assert all(steps), "a step without a module"
        first = [modules[0] for modules in steps]
        pairs = [pair for modules in (*steps, first) for pair in pairwise(modules)]
        assert [f"{here} → {there}" for here, there in pairs if goes_up(here, there)] == []


def test_floors_are_those_of_the_contracts() -> None:
    assert goes_up("agent/agent.py", "lsp/wire/writer.py")
    assert goes_up("agent/run/run.py", "agent/pool_loader.py")
    assert goes_up("base/abort.py", "workspace/state.py")
    assert goes_up("agent/permissions/queue.py", "agent/process/pool.py")
    assert not goes_up("lsp/server.py", "lsp/wire/reader.py")
    assert not goes_up("workspace/state.py", "workspace/trust.py")
