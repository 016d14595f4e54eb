"""All tables of the report: cells summed up and put into words, for the page and for the workbook alike."""

from __future__ import annotations

from collections.abc import Callable

from exchange.supervision import of_batches, of_people
from exchange.supervision.cells import Cells
from exchange.supervision.table import Line, Table, table
from exchange.supervision.words import heads


def all_tables(cells: Cells, office_name: Callable[[str], str]) -> dict[str, Table]:
    """Code → table, in the order of the report; ``office_name``: division → the office that looks at rows by hand."""
    lines: dict[str, tuple[list[Line], Line | None]] = {
        "batches": of_batches.batches(cells),
        "answers": (of_people.answers(cells), None),
        "answers_by_partner": (of_people.by_partner(cells), None),
        "refused": (of_batches.refused(cells), None),
        "late": (of_batches.late(cells), None),
        "stages": (of_batches.stages(cells), None),
        "stops": (of_batches.stops(cells), None),
        "reviews": of_people.reviews(cells, office_name),
        "approvals": (of_people.approvals(cells), None),
        "objections": (of_people.objections(cells), None),
        "missing": (of_batches.missing(cells), None),
        "pickups": (of_batches.pickups(cells), None),
        "doubtful": of_people.doubtful(cells),
    }
    return {code: table(head, *lines[code]) for code, head in heads().items()}
