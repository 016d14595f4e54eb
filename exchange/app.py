"""The opened office: settings, register, keys, snapshots and the clock, handed to every step.

Rules: keys are read when they are first needed and stay in memory only. An agreement is read anew where a batch comes
in, and kept with the batch from then on (``steps/agreed.py``). The clock is a part of the office, so that a test can
set it. ``with`` closes the register's connections at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Self

from exchange.agreements.agreement import Agreement, agreement_files, load_agreement
from exchange.base.cache import Cache
from exchange.base.duty import Duties
from exchange.base.errors import Halt
from exchange.base.files import Archive
from exchange.base.keyed import KeyRing, read_keys
from exchange.calendar.office_days import load_office_days
from exchange.calendar.working_days import OfficeDays, office_day
from exchange.register import Attested, Batch, LedgerKey, Register, open_register
from exchange.register.checkpoints import Kept
from exchange.settings import Settings, read_secret
from exchange.snapshots.versions import Snapshots
from exchange.wire.away import AwaySign
from exchange.wire.connection import SftpAccount, Timeouts
from exchange.wire.envelope import KeyPair, load_key_pair
from exchange.wire.manifest import RequestManifest, parse
from exchange.wire.pool import current_pool
from exchange.wire.transport import Folder, connect


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class App:
    """An opened office: its settings, register, folders and keys. ``now``: the clock; ``comes_again``: whether what
    is done here is tried again by itself, so that it waits but a moment for a server that was away just now
    (``wire/away.py``).
    """

    settings: Settings
    register: Register
    now: Callable[[], datetime] = _now
    comes_again: bool = False

    @classmethod
    def open(cls, actor: str, config: Path | None = None) -> Self:
        """The office of the settings that the environment names; ``actor`` stands in the register beside what is
        done.
        """
        settings = Settings.load(config)
        Snapshots(settings.snapshots).clean()
        key = LedgerKey(settings.keys.register_key, settings.keys.register_public)
        return cls(settings, open_register(settings.register_.url, actor, settings.register_.password_file, key))

    @classmethod
    def of_account(cls, account: str, config: Path | None = None) -> Self:
        """The same in the name of the person whose account of the machine this is; an account that is nobody's stands
        in the register as itself, marked, so that it is never taken for a person of that id.
        """
        app = cls.open(f"os:{account}", config)
        person = app.settings.person(os_account=account)
        if person is not None:
            app.register.actor = person.id
        return app

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.register.close()

    @property
    def archive(self) -> Archive:
        """Where originals and answers are kept."""
        return self.settings.archive

    def check_archive(self) -> None:
        """Halt where nothing lies in the archive of what the register named last: its disk is not there, and what was
        kept in its place would be gone once it is. Whoever takes something in, or destroys something, asks first.
        """
        if self._is_another_archive() and self._is_another_archive():  # what was destroyed meanwhile is named no more
            msg = (
                f"the archive {self.archive.folder} holds nothing of what the register named last; is its disk there? "
                "Nothing is taken in until a person has looked"
            )
            raise Halt(msg, zh=f"档案 {self.archive.folder} 中没有登记簿最近所载的文件：其磁盘挂载了吗？查明之前不收件")

    def _is_another_archive(self) -> bool:
        named = self.register.retention.named_lately()
        return bool(named) and all(self.archive.is_gone(digest) for digest in named)

    @cached_property
    def cache(self) -> Cache:
        """Derived data, encrypted under a key that is derived from the office's decryption key."""
        return Cache(self.settings.home / "cache", lambda: read_secret(self.settings.keys.decryption_key))

    def manifest(self, batch: Batch) -> RequestManifest:
        """The batch's request manifest, from the archive; Refused where it does not fit, Halt where it is not there."""
        return parse(RequestManifest, self.archive.read(batch.manifest_sha256))

    @property
    def told_keys(self) -> KeyRing:
        """The keys of the index of who was told about whom, as they are now: a process that lives for months reads a
        new generation. Halt where there are none.
        """
        path = self.settings.keys.told_keys
        return read_keys(read_secret(path), path)

    @cached_property
    def snapshots(self) -> Snapshots:
        """The sources' snapshots, of real people."""
        return Snapshots(self.settings.snapshots)

    @cached_property
    def invented(self) -> Snapshots:
        """The invented province, which answers test batches and no others."""
        return Snapshots(self.settings.invented, invented=True)

    def snapshots_for(self, batch: Batch) -> Snapshots:
        """What may answer this batch: the sources' snapshots, or of a test batch the invented province alone."""
        return self.invented if batch.is_test else self.snapshots

    @cached_property
    def office_days(self) -> OfficeDays:
        """The office's own working days and days off."""
        return load_office_days(self.settings.office_days)

    @cached_property
    def signing(self) -> KeyPair:
        """The key pair that signs what goes to partners; Halt where it cannot be read."""
        return load_key_pair(self.settings.keys.signing_key, self.settings.keys.signing_certificate)

    @cached_property
    def decryption(self) -> KeyPair:
        """The key pair to which partners encrypt; Halt where it cannot be read."""
        return load_key_pair(self.settings.keys.decryption_key, self.settings.keys.decryption_certificate)

    def attested(self, batch_id: str) -> Attested:
        """The batch, attested by its last signed ledger line: every step that sends something begins with this. Halt
        also where the ledger is not the one whose checkpoints left the house. That line is kept as a checkpoint before
        anything is sent by it: a database that loses it, as one to which another gives way a second behind, is found,
        where what was sent would else be made and sent anew.
        """
        attested = self.register.attested(batch_id, self.checkpoints)
        self._kept(attested.checkpoint)
        return attested

    @cached_property
    def ledger_key(self) -> LedgerKey:
        """The key that signs and checks the lines of the ledger."""
        return LedgerKey(self.settings.keys.register_key, self.settings.keys.register_public)

    @property
    def checkpoints(self) -> Kept:
        """The office's own checkpoints of the ledger."""
        return Kept(self.archive.folder / "checkpoints")

    def checkpoint(self) -> str | None:
        """The ledger's checkpoint now, for a file that leaves the house; it is kept here, too."""
        return self._kept(self.register.checkpoint())

    def keep_checkpoint(self) -> str | None:
        """The ledger's checkpoint now, kept as the newest. Halt where the ledger does not contain the one that was kept
        before.
        """
        return self._kept(self.register.checkpoint(self.checkpoints))

    def _kept(self, checkpoint: str | None) -> str | None:
        if checkpoint is not None:
            self.checkpoints.keep(checkpoint, office_day(self.now()))
        return checkpoint

    def agreement_files(self) -> list[Path]:
        """The agreements' files, one for each partner; Halt where their folder may not be looked into."""
        return agreement_files(self.settings.agreements)

    def agreement(self, partner: str) -> Agreement:
        """The partner's agreement as its file says now."""
        return load_agreement(self.agreement_file(partner))

    def agreement_file(self, partner: str) -> Path:
        """Where the agreement of this partner lies, or would."""
        return self.settings.agreements / f"{partner}.toml"

    def folder(self, agreement: Agreement, tries: int = 3) -> AbstractContextManager[Folder]:
        """The partner's folders on its SFTP server, for one conversation, which has a time limit in all. ``tries``: how
        often to try to connect.
        """
        seconds = self.settings.policy.whole_transfer_seconds
        pool = current_pool()
        if pool is None:
            return self._connected(agreement, seconds, tries)
        return pool.conversation(account_of(agreement), seconds, lambda: self._connected(agreement, 0, tries))

    def standing_folder(self, agreement: Agreement) -> AbstractContextManager[Folder]:
        """As :meth:`folder`, over a connection that stays open; each look has a time limit of its own."""
        return self._connected(agreement, 0)

    def _connected(self, agreement: Agreement, seconds: float, tries: int = 3) -> AbstractContextManager[Folder]:
        policy = self.settings.policy
        timeouts = Timeouts(policy.connect_seconds, policy.transfer_seconds, policy.whole_look_seconds, seconds, tries)
        lock = partial(self.register.one_sender, longest=max(policy.whole_transfer_seconds, policy.whole_look_seconds))
        account, key = account_of(agreement), self.settings.keys.sftp_key
        away = AwaySign(Duties.of_home(self.settings.home), account)
        return away.connected(
            timeouts, lambda within: connect(account, key, within, lock), comes_again=self.comes_again
        )


def account_of(agreement: Agreement) -> SftpAccount:
    """Where the partner's folders are, as its agreement says."""
    sftp = agreement.sftp
    return SftpAccount(sftp.host, sftp.port, sftp.username, sftp.host_key, sftp.requests, sftp.results)
