"""The changed code in the place of the code: how it is imported, and what is made anew that was made of it on the way.

A table of a module that a function filled while the module was imported is as the function was then. Where such a
function is changed, the modules of its room that were imported from the first such table on are run once more, in
their order, with the change and afterwards without.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from tests.mutate.switch import NOW


class Sources(MetaPathFinder):
    """``changed``: module → its code with all changes. ``imported``: modules of the package in the order in which they
    were done, with the functions that each called on the way.
    """

    def __init__(self, changed: Mapping[str, str]) -> None:
        self.changed = changed
        self.codes: dict[str, CodeType] = {}
        self.imported: dict[str, frozenset[str]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != "exchange":
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path, self)
        return spec

    def made_on_the_way(self, function: str) -> list[str]:
        """The modules that must be run once more where this function is changed."""
        room = ".".join(function.split(".")[:2])
        of_room = [name for name in self.imported if name.startswith(f"{room}.")]
        first = next((n for n, name in enumerate(of_room) if function in self.imported[name]), len(of_room))
        return of_room[first:]

    def run_again(self, modules: Sequence[str]) -> None:
        for name in modules:
            exec(self.codes[name], sys.modules[name].__dict__)  # noqa: S102  (our own code)


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, sources: Sources) -> None:
        super().__init__(fullname, path)
        self.sources = sources

    def get_code(self, fullname: str) -> CodeType | None:
        source = self.sources.changed.get(fullname)
        if source is None:
            source = Path(self.path).read_text(encoding="utf-8")
        code = self.sources.codes[fullname] = compile(source, self.path, "exec", dont_inherit=True)
        return code

    def exec_module(self, module: ModuleType) -> None:
        before, NOW.called = NOW.called, []
        try:
            super().exec_module(module)
        finally:
            self.sources.imported[module.__name__] = frozenset(NOW.called)
            NOW.called = before
