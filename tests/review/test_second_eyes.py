"""Who looked at a row once does not look at it again: in whichever batch it stands, and in whichever order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import polars as pl
import pytest

from exchange import pipeline
from exchange.app import App
from exchange.base.errors import Halt
from exchange.demo.partner import DemoPartner, Request
from exchange.intake.collect import poll
from exchange.register import Decision
from exchange.review import second_eyes
from exchange.review.case import open_columns
from exchange.review.decisions import complete

Ask = Callable[..., Request]
InNameOf = Callable[[str], App]
STANDING = ("first", "objection", "another objection")


def _sent(app: App, court: DemoPartner, request: Request) -> str:
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    return request.batch


def _word(app: App, batch: str, row: int) -> None:
    review = app.register.reviews.get(batch, row)
    (open_,) = open_columns(app, batch, [row])
    given = {"identity": "consistent"} if "identity" in open_ else {}
    said = complete(open_, given | {"criminal_record": "record_found"})
    second_eyes.decide(app, batch, [Decision(row, review.version, said, "archive")])


@pytest.fixture
def standing(
    app: App, court: DemoPartner, ask: Ask, people: pl.DataFrame, offenders: pl.Series, asked_partners: None
) -> dict[str, str]:
    """Two rows in doubt, and two objections to both while an officer still has them."""
    hits = people.filter((pl.col("oddity") == "") & pl.col("id_number").is_in(offenders.implode())).head(2)
    rows = hits.select(pl.Series("row_ref", ["R1", "R2"]), "id_number", "name").write_csv().encode()
    about = {"items": ("criminal_record",), "letter": "介绍信第一号"}
    first = _sent(app, court, ask(rows, 2, **about))
    again = about | {"cycle": "objection", "objects_to": first}
    objections = [_sent(app, court, ask(b"row_ref\nR2\nR1\n", 2, **again)) for _ in range(2)]
    return dict(zip(STANDING, (first, *objections), strict=True))


@pytest.mark.parametrize(("before", "now"), list(permutations(STANDING, 2)))
def test_who_looked_at_a_row_looks_at_it_nowhere_else(
    opened: InNameOf, standing: dict[str, str], before: str, now: str
) -> None:
    earlier, later = standing[before], standing[now]
    row, other = (1, 2) if later == standing["first"] else (2, 1)
    _word(opened("officer"), earlier, 1 if earlier == standing["first"] else 2)
    with pytest.raises(Halt, match="another officer must look"):
        _word(opened("officer"), later, row)
    assert opened("officer").register.reviews.get(later, row).words == ()
    _word(opened("officer"), later, other)
    for colleague in ("second", "third"):
        _word(opened(colleague), later, row)
    _word(opened("second"), later, other)
    (release,) = [found for found in pipeline.propose_all(opened("office")).releases if found.batch == later]
    for barred in ("officer", "second"):
        with pytest.raises(Halt, match="another leader"):
            second_eyes.approve(opened(barred), later, release.number, release.answers_sha256 or "")
    second_eyes.approve(opened("leader"), later, release.number, release.answers_sha256 or "")
