"""What is done in the office, by a name each: the steps of a batch, what people decide, what runs at night.

Each opens the office for itself, as its own process would, and takes one word: the batch, a database, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import make_url

from exchange import pipeline, retention
from exchange.agreements.sections import LETTER_ITEMS
from exchange.app import App
from exchange.base.errors import Halt
from exchange.base.tables import SOURCES
from exchange.demo.world import LEADER_ID, OFFICER_ID
from exchange.intake.collect import poll
from exchange.operation.backup import make_backup
from exchange.register import Decision, ReleaseState, ReviewFilter, ReviewState, open_register
from exchange.review.case import load_cases
from exchange.review.decisions import complete
from exchange.settings import Settings
from exchange.snapshots.build import build
from exchange.steps import telling
from exchange.steps.disclosure import SPOT
from exchange.watch.all_watches import watch_all
from exchange.watch.configuration import watch_configuration

_LATER: Final = timedelta(days=4000)
"""All that is kept of ended batches is past its time then."""


def batch(batch_id: str) -> None:
    """The collector's look, and the batch's whole way."""
    with App.open("campaign") as app:
        poll(app)
        if app.register.find_batch(batch_id) is not None:
            pipeline.run(app, batch_id)


def collect(_: str) -> None:
    with App.open("campaign") as app:
        poll(app)


def receive(batch_id: str) -> None:
    with App.open("campaign") as app:
        pipeline.receive(app, batch_id)


def process(batch_id: str) -> None:
    with App.open("campaign") as app:
        pipeline.process(app, batch_id)


def deliver(batch_id: str) -> None:
    with App.open("campaign") as app:
        pipeline.deliver(app, batch_id)


def decide(batch_id: str) -> None:
    """An officer decides all rows of the batch as they were planted."""
    with App.open(OFFICER_ID) as app:
        for review in app.register.reviews.find(ReviewFilter(batch_id, None, ReviewState.OPEN)):
            case = load_cases(app, batch_id, [review], hold=True)[0]
            answers = complete(case.open, decided(review.causes, case.open))
            app.register.reviews.decide(batch_id, [Decision(review.row, review.version, answers, "case_file")])


def decided(causes: Collection[str], columns: Collection[str]) -> dict[str, str]:
    """What an officer says who knows what was planted: everybody is who they say, and has a record, but for those whom
    only the lot picked. A clock that stepped back behind a release makes it pick one where it picks nobody else.
    """
    record = "no_record" if set(causes) == {SPOT} else "record_found"
    return {column: record if column in LETTER_ITEMS else "consistent" for column in columns}


def propose(_: str) -> None:
    with App.open("campaign") as app:
        pipeline.propose_all(app)


def approve(batch_id: str) -> None:
    """A leader approves what waits."""
    with App.open(LEADER_ID) as app:
        for release in app.register.releases.of(batch_id):
            if release.state is ReleaseState.PROPOSED:
                app.register.releases.approve(batch_id, release.number, release.answers_sha256 or "")


def issue(batch_id: str) -> None:
    with App.open("campaign") as app:
        for release in app.register.releases.of(batch_id):
            pipeline.issue(app, release.id)


def snapshots(_: str) -> None:
    """One more version of each source, of the same export."""
    with App.open("campaign") as app:
        for source in SOURCES:
            current = app.snapshots.current(source)
            if current is None:
                msg = f"{source} has no version"
                raise Halt(msg)
            export = app.settings.exports / source / str(current.as_of)
            build(app.snapshots, source, export, current.as_of)


def configured(_: str) -> None:
    """The ledger is told what the answers are decided by; also by a configuration of which a part cannot be read."""
    with App.open("campaign") as app:
        watch_configuration(app)


def copy(config: str) -> None:
    """A backup, by the settings in this file."""
    with App.open("campaign", Path(config)) as app:
        make_backup(app, Path(config))


def rekey(_: str) -> None:
    """The index of who was told brought to the newest key, or to a new one where that is a year old."""
    with App.open("campaign") as app:
        telling.rekey(app)


def watch(_: str) -> None:
    """The hourly round: configuration, due days, deadlines, cycles, certificates, witnesses."""
    with App.open("campaign") as app:
        watch_all(app)


def destroy(_: str) -> None:
    """Retention, as of a day on which all that ended is past its time."""
    with App.open("campaign") as app:
        retention.run(App(app.settings, app.register, lambda: app.now() + _LATER))


def migrate(database: str) -> None:
    """The register's tables in this database, by its owner."""
    register = Settings.load().register_
    url = make_url(register.url).set(username="exchange", database=database)
    owner = open_register(url.render_as_string(hide_password=False), "owner", register.password_file)
    try:
        owner.migrate()
    finally:
        owner.close()


_OF_A_BATCH: Final = (batch, collect, receive, process, deliver, decide, propose, approve, issue)
_OF_THE_OFFICE: Final = (snapshots, configured, copy, rekey, watch, destroy, migrate)
DUTIES: Final[dict[str, Callable[[str], None]]] = {each.__name__: each for each in (*_OF_A_BATCH, *_OF_THE_OFFICE)}
