"""Ibis without the compilers of all its backends: a run asks for one of them, and loading the others takes longer.

`ibis.backends.sql.compilers` imports the compiler of every database that Ibis speaks, whichever backend is asked for.
Import this before a backend. Where some other compiler is asked for after all, the package loads as it would have.
"""

from __future__ import annotations

import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

import ibis.backends

_NAME = "ibis.backends.sql.compilers"
_FOLDERS = [str(Path(each, "backends", "sql")) for each in ibis.__path__]


class _Compilers(ModuleType):
    """The package, of which nothing is loaded until something is asked for that is not there."""

    def __init__(self, spec: ModuleSpec, loader: Loader) -> None:
        super().__init__(spec.name)
        self.__spec__, self.__package__, self.__file__ = spec, spec.name, spec.origin
        self.__path__ = spec.submodule_search_locations or []
        self._postponed: list[Loader] = [loader]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not self._postponed:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self._postponed.pop().exec_module(self)
        return getattr(self, name)


def _postpone() -> None:
    """Put the package in its place unloaded, where it is found and was not loaded yet, and load one compiler of it."""
    spec = PathFinder.find_spec(_NAME, _FOLDERS)
    if spec is None or spec.loader is None or _NAME in sys.modules:
        return
    sys.modules[_NAME] = package = _Compilers(spec, spec.loader)
    from ibis.backends import sql
    from ibis.backends.sql.compilers.duckdb import DuckDBCompiler

    assert DuckDBCompiler.__module__.startswith(_NAME)
    sql.compilers = package


_postpone()
