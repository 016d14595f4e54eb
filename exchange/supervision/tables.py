"""All tables of the report: aggregates summed up and put into words, for the page and for the workbook alike."""

from __future__ import annotations

from collections.abc import Callable

from exchange.supervision import batch_tables, person_tables
from exchange.supervision.aggregates import Aggregates
from exchange.supervision.labels import heads
from exchange.supervision.table import Line, Table, table


def all_tables(aggregates: Aggregates, office_name: Callable[[str], str]) -> dict[str, Table]:
    """Code → table, in the order of the report; ``office_name``: division → the office that looks at rows by hand."""
    lines: dict[str, tuple[list[Line], Line | None]] = {
        "batches": batch_tables.batches(aggregates),
        "answers": (person_tables.answers(aggregates), None),
        "answers_by_partner": (person_tables.by_partner(aggregates), None),
        "refused": (batch_tables.refused(aggregates), None),
        "late": (batch_tables.late(aggregates), None),
        "stages": (batch_tables.stages(aggregates), None),
        "stops": (batch_tables.stops(aggregates), None),
        "reviews": person_tables.reviews(aggregates, office_name),
        "approvals": (person_tables.approvals(aggregates), None),
        "objections": (person_tables.objections(aggregates), None),
        "missing": (batch_tables.missing(aggregates), None),
        "pickups": (batch_tables.pickups(aggregates), None),
        "doubtful": person_tables.doubtful(aggregates),
    }
    return {code: table(head, *lines[code]) for code, head in heads().items()}
