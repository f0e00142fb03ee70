"""This package's dataclasses as the server has them, beside what `dataclass` makes of them."""

from __future__ import annotations

import json
import subprocess
import sys

LEAN = "from claude_agent_lsp.base import lean_dataclasses; lean_dataclasses.install()\n"
# What tells whether two classes behave alike, of all of the package.
LOOK = """
import contextlib, dataclasses, importlib, inspect, json, pathlib, re, claude_agent_lsp
METHODS = ("__init__", "__eq__", "__repr__", "__lt__", "__hash__", "__setattr__", "__delattr__",
           "__getstate__", "__setstate__", "__match_args__", "__post_init__", "__weakref__")
def look(cls):
    with contextlib.suppress(Exception):
        cls()  # it has its own `__init__` by then, whatever that says
    return [
        [re.sub(" at 0x[0-9a-f]+", "", repr(each)) for each in dataclasses.fields(cls)],
        sorted(cls.__dict__.get("__slots__", ())),
        str(inspect.signature(cls)),
        cls.__init__.__qualname__,
        cls.__hash__ is None,
        [name for name in METHODS if name in cls.__dict__],
        cls.__match_args__,
    ]
root = pathlib.Path(claude_agent_lsp.__file__).parent
found = {}
for file in sorted(root.rglob("*.py")):
    name = ".".join(file.relative_to(root.parent).with_suffix("").parts)
    if name.endswith((".__main__", ".stores.postgres", ".stores.redis")):
        continue
    for cls in vars(importlib.import_module(name)).values():
        if isinstance(cls, type) and dataclasses.is_dataclass(cls) and cls.__module__ == name:
            found[f"{name}.{cls.__qualname__}"] = look(cls)
print(json.dumps(found))
"""
# Classes of all kinds, and what is done with them.
USE = """
import copy, dataclasses, json, pickle, sys, types
from dataclasses import dataclass, field, fields, replace

sample = types.ModuleType("claude_agent_lsp.sample")
sys.modules[sample.__name__] = sample
exec('''
from dataclasses import dataclass, field
@dataclass(frozen=True, slots=True)
class Fixed:
    a: int
    b: list = field(default_factory=list, compare=False)
    c: str = field(default="c", repr=False)
@dataclass(frozen=True, kw_only=True)
class Named:
    a: int
    b: int = 2
@dataclass(frozen=True, kw_only=True)
class More(Named):
    c: int
    def __post_init__(self):
        if self.c < 0:
            raise ValueError(self.c)
@dataclass
class Changing:
    a: object = None
    b: int = field(init=False, default=7)
    c: int = field(hash=False, default=1)
@dataclass(slots=True)
class Small:
    a: int = 1
@dataclass(frozen=True, eq=False)
class Same:
    a: int
@dataclass(frozen=True)
class Own:
    a: int
    def __eq__(self, other):
        return True
    def __repr__(self):
        return "own"
@dataclass(frozen=True, slots=True, order=True)
class Ordered:
    a: int
class Under(Named):
    pass
class OfItsOwn(Changing):
    def __init__(self):
        super().__init__(4)
''', sample.__dict__)

said = []
def say(make):
    try:
        said.append(repr(make()))
    except Exception as error:
        said.append(f"{type(error).__name__}: {error}")

v = vars(sample)
Fixed, Named, More, Changing = v["Fixed"], v["Named"], v["More"], v["Changing"]
Small, Same, Own, Ordered = v["Small"], v["Same"], v["Own"], v["Ordered"]
fixed = Fixed(1)
for make in (
    lambda: fixed, lambda: Fixed(), lambda: Fixed(1, [2], "d", 4), lambda: Fixed(1, e=2),
    lambda: fixed == Fixed(1, [3]), lambda: fixed == Fixed(2), lambda: fixed == 3,
    lambda: fixed != Fixed(1), lambda: hash(fixed) == hash(Fixed(1, [3])) == hash((1, "c")),
    lambda: setattr(fixed, "a", 2), lambda: delattr(fixed, "a"),
    lambda: replace(fixed, c="e").c, lambda: copy.copy(fixed), lambda: copy.deepcopy(fixed),
    lambda: pickle.loads(pickle.dumps(fixed)), lambda: dataclasses.asdict(fixed),
    lambda: Named(1), lambda: Named(a=1), lambda: Named(a=1) == More(a=1, c=2),
    lambda: setattr(Named(a=1), "z", 1), lambda: More(a=1, c=3), lambda: More(a=1, c=-1),
    lambda: More(c=1), lambda: copy.copy(More(a=1, c=2)), lambda: replace(More(a=1, c=2), b=9),
    lambda: Changing(1), lambda: Changing(1, 2, 3), lambda: Changing(a=1) == Changing(1),
    lambda: hash(Changing()), lambda: Small(2), lambda: setattr(Small(), "b", 1),
    lambda: Same(1) == Same(1), lambda: len({Same(1), Same(1)}), lambda: Own(1) == 5,
    lambda: Own(1), lambda: hash(Own(1)) == hash((1,)), lambda: Ordered(1) < Ordered(2),
    lambda: setattr(v["Under"](a=1), "z", 1), lambda: setattr(v["Under"](a=1), "a", 1),
    lambda: v["OfItsOwn"](), lambda: Changing(float("nan")) == Changing(float("nan")),
):
    say(make)
round_ = Changing()
round_.a = round_
say(lambda: round_)
@dataclass(frozen=True)
class Foreign:
    a: int
say(lambda: Foreign(1))
print(json.dumps([said, Foreign.__dataclass_params__.init, Fixed.__dataclass_params__.init]))
"""
TIMED = """
import importlib, time
from claude_agent_lsp.terminal import cli
import claude_agent_lsp.lsp.main
begun = time.process_time()
{how}
import claude_agent_lsp.agent.agent
print(time.process_time() - begun)
"""


def told(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_of_the_package_are_as_dataclass_would_have_them() -> None:
    lean, plain = json.loads(told(LEAN + LOOK)), json.loads(told(LOOK))
    assert len(plain) > 150
    assert lean == plain


def test_they_behave_as_dataclass_would_have_them() -> None:
    lean, plain = json.loads(told(LEAN + USE)), json.loads(told(USE))
    assert lean[0] == plain[0]
    # Those of others are made by `dataclass` itself, those of the package are not.
    assert lean[1:] == [True, False]
    assert plain[1:] == [True, True]


def test_they_are_made_faster() -> None:
    """Where this fails, `lean_dataclasses` is needed no more."""
    lean = plain = float("inf")
    for _ in range(10):  # a busy machine makes a start slower, and none faster
        lean = min(lean, float(told(TIMED.format(how=LEAN))))
        plain = min(plain, float(told(TIMED.format(how=""))))
        if lean < 0.75 * plain:
            return
    raise AssertionError((lean, plain))
