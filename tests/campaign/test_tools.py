"""The campaign's own tools: what kills kills there, who stands in the middle does what is said, runs add up."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.campaign import tracer
from tests.campaign.duties import decided
from tests.campaign.gate import Fault, Gate
from tests.campaign.report import BEGIN, END, main, table
from tests.campaign.story import Story, told

WRITES = "import os; os.read(0, 1); [os.write(1, b'x') for _ in range(5)]"


@pytest.mark.skipif(not tracer.is_there(), reason=tracer.MISSING)
@pytest.mark.parametrize(("number", "written"), [(1, 0), (3, 2), (9, 5)])
def test_a_process_is_killed_before_its_so_manieth_call(tmp_path: Path, number: int, written: int) -> None:
    command = [sys.executable, "-S", "-c", WRITES]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process,
        tracer.traced(process.pid, tmp_path / "told", "write", number),
    ):
        said, _ = process.communicate(b"x", timeout=60)
    assert len(said) == written
    assert (process.returncode == -9) == (number <= 5)
    assert tracer.calls_of((tmp_path / "told").read_text(encoding="utf-8"))["write"] == min(number, 5)


TRACE = """\
41 openat(AT_FDCWD</w/campaign-1x/office>, "/w/campaign-1x/office/home/archive/0f/"..., O_RDONLY) = 3</w/a>
42 fsync(3</w/campaign-1x/office/home/archive/0f/.writing-a8sd_q1>) = 0
41 fsync(3</w/campaign-1x/office/home/outgoing/court.campaign-0123456789abcdef.result-2.json>) = ?
41 fsync(4</w/campaign-1x/office/home>) = ?
42 +++ killed by SIGKILL +++
"""


def test_calls_are_counted_thread_by_thread_and_places_are_of_a_kind() -> None:
    assert tracer.calls_of(TRACE) == {"openat": 1, "fsync": 2}
    assert tracer.place_of(TRACE, "fsync") == "office/home"
    third = "\n".join(TRACE.splitlines()[:3])
    assert tracer.place_of(third, "fsync") == "office/home/outgoing/court.….result-#.json"
    assert tracer.place_of(TRACE, "rename") == ""
    assert tracer.without_numbers("/w/office/home/archive/0f/.writing-a8sd_q1") == "office/home/archive/…/.writing-…"


@pytest.fixture
def echoing() -> Iterator[int]:
    """A server that says everything again; its port."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    client, _ = door.accept()
                    threading.Thread(target=_echo, args=(client,), daemon=True).start()

        threading.Thread(target=answer, daemon=True).start()
        yield door.getsockname()[1]
        door.shutdown(socket.SHUT_RDWR)


def _echo(client: socket.socket) -> None:
    with client, suppress(OSError):
        while data := client.recv(1024):
            client.sendall(data)


@pytest.mark.parametrize(
    ("how", "heard"),
    [("cut", b"abc"), ("reset", b"abc"), ("stall", b"abc"), ("flip", b"abceefgh"), ("drip", b"abcdef")],
)
@pytest.mark.parametrize("from_server", [True, False])
def test_a_fault_strikes_at_its_byte(echoing: int, how: str, heard: bytes, from_server: bool) -> None:
    gate = Gate(echoing)
    with gate.watched(), gate.struck_by(Fault(how, 3, from_server)):
        answered = _answered(gate.port, b"abcdefgh", len(heard))
    if not from_server and how in ("cut", "reset"):  # the way back is cut with it, before or behind the answer
        assert heard.startswith(answered)
    else:
        assert answered == heard
    assert gate.fault is None


def test_a_gate_leads_elsewhere_and_back(echoing: int) -> None:
    gate = Gate(1)
    with gate.watched():
        assert _answered(gate.port, b"abc", 3) == b""
        with gate.leading_to(echoing):
            assert _answered(gate.port, b"abc", 3) == b"abc"
        assert _answered(gate.port, b"abc", 3) == b""


def _answered(port: int, said: bytes, wanted: int) -> bytes:
    """As many bytes as are wanted, or those that came until the connection ended."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client, suppress(ConnectionError):
        client.sendall(said)
        while len(heard) < wanted and (piece := client.recv(wanted - len(heard))):
            heard += piece
    return heard


def test_runs_of_several_seeds_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = [
        Story(1, "2026-11-28T10:00:00", "killed: answered", kills=3, points=["a: x #1", "a: x #2"], recovered=[1.0]),
        Story(2, "2026-11-29T10:00:00", "killed: answered", kills=1, points=["a: x #1"], recovered=[3.0, 4.5]),
        Story(
            2,
            "2026-11-29T10:00:00",
            "raced: built",
            races=5,
            wrong=["/somewhere/campaign-ab3d_f9h/home\nof | one"],
            seconds=3600,
        ),
    ]
    files = [tmp_path / "1.jsonl", tmp_path / "2.jsonl"]
    files[0].write_text(rounds[0].line() + "\n", encoding="utf-8")
    files[1].write_text("\n".join([*(each.line() for each in rounds[1:]), rounds[0].line()[:-9]]), encoding="utf-8")
    assert list(told(files)) == rounds
    assert table(rounds)[2:] == [
        "| killed: answered | 2 | 2 | 4 | 3 | 2 | 1 | 0 | 3.0 | 4.5 |",
        "| raced: built | 1 | 0 | 0 | 0 | 0 | 0 | 5 |  |  |",
        "| all | 3 | 2 | 4 | 3 | 2 | 1 | 5 | 3.0 | 4.5 |",
    ]
    page = tmp_path / "page.md"
    monkeypatch.setattr("tests.campaign.report.PAGE", page)
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    for _ in range(2):
        main(files)
        text = page.read_text(encoding="utf-8")
        assert text.startswith(f"before\n{BEGIN}\n")
        assert text.endswith(f"{END}\nafter\n")
        assert "3 rounds in 1.0 hours of rounds, 2026-11-28 to 2026-11-29, seeds 1, 2." in text
        assert "- seed 2, raced: built: home of / one" in text
        assert "old" not in text


@pytest.mark.parametrize(
    ("causes", "said"),
    [(("criminal_record",), "record_found"), (("criminal_record", "spot_check"), "record_found"),
     (("spot_check",), "no_record")],
)  # fmt: skip
def test_the_officer_finds_no_record_of_whom_only_the_lot_picked(causes: tuple[str, ...], said: str) -> None:
    assert decided(causes, ["criminal_record", "sex"]) == {"criminal_record": said, "sex": "consistent"}
