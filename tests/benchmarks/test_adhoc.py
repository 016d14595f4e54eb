"""What the lane's benchmark works out of its figures, and how its client looks for results."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from itertools import count
from types import SimpleNamespace
from typing import cast
from unittest import mock

import paramiko
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.adhoc import burst
from benchmarks.adhoc.annual import share_covered
from benchmarks.adhoc.client import Client
from benchmarks.adhoc.page import percentile_95
from benchmarks.adhoc.sets import Prepared
from exchange.demo.servers.ports import LOOPBACK
from exchange.demo.servers.sftp import SftpServer
from exchange.wire.keys import make_ssh_key
from tests.examples import one_in


@pytest.mark.parametrize(
    ("spans", "share"),
    [
        ([(0, 20)], 1.0),
        ([(0, 12), (11, 30)], 1.0),
        ([(8, 12), (18, float("inf"))], 0.4),
        ([(12, 14), (12, 14), (13, 15)], 0.3),
        ([(0, 5), (25, 30)], 0.0),
    ],
)
def test_the_share_of_the_time_beside_an_annual_batch(spans: list[tuple[float, float]], share: float) -> None:
    assert share_covered(spans, 10, 20) == pytest.approx(share)


def test_one_slow_set_of_thirty_is_above_the_95th_percentile() -> None:
    assert percentile_95([1.0] * 29 + [50.0]) == 1.0
    assert percentile_95([1.0] * 27 + [50.0] * 3) == 50.0
    assert percentile_95([2.0]) == 2.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    server = SftpServer(tmp_path_factory.mktemp("world") / "sftp", embedded=True)
    server.start(make_ssh_key(server.folder / "partner"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def sftp(server: SftpServer) -> Iterator[paramiko.SFTPClient]:
    kind, key = server.host_key.split()[:2]
    with paramiko.SSHClient() as ssh:
        ssh.get_host_keys().add(
            f"[{LOOPBACK}]:{server.port}", kind, paramiko.PKey.from_type_string(kind, base64.b64decode(key))
        )
        ssh.set_missing_host_key_policy(paramiko.RejectPolicy())
        named = str(server.folder / "partner")
        ssh.connect(LOOPBACK, server.port, server.username, key_filename=named, allow_agent=False, look_for_keys=False)
        yield ssh.open_sftp()


RESULTS = st.lists(st.none() | st.integers(1, 2**31 - 2), max_size=8)
"""Of each batch when its result came, in seconds; None where it has none."""


def lay(server: SftpServer, results: list[int | None]) -> dict[str, float]:
    """Puts the results where the partner finds them, beside other files of each batch; batch → when its result came."""
    folder = server.home / "from-office"
    for path in folder.iterdir():
        path.unlink()
    for number, at in enumerate(results):
        (folder / f"b{number}.receipt.json").touch()
        if at is not None:
            (folder / f"b{number}.result.csv.p7m").touch()
            (folder / f"b{number}.result.json").touch()
            os.utime(folder / f"b{number}.result.json", (at, at))
    return {f"b{number}": at + 1.0 for number, at in enumerate(results) if at is not None}


@one_in(2)
@given(results=RESULTS, misses=st.integers(1, 4))
def test_results_are_asked_for_by_name_until_so_many_were_not_there(
    server: SftpServer, sftp: paramiko.SFTPClient, results: list[int | None], misses: int
) -> None:
    lies, names = lay(server, results), [f"b{number}" for number in range(len(results))]
    with mock.patch.object(sftp, "stat", wraps=sftp.stat) as asked:
        came = Client(sftp).answered(names, misses=misses)
    lacking = [position for position, name in enumerate(names) if name not in lies]
    looked = names[: lacking[misses - 1] + 1] if len(lacking) >= misses else names
    assert [call.args for call in asked.call_args_list] == [(f"from-office/{name}.result.json",) for name in looked]
    assert came == {name: lies[name] for name in looked if name in lies}


@one_in(2)
@given(results=RESULTS)
def test_by_name_and_in_the_folder_the_same_results_are_found(
    server: SftpServer, sftp: paramiko.SFTPClient, results: list[int | None]
) -> None:
    lies, names = lay(server, results), [f"b{number}" for number in range(len(results))]
    assert Client(sftp).all_answered() == Client(sftp).answered(names, misses=len(names) + 1) == lies


@pytest.mark.parametrize("listed", [1, 10**9], ids=["listed", "by name"])
def test_a_result_that_is_there_before_its_drop_is_noted_is_seen_when_it_is(
    server: SftpServer, sftp: paramiko.SFTPClient, monkeypatch: pytest.MonkeyPatch, listed: int
) -> None:
    """The drops are noted in another thread, one behind the other."""
    lay(server, [1, 1, 1])
    monkeypatch.setattr(burst, "_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(burst, "_LISTED_EACH", listed)
    sets = [SimpleNamespace(batch=f"b{number}", partner=SimpleNamespace(id="court")) for number in range(3)]
    looks = count()

    class Noted(dict[str, float]):
        def __contains__(self, batch: object) -> bool:
            return next(looks) >= 2 * len(sets)

    seen = burst._watched({"court": Client(sftp)}, cast("list[Prepared]", sets), Noted())
    assert seen == {"b0": 2.0, "b1": 2.0, "b2": 2.0}
