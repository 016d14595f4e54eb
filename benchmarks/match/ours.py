"""This software: ``python -m benchmarks.match.ours WORLD REQUEST OUT``."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

from benchmarks.fixed import MATCHED, OUT, TODAY
from exchange.base.legal_bases import legal_bases
from exchange.base.parallel import map_ordered
from exchange.base.tables import OFFENCE_SOURCES
from exchange.matching.decide import decide
from exchange.matching.identity import Population
from exchange.matching.sources import Sources
from exchange.snapshots.versions import Snapshots, Version
from exchange.validate.table import read_parts

_BYTES_IN_PART = 6 * 1024 * 1024  # steps/request.py, whose imports this does not need


def sources(folder: Path) -> Sources:
    """The published snapshots of a world's folder, mapped."""
    people = published(folder, "population")
    return Sources(
        Population(people.open("people"), people.open("former")),
        {source: published(folder, source).open("records") for source in OFFENCE_SOURCES},
        approved=True,
        bases=(legal_bases()["case_handling_286"],),
    )


def published(folder: Path, source: str) -> Version:
    """The version of a source that is in use."""
    version = Snapshots(folder / "snapshots").current(source)
    if version is None:
        raise FileNotFoundError(source)
    return version


def main(folder: str, request: str, out: str) -> None:
    """In parts, as the pipeline does it."""
    gc.freeze()  # what was imported stays: a process that ends would look through it once more
    known, content = sources(Path(folder)), Path(request).read_bytes()
    with Path(out).open("wb") as written:
        parts = read_parts(content, MATCHED, None, part=_BYTES_IN_PART)
        decided = map_ordered(lambda part: decide(part, MATCHED, known, TODAY).select(OUT), parts)
        for number, (_, answers) in enumerate(decided):
            answers.write_csv(written, include_header=number == 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
