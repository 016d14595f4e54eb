"""The gates: Great Expectations judges counts, never rows.

Rules: Polars counts (a snapshot, a request, a result), the suites in ``expectations/`` say which counts are
tolerable, and nothing goes past a gate that does not hold. The judged frame is one line of numbers, so that no value
of a person can reach a validation output, whatever its result format; a million rows cost what one does. A suite may
compare two counts (``rows_out`` with ``rows_in``) or hold one to a bound.

Great Expectations imports SciPy and Altair for expectations and pictures that no suite here has: they are held back
while it is imported. That is half a second and 78 MB for each process that judges; the office's image has neither.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from exchange.base.errors import Halt
from exchange.base.paths import EXPECTATIONS

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

HELD_BACK: Final = ("scipy", "scipy.stats", "altair")
"""A suite that used one of them would stop with an error, not pass."""


def judge(suite: str, counts: Mapping[str, float]) -> None:
    """Halt, naming the counts that do not hold, unless all expectations of ``expectations/<suite>.json`` are met."""
    if failed := failures(suite, counts):
        msg = f"{suite} does not pass its gate: {'; '.join(failed)}"
        raise Halt(msg)


def failures(suite: str, counts: Mapping[str, float]) -> list[str]:
    """One sentence of counts and bounds for each expectation of the suite that is not met."""
    return list(_failures(suite, tuple(counts.items())))


@lru_cache(maxsize=1024)  # small sets count alike, and a judgement takes as long as their match
def _failures(suite: str, counted: tuple[tuple[str, float], ...]) -> tuple[str, ...]:
    import pandas as pd  # noqa: PLC0415  (29 MB and a third of a second, for those alone who judge)

    counts = dict(counted)
    batch, expectations = _validator(suite)
    frame = pd.DataFrame([{name: float(value) for name, value in counts.items()}])
    outcome = batch.get_batch(batch_parameters={"dataframe": frame}).validate(
        expectations, result_format="BOOLEAN_ONLY"
    )
    return tuple(_explain(result.expectation_config, counts) for result in outcome.results if not result.success)


def _explain(config: Any, counts: Mapping[str, float]) -> str:
    columns = [value for name, value in sorted(config.kwargs.items()) if name.startswith("column")]
    bounds = [f"{name} {config.kwargs[name]}" for name in ("min_value", "max_value") if name in config.kwargs]
    counted = " and ".join(f"{column} is {counts.get(column)}" for column in columns)
    return f"{counted}, expected {' '.join(bounds) or 'equal'}"


def library() -> ModuleType:
    """Great Expectations, the only way to import it: that takes seconds, which only those who judge pay for."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with _held_back():
        import great_expectations as gx  # noqa: PLC0415
        from tqdm import tqdm  # type: ignore[import-untyped]  # noqa: PLC0415
    tqdm.set_lock(RLock())  # its own is shared among forked processes: one that is killed would hold it for ever
    module: ModuleType = gx
    return module


@contextmanager
def _held_back() -> Iterator[None]:
    """Empty modules under those names meanwhile, where nobody has imported the real ones yet."""
    stand_ins = {name: ModuleType(name) for name in HELD_BACK if name not in sys.modules}
    for name, module in stand_ins.items():
        package, _, child = name.rpartition(".")
        if package in stand_ins:
            setattr(stand_ins[package], child, module)
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            sys.modules.pop(name, None)


@cache
def _validator(suite: str) -> tuple[Any, ExpectationSuite]:
    """The suite and a place to hold a frame against it, made once for each process."""
    gx = library()
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415

    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)  # speaks at INFO
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    content = json.loads((EXPECTATIONS / f"{suite}.json").read_text(encoding="utf-8"))
    expectations = gx.ExpectationSuite(name=suite, expectations=content["expectations"])
    asset = context.data_sources.add_pandas(suite).add_dataframe_asset(suite)
    return asset.add_batch_definition_whole_dataframe(suite), expectations
