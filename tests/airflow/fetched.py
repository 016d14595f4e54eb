"""Everything that an account can fetch of Airflow by GET: each route, with each id that another route told.

Rules
- Ids are known by the names under which Airflow tells them and under which its routes ask for them.
- Of each route so many addresses are asked; those about the run that is looked into come first.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx

_MOST: Final = 60
"""Addresses of one route."""
_VALUES: Final = 40
"""Ids of one name."""
_TOLD_AS: Final = {
    "run_id": ("dag_run_id",), "name": ("pool_name",), "key": ("xcom_key", "variable_key"),
    "id": ("asset_id", "asset_alias_id", "event_log_id", "backfill_id", "import_error_id", "uuid"),
}  # fmt: skip
"""Under which name a route asks for what is told under another."""
_GIVEN: Final = {"map_index": ["-1"], "try_number": ["1", "2"], "task_try_number": ["1"]}
_ENDLESS: Final = ("/wait", "/stream")
"""Answers that end with the run."""


class Fetched:
    """``texts``: address → what came."""

    def __init__(self, client: httpx.Client, about: Mapping[str, list[str]]) -> None:
        self._client = client
        self._ids: dict[str, list[str]] = {name: list(values) for name, values in {**_GIVEN, **about}.items()}
        self.texts: dict[str, str] = {}
        self.refused: set[str] = set()

    def all(self, specification: Mapping[str, Any]) -> None:
        """Until no route tells an id that was not asked with."""
        routes = [path for path, methods in specification["paths"].items() if "get" in methods]
        routes = [path for path in routes if not path.endswith(_ENDLESS)]
        before = -1
        while len(self.texts) > before:
            before = len(self.texts)
            for path in routes:
                self._each(path)

    def _each(self, path: str) -> None:
        for address in itertools.islice(self._addresses(path), _MOST):
            if address not in self.texts and address not in self.refused:
                self._fetch(address)

    def _addresses(self, path: str) -> Iterator[str]:
        names = re.findall(r"{(\w+)}", path)
        for values in itertools.product(*[self._ids.get(name, []) for name in names]):
            address = path
            for name, value in zip(names, values, strict=True):
                address = address.replace(f"{{{name}}}", quote(value))
            yield address

    def _fetch(self, address: str) -> None:
        answer = self._client.get(address, params={"limit": 100} if address.startswith("/api/v2/") else {})
        if not answer.is_success:
            self.refused.add(address)
            return
        self.texts[address] = answer.text
        if "json" in answer.headers.get("content-type", ""):
            self._learn(answer.json())

    def _learn(self, told: Any) -> None:
        if isinstance(told, dict):
            for name, value in told.items():
                if isinstance(value, (str, int)) and not isinstance(value, bool):
                    for asked in (name, *_TOLD_AS.get(name, ())):
                        known = self._ids.setdefault(asked, [])
                        if (text := str(value)) not in known and len(known) < _VALUES and "/" not in text:
                            known.append(text)
                else:
                    self._learn(value)
        elif isinstance(told, list):
            for each in told:
                self._learn(each)
