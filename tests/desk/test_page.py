"""The page itself: built from its sources, closed to every connection, usable by keyboard, enlarged, and read aloud."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Literal

import pytest

from exchange.agreements.sections import Sftp
from exchange.base.paths import ROOT
from exchange.desk.page import TEMPLATE, make_desk
from exchange.desk.tables import desk_tables
from tests.desk.browser import BROWSERS, drive
from tests.desk.conftest import Made
from tests.desk.node import DESK, node

LIST = "业务编号,公民身份号码,姓名,性别\nA-1,110105194912310021,张三,女\n"
ROWS = 300_000


def test_the_committed_page_is_what_its_sources_build(tmp_path: Path) -> None:
    built = tmp_path / "desk.html"
    subprocess.run([node(), str(DESK / "build.mjs"), str(built)], check=True, capture_output=True, timeout=300)
    assert built.read_bytes() == TEMPLATE.read_bytes(), "desk/src has changed: make desk"


def test_the_policy_forbids_every_connection_and_the_page_names_no_server() -> None:
    page = TEMPLATE.read_text(encoding="utf-8")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert {part.split()[0] for part in policy.split("; ")} == {
        "default-src", "script-src", "style-src", "worker-src", "base-uri", "form-action",
    }  # fmt: skip
    assert "unsafe" not in policy
    run = re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL)  # the licences of what it carries
    named = set(re.findall(r"https?://[a-z0-9.-]+", run)) - {"http://schemas.openxmlformats.org", "http://www.w3.org"}
    assert not named
    assert not re.search(r"<(?:link|img|iframe|script)[^>]+(?:src|href)=", page)


def test_the_same_agreement_gives_the_same_page(made: Made) -> None:
    assert make_desk(made.agreement, made.office, 730) == made.page.read_bytes()
    assert b"PRIVATE KEY-----\n" not in made.page.read_bytes()


def test_it_says_how_the_partners_own_people_log_in_and_whom_they_call(made: Made, tmp_path: Path) -> None:
    """On a server of the partner's the office has another account; by a name of inside nobody finds the office's."""
    given = {"host": "sftp.outside.example", "port": 2222, "username": "clerks", "requests": "home/to-office"}
    sftp = Sftp.model_validate(made.agreement.sftp.model_dump() | {"partner": given})
    page = tmp_path / "desk.html"
    agreement = made.agreement.model_copy(update={"sftp": sftp})
    page.write_bytes(make_desk(agreement, made.office, 730, "0431-1234"))
    driven = drive(
        page,
        tmp_path / "saved",
        {"do": "text", "at": "footer"},
        {"do": "click", "at": "#tab-read"},
        {"do": "click", "at": "#read-winscp summary"},
        {"do": "text", "at": "#read-winscp"},
    )
    assert "户政管理部门电话 0431-1234" in driven.gave[0]
    said = driven.gave[3]
    assert "主机名 sftp.outside.example，端口 2222，用户名 clerks" in said
    assert f"用户名 {made.agreement.sftp.username}" not in said
    assert sftp.results in said, "what is left out is as the office has it"


def test_no_lock_entry_names_a_registry_and_each_has_its_hash() -> None:
    lock = (ROOT / "desk" / "package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock
    assert lock.count('"integrity": "sha512-') == lock.count('"node_modules/')


def test_every_code_that_a_row_may_have_says_what_to_do() -> None:
    tables = desk_tables()
    asked_elsewhere = {"row_ref_unknown"}
    unreadable = {code for code, answer in tables["answers"].items() if answer["group"] == "unreadable"}
    assert unreadable - asked_elsewhere <= set(tables["advice"])
    assert set(tables["advice"]) <= {*tables["answers"], *tables["notes"]}
    assert set(tables["after"]) <= set(tables["answers"])


def test_a_file_is_refused_in_words_of_a_clerk_who_never_sees_a_manifest() -> None:
    """Whatever the desk's own reading refuses a file for, the manifest aside, which the desk writes."""
    tables = desk_tables()
    reading = "".join(path.read_text(encoding="utf-8") for path in sorted((DESK / "src" / "core").glob("*.js")))
    refused = set(re.findall(r'(?:Refused|before|foreignBytes)\(\s*"([a-z_]+)"', reading)) - {"row_count"}
    assert len(refused) > 20
    assert refused <= set(tables["refusals"])
    assert set(tables["file"]) <= refused | BEHIND
    words = {code: tables["file"].get(code, tables["refusals"][code]) for code in refused}
    unknown = re.compile(r"清单(?!原件)|data\.|回执|\b(row|column|items|manifest|batch)\b|批次")
    assert {code: entry["zh"] for code, entry in words.items() if unknown.search(entry["zh"])} == {}


BEHIND = {
    "signature_invalid",
    "data_envelope",
    "data_hash",
    "data_not_encrypted",
    "purpose_not_agreed",
    "legal_basis_not_agreed",
    "item_not_agreed",
    "cycle_not_agreed",
    "batch_id_reused",
}
"""For what a set is refused that a desk of before made: with former keys or terms, or of which a file is another."""


def test_a_set_that_the_desk_made_is_refused_in_words_of_whoever_has_the_desk() -> None:
    """Nobody there writes a manifest or calls openssl; what helps is a new desk, or a field of the page."""
    tables = desk_tables()
    assert set(tables["refusals"]) >= BEHIND
    for code in BEHIND:
        entry = tables["file"][code]
        assert not re.search(r"清单|data\.|openssl|指南", entry["zh"]), code
        assert "再生成一次" in entry["zh"], code


def test_keyboard_zoom_and_what_a_screen_reader_needs(made: Made, tmp_path: Path) -> None:
    data = tmp_path / "list.csv"
    data.write_text(LIST, encoding="utf-8")
    views = [
        step for view in ("send", "read", "keys") for step in ({"do": "click", "at": f"#tab-{view}"}, {"do": "axe"})
    ]
    driven = drive(
        made.page,
        tmp_path / "saved",
        {"do": "upload", "at": "#check-file", "files": [str(data)]},
        {"do": "wait", "at": "#check-outcome", "text": "1 行有问题"},
        {"do": "axe"},
        *views,
        {"do": "evaluate", "script": "document.getElementById('tab-keys').focus()"},
        {"do": "press", "key": "ArrowRight"},
        {"do": "focused"},
        {"do": "press", "key": "ArrowRight"},
        {"do": "focused"},
        {"do": "evaluate", "script": "document.documentElement.scrollWidth <= innerWidth"},
        {"do": "click", "at": "button.language"},
        {"do": "text", "at": "#view-send h2"},
        {"do": "axe"},
        width=683,
        height=384,
    )
    violations = [step for step in driven.gave if isinstance(step, list)]
    assert violations == [[]] * 5
    assert driven.gave[11] == "tab-check"
    assert driven.gave[13] == "tab-send"
    assert driven.gave[14] is True
    assert driven.gave[16] == "Make a request"


def test_a_long_check_can_be_stopped_while_it_runs(made: Made, tmp_path: Path) -> None:
    data = tmp_path / "long.csv"
    head, row, _ = LIST.split("\n")
    data.write_text("\n".join([head, *[row] * ROWS]), encoding="utf-8")
    driven = drive(
        made.page,
        tmp_path / "saved",
        {"do": "upload", "at": "#check-file", "files": [str(data)]},
        {"do": "wait", "at": "#check-outcome", "text": "停止"},
        # At once: a mouse takes several steps, in which a slow machine has checked them all.
        {"do": "evaluate", "script": "document.querySelector('#check-outcome .message button').click()"},
        {"do": "wait", "at": "#check-outcome", "text": "已停止"},
        {"do": "text", "at": "#check-outcome"},
    )
    assert "行有问题" not in driven.gave[4]


@pytest.mark.parametrize(("stage", "said"), [("test", True), ("live", False), (None, False)])
def test_whoever_only_tries_is_told_so_on_every_view(
    made: Made, tmp_path: Path, stage: Literal["test", "live"] | None, said: bool
) -> None:
    page = tmp_path / "desk.html"
    page.write_bytes(make_desk(made.agreement.model_copy(update={"stage": stage}), made.office, 730))
    views = [
        step for view in ("send", "read", "keys") for step in ({"do": "click", "at": f"#tab-{view}"}, {"do": "axe"})
    ]
    top = {"do": "evaluate", "script": "document.querySelector('main').innerText.includes('试办阶段 TEST')"}
    title = {"do": "evaluate", "script": "document.title.includes('TEST')"}
    driven = drive(page, tmp_path / "saved", top, title, *[each for step in views for each in (step, top)])
    assert [each for each in driven.gave if isinstance(each, bool)] == [said] * 8
    assert [each for each in driven.gave if isinstance(each, list)] == [[]] * 3


DROPPED = """[document.body, document.querySelector('.drop')].map((place) => {
    const event = new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: new DataTransfer()});
    return !place.dispatchEvent(event); })"""
AGAIN = """(() => { const input = document.getElementById("check-file");
    input.dispatchEvent(new Event("click")); return input.value; })()"""
CLOSED = """!window.dispatchEvent(new Event("beforeunload", {cancelable: true}))"""


@pytest.mark.parametrize("browser", BROWSERS)
def test_nothing_is_lost_by_a_slip_of_the_hand(made: Made, tmp_path: Path, browser: str) -> None:
    """A file dropped beside its place, the same file chosen again once it was mended, a page closed too early."""
    data = tmp_path / "list.csv"
    data.write_text(LIST, encoding="utf-8")
    other = tmp_path / "list.ods"
    other.write_bytes(b"PK\x03\x04")
    driven = drive(
        made.page,
        tmp_path / "saved",
        {"do": "evaluate", "script": DROPPED},
        {"do": "evaluate", "script": CLOSED},
        {"do": "upload", "at": "#check-file", "files": [str(data)]},
        {"do": "wait", "at": "#check-outcome", "text": "1 行有问题"},
        {"do": "evaluate", "script": AGAIN},
        {"do": "type", "at": 'input[aria-label="第 1 行 公民身份号码"]', "text": "1"},
        {"do": "evaluate", "script": CLOSED},
        {"do": "upload", "at": "#check-file", "files": [str(other)]},
        {"do": "wait", "at": "#check-outcome", "text": "LibreOffice 的 .ods"},
        {"do": "evaluate", "script": CLOSED},
        browser=browser,
    )
    assert driven.gave[0] == [True, True]
    assert driven.gave[4] == ""
    assert [driven.gave[at] for at in (1, 6, 9)] == [False, True, False]


@pytest.mark.parametrize("own", [True, False])
def test_no_view_is_wider_than_a_telephone(made: Made, tmp_path: Path, *, own: bool) -> None:
    """At 320 pixels, which is 1280 at four times the size (WCAG 2.2, 1.4.10); lists scroll in their own frames."""
    wide = {"do": "evaluate", "script": "document.documentElement.scrollWidth - innerWidth"}
    views = [{"do": "click", "at": f"#tab-{view}"} for view in ("check", "send", "read", "keys")] if own else [wide]
    steps = [step for view in views for step in (view, wide)]
    driven = drive(made.page if own else TEMPLATE, tmp_path / "saved", *steps, width=320, height=640)
    assert [given for given in driven.gave if isinstance(given, int)] == [0] * (4 if own else 2)
