"""Officers and leaders at the command line: list, show, work list out and in, release; each in their own name."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from typer.testing import CliRunner

from exchange import pipeline
from exchange.app import App
from exchange.cli import main, release, review
from exchange.demo.partner import DemoPartner, Request
from exchange.demo.world import LEADER, OFFICER, World
from exchange.intake.collect import poll
from exchange.register import ReleaseSummary, Role
from exchange.review.locked import lock, unlock

Ask = Callable[..., Request]
Run = Callable[..., str]


@pytest.fixture
def run(world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``exchange`` as this account; what it printed, wide. ``code``: the exit code that is right."""
    monkeypatch.setenv("EXCHANGE_CONFIG", str(world.config))
    monkeypatch.setenv("COLUMNS", "400")

    def as_account(account: str, *arguments: str, code: int = 0, typed: str | None = None) -> str:
        for module in (review, release):
            monkeypatch.setattr(module, "os_user", lambda: account)
        ended = CliRunner().invoke(main.commands, list(arguments), input=typed)
        assert ended.exit_code == code, ended.output
        return ended.output

    return as_account


@pytest.fixture
def batch(app: App, court: DemoPartner, ask: Ask, people: pl.DataFrame) -> str:
    """Two people in doubt, about whose sex is asked."""
    return _in_doubt(app, court, ask, people)


def _in_doubt(app: App, court: DemoPartner, ask: Ask, people: pl.DataFrame) -> str:
    doubtful = people.filter(pl.col("oddity") == "doubtful").head(2)
    rows = doubtful.select("id_number", "name", "sex").with_row_index("row_ref").write_csv().encode()
    request = ask(rows, 2)
    court.drop(court.make_set(request))
    poll(app)
    assert pipeline.run(app, request.batch)
    return request.batch


def fill(content: bytes, **given: str) -> bytes:
    """Header → what the officer writes into each line."""
    book, saved = openpyxl.load_workbook(io.BytesIO(content)), io.BytesIO()
    page = book.worksheets[0]
    headers = [cell.value for cell in page[1]]
    for row in (2, 3):
        for header, text in given.items():
            page.cell(row, headers.index(header) + 1, text)
    book.save(saved)
    return saved.getvalue()


def test_a_work_list_the_whole_way(run: Run, app: App, batch: str, tmp_path: Path, court: DemoPartner) -> None:
    assert run(OFFICER, "review", "list", "--batch", batch).count(batch) == 2
    shown = run(OFFICER, "review", "show", batch, "1")
    assert "身份存疑" in shown
    assert "公民身份号码" in shown
    place = tmp_path / "list.xlsx"
    password = run(OFFICER, "review", "export", str(place), "--batch", batch).split()[-1]
    assert place.stat().st_mode & 0o777 == 0o600
    opened = len(app.register.steps(batch))
    plain = fill(unlock(place.read_bytes(), password), 照建议="不", 依据="查阅户籍档案")
    place.write_bytes(plain)  # saved without a password
    wrong = run(OFFICER, "review", "import", str(place), code=70)
    assert "line 2: " in wrong
    assert "line 3: " in wrong
    place.write_bytes(lock(fill(plain, 照建议="是"), "chosen anew 新设"))
    assert "does not open" in run(OFFICER, "review", "import", str(place), code=70, typed=f"{password}\n")
    assert f"{batch}: 2 行 rows decided" in run(OFFICER, "review", "import", str(place), typed="chosen anew 新设\n")
    assert "changed since" in run(OFFICER, "review", "import", str(place), code=70, typed="chosen anew 新设\n")
    told = [step.facts for step in app.register.steps(batch)[opened:]]
    assert len(told) == 1, "the decisions; nothing is opened anew"
    assert f"{batch}.release-1" in run(OFFICER, "release", "propose")
    run(OFFICER, "release", "issue", f"{batch}.release-1")
    rows = csv.DictReader(io.StringIO(court.result(batch, 2).data.decode("utf-8-sig")))
    assert [row["sex_answer"] for row in rows] == ["consistent", "consistent"]


def test_a_batch_whose_data_is_lost_is_named_and_the_list_has_all_others(
    run: Run, app: App, court: DemoPartner, ask: Ask, people: pl.DataFrame, tmp_path: Path
) -> None:
    """No list was written of anything."""
    lost, sound = [_in_doubt(app, court, ask, people) for _ in range(2)]
    kept, place = app.archive.path(app.register.file(lost, Role.DATA).sha256), tmp_path / "list.xlsx"
    aside = kept.rename(kept.with_suffix(".aside"))
    try:
        said = run(OFFICER, "review", "export", str(place), code=1)
        run(OFFICER, "review", "export", str(tmp_path / "none.xlsx"), "--batch", lost, code=70)
    finally:
        aside.rename(kept)
    assert f"{lost}: " in said
    page = openpyxl.load_workbook(io.BytesIO(unlock(place.read_bytes(), said.split()[-1]))).worksheets[0]
    column = [cell.value for cell in page[1]].index("批次号")
    listed = [row[column] for row in page.iter_rows(min_row=2, values_only=True)]
    assert (listed.count(lost), listed.count(sound)) == (0, 2)
    assert not (tmp_path / "none.xlsx").exists()


@pytest.mark.parametrize("taken", [0, 1])
def test_a_work_list_of_several_batches_is_taken_whole_or_not_at_all(
    run: Run,
    app: App,
    opened: Callable[[str], App],
    court: DemoPartner,
    ask: Ask,
    people: pl.DataFrame,
    tmp_path: Path,
    taken: int,
) -> None:
    """A colleague has a row open, of whichever batch, when the list comes back; left again, the same list is taken."""
    place, batches = tmp_path / "list.xlsx", [_in_doubt(app, court, ask, people) for _ in range(2)]
    password = run(OFFICER, "review", "export", str(place)).split()[-1]
    book = openpyxl.load_workbook(io.BytesIO(unlock(place.read_bytes(), password)))
    page, saved = book.worksheets[0], io.BytesIO()
    headers = [cell.value for cell in page[1]]
    for row in range(page.max_row, 1, -1):
        if page.cell(row, headers.index("批次号") + 1).value not in batches:
            page.delete_rows(row)
    for row in range(2, page.max_row + 1):
        page.cell(row, headers.index("照建议") + 1, "是")
        page.cell(row, headers.index("依据") + 1, "查阅户籍档案")
    book.save(saved)
    place.write_bytes(saved.getvalue())
    colleague = opened("colleague").register.reviews
    colleague.opened(batches[taken], [2], hold=True)
    lines = [len(app.register.steps(batch)) for batch in batches]
    assert "is with colleague" in run(OFFICER, "review", "import", str(place), code=70)
    assert [len(app.register.steps(batch)) for batch in batches] == lines
    colleague.left(batches[taken], 2)
    said = run(OFFICER, "review", "import", str(place))
    assert all(f"{batch}: 2 行 rows decided" in said for batch in batches)


def test_decide_and_who_may(run: Run, batch: str) -> None:
    arguments = ("review", "decide", batch, "1", "identity=consistent; sex=consistent", "--reason", "archive")
    assert "is no officer" in run("somebody", *arguments, code=70)
    assert "decided" in run(OFFICER, *arguments)
    assert "is no leader" in run(OFFICER, "release", "approve", f"{batch}.release-1", "--shown", "f", code=70)
    assert "is no officer" in run("somebody", "review", "show", batch, "1", code=70)


def test_a_leader_approves_what_was_shown(run: Run, app: App, batch: str) -> None:
    outcome = ReleaseSummary({"sex": {"consistent": 1}}, answers_sha256="e" * 64)
    release = app.register.releases.propose(batch, [1], outcome, needs_approval=True)
    assert release is not None
    assert "e" * 12 in run(LEADER, "release", "show", batch)
    for other in ("", "e", "f" * 12):
        assert "not what was shown" in run(LEADER, "release", "approve", release.id, "--shown", other, code=70)
    assert "approved" in run(LEADER, "release", "approve", release.id, "--shown", "e" * 12)


@pytest.mark.parametrize("name", ["list.txt", "list.csv"])
def test_a_list_is_a_workbook(run: Run, tmp_path: Path, name: str) -> None:
    run(OFFICER, "review", "export", str(tmp_path / name), code=2)
    assert not (tmp_path / name).exists()


def test_a_list_takes_no_files_place_and_makes_no_folder(run: Run, tmp_path: Path) -> None:
    there = tmp_path / "list.xlsx"
    there.write_text("mine", encoding="utf-8")
    run(OFFICER, "review", "export", str(there), code=2)
    run(OFFICER, "review", "export", str(tmp_path / "new" / "list.xlsx"), code=2)
    assert (there.read_text(encoding="utf-8"), [each.name for each in tmp_path.iterdir()]) == ("mine", ["list.xlsx"])
    run(OFFICER, "review", "import", str(tmp_path / "none.xlsx"), code=2)


def test_only_a_leader_extends_an_objection(run: Run, batch: str) -> None:
    assert "is no leader" in run(OFFICER, "review", "extend", batch, "--reason", "档案在外地", code=70)
    assert "objection" in run(LEADER, "review", "extend", batch, "--reason", "档案在外地", code=70)


def test_a_reason_for_more_time_holds_no_number(run: Run, batch: str) -> None:
    said = run(LEADER, "review", "extend", batch, "--reason", "见11010519491231002X", code=70)
    assert "holds no identity number" in " ".join(said.split())
    assert "11010519491231002X" not in said


def test_a_returned_release_is_proposed_again_by_its_own_officers_alone(run: Run, app: App, batch: str) -> None:
    """And whoever reads of it reads the leader's name."""
    outcome = ReleaseSummary({"sex": {"consistent": 1}}, answers_sha256="e" * 64)
    release = app.register.releases.propose(batch, [1], outcome, needs_approval=True)
    assert release is not None
    again = ("release", "reopen", release.id, "--reason", "已查阅")
    assert "was not returned" in run(OFFICER, *again, code=70)
    run(LEADER, "release", "reject", release.id, "--reason", "依据不足")
    assert "（p-leader）" in run(OFFICER, "release", "show", batch)
    assert '"judged_by": "p-leader"' in run(OFFICER, "release", "show", batch, "--json")
    assert "none of its rows" in " ".join(run("yanbian-officer", *again, code=70).split())
    assert "is no officer" in run(LEADER, *again, code=70)
    assert "proposed again" in run(OFFICER, *again)
