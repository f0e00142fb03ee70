"""LSP's types as they are imported by the server, beside what attrs makes of them."""

from __future__ import annotations

import json
import subprocess
import sys

import attrs
import pytest

LEAN = "from claude_agent_lsp.lsp import lean_types; lean_types.load()\n"
PLAIN = "import attrs\n"
# What tells whether two classes behave alike, of all of them.
LOOK = """
import inspect, json
from lsprotocol import types
METHODS = ("__init__", "__eq__", "__repr__", "__lt__", "__hash__", "__setattr__")
def look(cls):
    fields = [(each.name, repr(each.default), each.kw_only) for each in attrs.fields(cls)]
    return [
        fields,
        sorted(getattr(cls, "__slots__", ())),
        str(inspect.signature(cls)),
        cls.__hash__ is None,
        [name for name in METHODS if name in cls.__dict__],
    ]
classes = {name: cls for name, cls in vars(types).items() if attrs.has(cls)}
place = types.Position(3, 4)
span = types.Range(start=place, end=types.Position(5, 6))
symbols = [types.DocumentSymbol("a", types.SymbolKind.Class, span, span, detail=detail)
           for detail in ("é'\\n", "é'\\n", None)]
print(json.dumps([
    {name: look(cls) for name, cls in classes.items()},
    [repr(each) for each in (place, span, types.Location("file:///a", span), *symbols)],
    [a == b for a in (place, span, *symbols, 3) for b in (place, span, *symbols, 3)],
    [a != b for a in (place, span, *symbols, 3) for b in (place, span, *symbols, 3)],
]))
"""
TIMED = """
import time
begun = time.process_time()
{how}
import lsprotocol.types
print(time.process_time() - begun)
"""


def told(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_they_behave_as_attrs_would_have_them() -> None:
    lean, plain = json.loads(told(LEAN + PLAIN + LOOK)), json.loads(told(PLAIN + LOOK))
    assert len(plain[0]) > 500
    assert lean == plain


def test_attrs_is_as_it_was_afterwards() -> None:
    before = "import attr._make, attrs, typing; before = attrs.define\n"
    after = "print(attrs.define is before, {'compile'} & {*vars(attr._make), *vars(typing)})"
    assert told(before + LEAN + after) == "True set()\n"


def test_attrs_is_as_it_was_where_they_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    from claude_agent_lsp.lsp import lean_types

    before = attrs.define
    monkeypatch.setattr(lean_types, "MODULE", "lsprotocol.no_such_types")
    with pytest.raises(ModuleNotFoundError):
        lean_types.load()
    assert attrs.define is before


def test_what_reads_the_same_is_compiled_once() -> None:
    """Where this fails, attrs compiles elsewhere, and `_compiling_once` is needed no more."""
    count = """
import builtins
texts, plain = [], builtins.compile
def counted(source, *more, **how):
    texts.append(source)
    return plain(source, *more, **how)
builtins.compile = counted
{how}
import lsprotocol.types
texts = [text for text in texts if isinstance(text, str) and "__init__" in text]
print(len(texts), len(set(texts)))
"""
    every, different = map(int, told(count.format(how=LEAN)).split())
    plain, _ = map(int, told(count.format(how=PLAIN)).split())
    assert every == different < 0.6 * plain


def test_they_are_imported_faster() -> None:
    """Where this fails, `lean_types` is needed no more."""
    lean = plain = float("inf")
    for _ in range(10):  # a busy machine makes a start slower, and none faster
        lean = min(lean, float(told(TIMED.format(how=LEAN))))
        plain = min(plain, float(told(TIMED.format(how=PLAIN))))
        if lean < 0.85 * plain:
            return
    raise AssertionError((lean, plain))
