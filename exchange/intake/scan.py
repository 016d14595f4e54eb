"""A scan of one partner's folder: complete sets are claimed, each once; the partner is told what others lack.

Rules
- A set is complete when the manifest, its signature and the data file that it names are there, whole as far as a
  listing and their own form can tell (the data file's hash is checked when it is fetched). The order of upload does
  not matter.
- An incomplete set is left alone. When nothing about it has moved for the office's patience with it, the partner gets a
  signed notice and the register knows; the files stay where they are.
- A signature that is older than the manifest, and not of it, is that of an earlier manifest: who corrects a set that
  lacked something puts manifest and signature up one after the other, seconds apart where a program asks before it
  replaces. The set is left alone until the new signature is there; taken as it lies it would be refused, and its batch
  id used up.
- A set is known by its manifest's bytes. The same bytes again: the same receipt again. The same batch id with other
  bytes: a batch of its own, which is refused. What the folder holds is only a call to look; the register decides.
- Several look at once (the poll, the lookout, a batch's own run that clears its set away): what is gone or moves
  between listing and reading is left to the next look and does not hold up the partner's other sets.
- What will never be read (names that are none, folders, links, acknowledgements of nothing) gets the partner one notice
  a day, as long as it lies there, which says what is read (``astray.py``).
- Where another agreement names the same folder, files that bear that partner's id are the other's affair
  (``agreements/folders.py``): each would refuse what the other's partner has sent, and take it away.
- A file whose name holds an identity number, however it is written there (``output/typed_numbers.py``), is not
  touched, because names are written down; the partner is told so likewise.
- Claims come first: a notice or receipt that cannot be put into the partner's folder holds up no set.
- Whatever goes wrong in one set is that set's trouble: it is named, the others go on. A look has one time limit in all,
  and a batch is told as soon as it is claimed. What was not read when that limit is near is the next look's; what was
  is written down.
- An incomplete set in which nothing has moved is not read each time (``remembered.py``).
- More files than are looked at: the partner gets a notice, and the sets that are seen are answered. What a set seems to
  lack may lie among the others and is not reported.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Final

from exchange.agreements.agreement import Agreement
from exchange.app import App
from exchange.base.errors import ExchangeError, Refused, Retryable, without_values
from exchange.base.files import sha256
from exchange.base.tables import NOTICES
from exchange.calendar.working_days import OFFICE_ZONE, office_day
from exchange.intake.anothers import NamedFolders, anothers
from exchange.intake.astray import DAILY, KINDS, Astray, astray
from exchange.intake.remembered import as_before, fingerprint, signs_of, to_read
from exchange.output.typed_numbers import bears_number
from exchange.register import Claim, FileRecord, Role, State, UnfinishedSet
from exchange.steps.agreed import stage_of
from exchange.steps.clearing import clear_again, clear_left
from exchange.steps.first_day import first_received
from exchange.steps.lost_originals import take_back
from exchange.steps.notice import send_notice
from exchange.steps.pickup import ACKNOWLEDGEMENT_SUFFIX
from exchange.steps.receipt import has_receipt, is_past, send_receipt
from exchange.wire.cms import as_der
from exchange.wire.connection import Denied, Unreadable, Unsettled
from exchange.wire.envelope import is_whole_der, verify
from exchange.wire.manifest import (
    DATA_FORMS,
    ENVELOPE_SUFFIX,
    MAX_MANIFEST_BYTES,
    REQUEST_SUFFIX,
    SIGNATURE_SUFFIX,
    Notice,
    RequestManifest,
    is_whole_json,
    parse,
)
from exchange.wire.transport import Folder, RemoteFile

log = logging.getLogger(__name__)

_SETTLING: Final = timedelta(minutes=1)
"""So long after its last step a batch's own run may still be sending its receipt and clearing its set away."""

_ENDINGS: Final = (
    REQUEST_SUFFIX + SIGNATURE_SUFFIX,
    REQUEST_SUFFIX,
    *[f".{form}{suffix}" for form in DATA_FORMS for suffix in (ENVELOPE_SUFFIX, "")],
)


@contextmanager
def as_trouble(troubles: list[str], name: str) -> Generator[None]:
    """An error in the block ends the block alone: it is logged, and added to ``troubles`` under this name."""
    try:
        with without_values():
            yield
    except ExchangeError as error:
        log.error("%s: %s: %s", name, type(error).__name__, error)
        troubles.append(f"{name}: {error}")


class FolderScan:
    """One scan of one partner's folder. ``sets``: stem → the files of that set as they were listed, complete or not;
    ``claimed``: the batches that this scan has claimed (``tell`` is called with each at once), ``manifests``: their
    manifests; ``again``: stem → the batch for which the same set was claimed before; ``troubles``: what went wrong, a
    sentence each. ``remembered``: whether the register may know of something incomplete here; ``waiting``: claimed
    batches whose sets may still lie here, to be fetched; ``named``: folders of agreements, which a poll reads once.
    """

    def __init__(
        self,
        app: App,
        agreement: Agreement,
        folder: Folder,
        tell: Callable[[str], None] = lambda _batch: None,
        *,
        remembered: bool = True,
        waiting: Collection[str] = (),
        named: NamedFolders | None = None,
    ) -> None:
        self.app = app
        self.named = named or NamedFolders(app)
        self.remembered = remembered
        self.waiting = waiting
        self.agreement = agreement
        self.folder = folder
        self.tell = tell
        self.claimed: list[str] = []
        self.manifests: dict[str, bytes] = {}
        self.again: dict[str, str] = {}
        self.troubles: list[str] = []
        listing = folder.listing()
        foreign = anothers(app, agreement, [file.name for file in listing.files])
        listed = [file for file in listing.files if file.name not in foreign]
        self.listing = replace(listing, files=listed)
        today = office_day(app.now())
        self.files: Mapping[str, RemoteFile] = {
            file.name: file for file in listed if not bears_number(file.name, today)
        }
        self.astray: dict[str, Astray] | None = None
        self.sets: dict[str, list[RemoteFile]] = {}
        for name in sorted(self.files):
            if stem := _stem(name):
                self.sets.setdefault(stem, []).append(self.files[name])
        others = [name for name in self.files if not _stem(name) and not name.endswith(ACKNOWLEDGEMENT_SUFFIX)]
        self.unread = self.listing.unread + len(others)

    def all_sets(self) -> None:
        """Claims complete sets; then answers sets that came again, and reports sets that have been incomplete for too
        long. What cannot be sent is a trouble, and holds up no claim.
        """
        lacking, left = self._claim_all()
        with as_trouble(self.troubles, self.agreement.partner):
            found = self.listing, self.files, self.unread
            self.astray = astray(self.app, self.agreement.partner, self.folder, *found, self.named)
            lacking[:0] = [(about, KINDS[about]) for about in self.astray]
            self._send_answers(lacking)
        if self.listing.whole and (self.remembered or lacking or self.astray is None):
            unknown = [*left, *(KINDS if self.astray is None else ())]
            self.app.register.unfinished.finished(self.agreement.partner, [*unknown, *(about for about, _ in lacking)])

    def _claim_all(self) -> tuple[list[tuple[str, str]], list[str]]:
        """Claims what is complete; what the others lack, (stem, code) each, and the stems for which was no time."""
        remembered = self.remembered and bool(self.sets)
        known = self.app.register.unfinished.all(self.agreement.partner) if remembered else []
        sets = {stem: files for stem, files in self.sets.items() if stem not in self.waiting}
        before, left = as_before(known, sets), list[str]()
        lacks: dict[str, str | None] = {stem: unfinished.reason for stem, unfinished in before.items()}
        for stem in to_read(sets, before, self.app.now()):
            self.folder.check_time()
            if self.folder.limit.is_nearly_over:
                left += [] if stem in before else [stem]
                continue
            lacks[stem] = None
            with self.apart(stem):
                lacks[stem] = self.claim_if_complete(stem)
        if left:
            log.warning("partner %s: %d sets are left for the next look", self.agreement.partner, len(left))
        whole = self.listing.whole
        lacking = [(stem, code) for stem, code in lacks.items() if code and (whole or not code.endswith("_missing"))]
        return lacking, left

    def _send_answers(self, lacking: list[tuple[str, str]]) -> None:
        """Sends the receipts and notices that are due; adds sets that are not answered any more to ``lacking``."""
        for stem, batch_id in self.again.items():
            self.folder.check_time()
            with self.apart(stem):
                if (past := self._answer_again(batch_id, stem)) is not None:
                    lacking.append((stem, past))
        seen = self._seen(lacking)
        for about, code in lacking:
            self.folder.check_time()
            with self.apart(about):
                if self._left_alone(seen[about], code) and about in DAILY and self.astray:
                    self.troubles.append(f"{self.agreement.partner}: {DAILY[about]}: {self.astray[about].number}")

    @contextmanager
    def apart(self, stem: str) -> Generator[None]:
        """Whatever goes wrong with one set is named and ends the block alone, but for a connection, a database or a
        disk that is gone.
        """
        try:
            with without_values():
                yield
        except ExchangeError as error:
            if isinstance(error, Retryable) and not isinstance(error, Unsettled | Denied):
                raise
            log.error("partner %s: set %s: %s", self.agreement.partner, stem, error)
            self.troubles.append(f"{self.agreement.partner}: set {stem}: {error}")

    def claim_if_complete(self, stem: str) -> str | None:
        """Claims the set; or says, by a code of ``schemas/notices.toml``, what it still lacks. Neither where it moves
        while it is looked at.
        """
        name = stem + REQUEST_SUFFIX
        if name not in self.files:
            return "manifest_missing"
        if name + SIGNATURE_SUFFIX not in self.files:
            return "signature_missing"
        if max(self.files[name].size, self.files[name + SIGNATURE_SUFFIX].size) > MAX_MANIFEST_BYTES:
            return "manifest_too_large"
        try:
            content = self.folder.read_small(name, MAX_MANIFEST_BYTES)
            signature = self.folder.read_small(name + SIGNATURE_SUFFIX, MAX_MANIFEST_BYTES)
        except Unreadable:
            return "set_unreadable"
        except Unsettled:
            return None
        if not is_whole_json(content):
            return "manifest_unfinished"
        if not is_whole_der(as_der(signature)):
            return "signature_unfinished"
        try:
            missing = self._data_missing(stem, content)
        except Unsettled:
            return None
        if missing is None and self._is_of_an_earlier(name, content, signature):
            missing = "signature_older"
        if missing is None:
            self._claim(stem, content, signature)
        return missing

    def _is_of_an_earlier(self, name: str, content: bytes, signature: bytes) -> bool:
        """Whether the manifest of this name was replaced behind its signature, which is not of what lies there now."""
        if self.files[name + SIGNATURE_SUFFIX].mtime >= self.files[name].mtime:
            return False
        try:
            verify(content, signature, self.agreement.certificates.signing, self.app.now())
        except Refused as refused:
            return refused.code == "signature_invalid"
        return False

    def _data_missing(self, stem: str, content: bytes) -> str | None:
        try:
            data = parse(RequestManifest, content).data
        except Refused:
            return None  # complete as it stands; receiving it will refuse it and say why
        if _stem(data.name) != stem:
            return None  # likewise
        if data.name not in self.files:
            return "data_missing"
        if self.files[data.name].size != data.size:
            return "data_unfinished"
        try:
            self.folder.check_readable(data.name)
        except Unreadable:
            return "set_unreadable"
        return None

    def _claim(self, stem: str, content: bytes, signature: bytes) -> None:
        archive, name, digest = self.app.archive, stem + REQUEST_SUFFIX, sha256(content)
        files = [
            FileRecord(Role.MANIFEST, name, archive.keep(content), len(content)),
            FileRecord(Role.SIGNATURE, name + SIGNATURE_SUFFIX, archive.keep(signature), len(signature)),
        ]
        batch_id = _batch_id(self.agreement.partner, stem, content)
        claim = self._register(batch_id, stem, digest, files)
        if claim is Claim.CONFLICT:
            batch_id = f"{batch_id}.conflict-{digest[:12]}"
            claim = self._register(batch_id, stem, digest, files)
        log.info("batch %s: %s", batch_id, "claimed" if claim is Claim.NEW else "seen again")
        if claim is Claim.NEW:
            self.claimed.append(batch_id)
            self.manifests[batch_id] = content
            self.tell(batch_id)
        elif claim is Claim.SAME:
            self.again[stem] = batch_id

    def _register(self, batch_id: str, stem: str, digest: str, files: list[FileRecord]) -> Claim:
        partner, register, first = self.agreement.partner, self.app.register, None
        stage = stage_of(self.agreement)
        if register.find_batch(batch_id) is None:
            first = first_received(self.app, self.folder, batch_id, stem, digest, stage)
        now = self.app.now()
        return register.claim(batch_id, partner, digest, files, now, received_at=first, stage=stage)

    def _answer_again(self, batch_id: str, stem: str) -> str | None:
        """Answers a set that came again: sends the same receipt and removes the set, once its data file is kept here,
        which may have been lost. A code of a notice where it cannot.
        """
        batch = self.app.register.batch(batch_id)
        if batch.state is State.CLAIMED or not has_receipt(self.app, batch):
            return None
        if is_past(self.app, batch_id):
            return "batch_past"
        if abs(self.app.now() - self.app.register.steps(batch_id)[-1].at) < _SETTLING:  # not of a clock that ran ahead
            return None
        attested = self.app.attested(batch.id)
        take_back(self.app, self.folder, attested)
        attested = send_receipt(self.app, attested, self.folder, where_missing=True)
        clear_again(self.folder, attested.files, self.sets[stem])
        return None

    def _is_cleared(self, stem: str) -> bool:
        """Removes what the server kept back when an answered set of this name was cleared away; whether it was that."""
        batch = self.app.register.find_batch(stem)
        if batch is None or batch.partner != self.agreement.partner or batch.state is State.CLAIMED:
            return False
        return clear_left(self.folder, self.app.register.files_by_role(batch.id), self.sets[stem])

    def _seen(self, lacking: Iterable[tuple[str, str]]) -> dict[str, UnfinishedSet]:
        """Records what is incomplete or astray as it looks now; for each since when it has looked so."""
        sets = dict[str, tuple[str, str]]()
        for stem, code in lacking:
            signs = signs_of(self.sets.get(stem, []))
            if self.astray and stem in self.astray and (oldest := self.astray[stem].oldest):
                signs.append(oldest)
            sets[stem] = fingerprint(code, signs), code
        return self.app.register.unfinished.see_all(self.agreement.partner, sets, self.app.now())

    def _left_alone(self, seen: UnfinishedSet, code: str) -> bool:
        """Sends the notice about an incomplete set once it has not changed for too long; whether that is so. What is
        left of a set that was answered goes without one.
        """
        partner, stem, now = self.agreement.partner, seen.stem, self.app.now()
        noticed = seen.noticed_at
        if noticed is not None and (stem not in DAILY or office_day(noticed) == office_day(now)):
            return True
        if now - seen.first_seen < self.app.settings.policy.incomplete_after:
            return False
        if code == "manifest_missing" and self._is_cleared(stem):
            return False
        words = NOTICES[code]
        notice = Notice(
            partner=partner,
            about=stem,
            code=code,
            zh=words.zh,
            en=words.en,
            seen_since=seen.first_seen.astimezone(OFFICE_ZONE),
            stage=stage_of(self.agreement),
        )
        send_notice(self.app, self.folder, notice, f"{stem}.notice.json")
        self.app.register.unfinished.noticed(partner, stem, now)
        log.warning("partner %s: a set is incomplete (%s); the partner has a notice", partner, code)
        return True


def _stem(name: str) -> str:
    """What the names of one set's files begin with; empty for a file that belongs to none."""
    for ending in _ENDINGS:
        if name.endswith(ending):
            stem = name.removesuffix(ending)
            return "" if stem in KINDS else stem  # its notice and that of the folder would undo each other
    return ""


def _batch_id(partner: str, stem: str, content: bytes) -> str:
    """The batch id that the manifest states, where it is one of this partner and the file bears its name; else one
    of our own.
    """
    try:
        manifest = parse(RequestManifest, content)
    except Refused:
        manifest = None
    if manifest is not None and manifest.batch == stem and stem.startswith(f"{partner}."):
        return stem
    return f"{partner}.set-{sha256(content)[:12]}"
