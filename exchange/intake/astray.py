"""Files in a partner's requests folder that will never be read: for each kind the partner gets one notice a day.

Rules
- Files whose names are outside the alphabet that is read; files whose names hold an identity number; files beyond the
  number that is looked at.
- Folders with files in them, and links: nothing but plain files straight in the requests folder is read. An empty
  folder, and one in which something still moves, gets no notice: programs upload through such folders. Nor does one
  that an agreement names: answers may lie in a folder inside.
- Acknowledgements of nothing: ``.ack`` files whose names are not formed as those of acknowledgements are, or name no
  result that was delivered. That of a batch still on its way is left alone until its result is there.
- An upload under way (a name that begins with a dot, a file that still grows) gets no notice. Only the oldest file of a
  kind is watched for that: a partner that drops more of them all day is told as soon as another.
- Neither another kind, nor the number of files, delays the notice of a kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from exchange.app import App
from exchange.intake.anothers import NamedFolders
from exchange.steps.pickup import acknowledges_nothing
from exchange.wire.transport import Folder, Listing, RemoteFile

WITHHELD: Final = "name-withheld"
"""In notices: files whose names hold an identity number. Such a name is written down nowhere."""

CROWDED: Final = "too-many-files"
"""In notices: a folder with more files than are looked at."""

UNREAD: Final = "names-not-read"
"""In notices: files whose names are not of the form that is read."""

FOLDERS: Final = "folders-not-read"
"""In notices: folders with files in them, and links."""

ACKNOWLEDGEMENTS: Final = "acknowledgements-not-read"
"""In notices: acknowledgements that acknowledge no result."""

KINDS: Final[Mapping[str, str]] = {
    WITHHELD: "name_holds_id_number",
    CROWDED: "too_many_files",
    UNREAD: "names_not_read",
    FOLDERS: "folders_not_read",
    ACKNOWLEDGEMENTS: "acknowledgement_of_nothing",
}
"""Kind → the code of its notice in ``schemas/notices.toml``."""

DAILY: Final[Mapping[str, str]] = {
    WITHHELD: "files whose names hold an identity number",
    UNREAD: "files whose names are not read",
    FOLDERS: "folders and links that are not read",
    ACKNOWLEDGEMENTS: "acknowledgements of no result",
}
"""Kinds that get a notice a day, as long as they lie there → what operators read of them."""


@dataclass(frozen=True)
class Astray:
    """One kind: how many there are, and the oldest (name, size, mtime), where that may still be on its way."""

    number: int
    oldest: tuple[str, int, int] | None = None


def astray(
    app: App,
    partner: str,
    folder: Folder,
    listing: Listing,
    files: Mapping[str, RemoteFile],
    unread: int,
    named: NamedFolders,
) -> dict[str, Astray]:
    """Kind → what there is of it, without kinds of which there is nothing. ``files``: files whose names may be written
    down; ``unread``: how many have a name that is not read; ``named``: folders of agreements.
    """
    inside = folder.left_in(listing.folders, named.at(folder.account) if listing.folders else ())
    wrong = acknowledges_nothing(app, partner, files)
    by_kind = {
        WITHHELD: Astray(len(listing.files) - len(files)),
        CROWDED: Astray(int(not listing.whole)),
        UNREAD: Astray(unread),
        FOLDERS: Astray(listing.links + len(inside), _oldest(inside)),
        ACKNOWLEDGEMENTS: Astray(len(wrong), _oldest((name, files[name].size, files[name].mtime) for name in wrong)),
    }
    return {about: sign for about, sign in by_kind.items() if sign.number}


def _oldest(left: Iterable[tuple[str, int, int]]) -> tuple[str, int, int] | None:
    return min(left, key=lambda sign: (sign[2], sign[0]), default=None)
