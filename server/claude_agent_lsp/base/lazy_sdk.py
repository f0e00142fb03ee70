"""Imports of the SDK without what only tools inside this process need that are made by `mcp`.

`import claude_agent_sdk` imports `mcp`, and with it pydantic, httpx and jsonschema: more than all
the rest of the server, in time and in memory (SDK 0.2.187, mcp 1.30). Here the package's own module
is not executed before somebody asks it for a name that none of its other modules has, and the
bridge to such tools not before there is one to bridge to. Whatever of this no longer fits another
version of the SDK is imported as ever. See docs/decisions/0007-lazy-imports.md.
"""

from __future__ import annotations

import importlib
import sys
import threading
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType

PACKAGE: Final = "claude_agent_sdk"
BRIDGE: Final = f"{PACKAGE}._internal.sdk_mcp_bridge"
BRIDGE_CLASS: Final = "SdkMcpBridge"
# Where the package has its names from, what is asked for most first.
SOURCES: Final = (
    "types",
    "_errors",
    "_internal.transport",
    "client",
    "_internal.sessions",
    "_internal.session_store",
    "_internal.session_summary",
    "_internal.session_mutations",
    "_internal.session_import",
)


def install() -> None:
    """Have the SDK imported like this from now on; what has been imported stays as it is."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder:
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        lazy = {PACKAGE: _Package, BRIDGE: _Bridge}.get(fullname)
        if lazy is None:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = cast("Loader", lazy(spec.loader))
        return spec


class _Lazy:
    """Executes a module once a name is asked for that can't be had without.

    Args:
        loader: Of the module.
    """

    def __init__(self, loader: Loader) -> None:
        self._loader = loader
        self._lock = threading.RLock()

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # From here on, it is a module like any other to all who ask for its loader.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader

        def find(name: str) -> Any:
            # Those of its own are there, and whoever looks for others does so in any module.
            if name.startswith("__") and name not in ("__all__", "__version__"):
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            return self.find(module, name)

        module.__dict__["__getattr__"] = find

    def find(self, module: ModuleType, name: str) -> Any:
        """Return a name that the module, as far as it is there, does not have.

        Raises:
            AttributeError: Nor has all of it.
        """
        self.execute(module)
        return getattr(module, name)

    def execute(self, module: ModuleType) -> None:
        """Execute all of the module, unless it has been."""
        with self._lock:
            find = module.__dict__.pop("__getattr__", None)
            if find is None:
                return
            try:
                self._loader.exec_module(module)
            except BaseException:
                module.__dict__["__getattr__"] = find
                raise


class _Package(_Lazy):
    def find(self, module: ModuleType, name: str) -> Any:
        for source in SOURCES:
            try:
                found = importlib.import_module(f"{PACKAGE}.{source}")
            except ModuleNotFoundError:  # of another version
                continue
            if name in found.__dict__:
                return found.__dict__[name]
        return super().find(module, name)


class _Bridge(_Lazy):
    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)

        def bridge(*arguments: Any, **named: Any) -> Any:
            if arguments and hasattr(arguments[-1], "handle"):
                return arguments[-1]  # it takes messages as they are: see agent/buffers
            module.__dict__.pop(BRIDGE_CLASS, None)
            self.execute(module)
            return getattr(module, BRIDGE_CLASS)(*arguments, **named)

        module.__dict__[BRIDGE_CLASS] = bridge
