"""Secrets that are changed while the office works, as docs/operations.md has it; by ``make containers-test``."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from exchange.demo.partner import DemoPartner
from exchange.demo.servers.processes import wait_for
from exchange.wire.keys import make_ssh_key
from tests.docker.containers import SECONDS, Containers, PublishedSftp, ask, came, needs_engine, patient

pytestmark = [needs_engine, patient]


def test_airflows_tokens(installed: Containers, court: DemoPartner) -> None:
    """Running tasks are tried again, everybody logs in anew."""
    secrets = installed.folder / "secrets" / "airflow.env"
    request = ask(court, "over-new-tokens")
    with installed.log_in("leader") as leader:
        court.drop(court.make_set(request))
        lines = secrets.read_text("utf-8").splitlines()
        names = ("AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__API__SECRET_KEY")
        former = [line for line in lines if line.startswith(names)]
        assert len(former) == len(names)
        installed.write("secrets/airflow.env", "".join(f"{line}\n" for line in lines if line not in former))
        assert "made" in installed.compose("run", "--rm", "init")
        assert not set(former) & set(secrets.read_text("utf-8").splitlines())
        installed.compose("down", "--timeout", "60")
        installed.compose("up", "--detach")
        assert wait_for(lambda: installed.is_well("api-server"), SECONDS)
        assert leader.page("/approval")[0] in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
    with installed.log_in("leader") as leader:
        assert leader.page("/approval")[0] == HTTPStatus.OK
    assert came(court, f"{request.batch}.result.json"), installed.compose("logs", "scheduler", code=None)[-5000:]


def test_the_offices_sftp_key(installed: Containers, court: DemoPartner) -> None:
    """The new one is let in beside the former one, then taken, then the former one is let in no more."""
    keys, accounts = installed.folder / "office" / "keys", installed.folder / "accounts" / court.id
    former = (keys / "sftp.pub").read_text("utf-8").strip()
    new = make_ssh_key(keys / "sftp-new")
    installed.let_in(court.id, *accounts.read_text("utf-8").splitlines(), new)
    (keys / "sftp-new").rename(keys / "sftp")
    (keys / "sftp.pub").write_text(f"{new}\n", "utf-8")
    installed.give("office/keys")
    installed.let_in(court.id, *[line for line in accounts.read_text("utf-8").splitlines() if line != former])
    installed.tool("exchange", "partner", "connect", court.id)
    request = ask(court, "by-a-new-key")
    court.drop(court.make_set(request))
    assert came(court, f"{request.batch}.result.json"), installed.compose("logs", "scheduler", code=None)[-5000:]


def test_the_sftp_servers_host_key(installed: Containers, court: DemoPartner) -> None:
    """Until the agreement pins the new one nothing is fetched and nothing is lost."""
    keys, office = installed.folder / "host-keys", installed.folder / "office"
    pinned = " ".join((keys / "ssh_host_ed25519_key.pub").read_text("utf-8").split()[:2])
    for name in ("ssh_host_ed25519_key", "ssh_host_ed25519_key.pub"):
        (keys / name).rename(keys / f"{name}.former")
    installed.compose("restart", "--timeout", "10", "sftp")
    assert wait_for((keys / "ssh_host_ed25519_key.pub").exists, SECONDS)
    new = " ".join((keys / "ssh_host_ed25519_key.pub").read_text("utf-8").split()[:2])
    assert isinstance(court.server, PublishedSftp)
    after = replace(court, server=replace(court.server, pinned=new))
    request = ask(court, "past-a-new-host")
    assert wait_for(lambda: installed.is_well("sftp"), SECONDS)
    after.drop(after.make_set(request))
    refused = installed.compose("run", "--rm", "tool", "exchange", "partner", "connect", court.id, code=None)
    assert "its host key is not the one that the agreement pins" in " ".join(refused.split())
    agreement = office / "agreements" / f"{court.id}.toml"
    agreement.write_text(agreement.read_text("utf-8").replace(pinned, new), "utf-8")
    installed.tool("exchange", "partner", "connect", court.id)
    assert came(after, f"{request.batch}.result.json"), installed.compose("logs", "scheduler", code=None)[-5000:]
    for name in ("ssh_host_ed25519_key", "ssh_host_ed25519_key.pub"):  # back, for those who come after
        (keys / f"{name}.former").rename(keys / name)
    agreement.write_text(agreement.read_text("utf-8").replace(new, pinned), "utf-8")
    installed.compose("restart", "--timeout", "10", "sftp")
    assert wait_for(lambda: installed.is_well("sftp"), SECONDS)
