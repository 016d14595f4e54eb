"""Makes ``schemas/name_variants.csv`` and ``schemas/private_use.csv`` from the packages named in README.md beside.

    python schemas/sources/make_names.py UNIHAN_VARIANTS OPENCC_DATA

UNIHAN_VARIANTS is ``Unihan_Variants.txt``, OPENCC_DATA the folder with ``TSCharacters.txt``. Relations join characters
in this order: simplified and traditional (Unihan), then traditional to simplified (OpenCC), z-variants and semantic
variants (Unihan), regional and older forms (OpenCC), ``variants.csv`` beside. Only the first may put two characters of
GB 2312 into one class: what GB 2312 keeps apart are two characters (沈 and 沉, 淼 and 渺), of which no relation makes
one. Spoofing and specialised semantic variants are no relation here.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCHEMAS = HERE.parent
UNIHAN = {"kSimplifiedVariant": 0, "kTraditionalVariant": 0, "kZVariant": 2, "kSemanticVariant": 3}
OPENCC = {"TSCharacters": 1, "TWVariants": 4, "HKVariants": 4, "JPShinjitaiCharacters": 4}
Relation = tuple[int, str, str]

YEARS = {0xE7C7: 2005} | dict.fromkeys(
    [*range(0xE78D, 0xE797), 0xE81E, 0xE826, 0xE82B, 0xE82C, 0xE832, 0xE843, 0xE854, 0xE864], 2022
)
"""Code points that an edition of GB 18030 gave up for Unicode proper."""

UNICODE = dict(
    zip(
        [*range(0xE78D, 0xE797), 0xE7C7, 0xE816, 0xE817, 0xE818, 0xE81E, 0xE826, 0xE82B, 0xE82C, 0xE831, 0xE832, 0xE83B,
         0xE843, 0xE854, 0xE855, 0xE864],
        [*(0xFE10, 0xFE12, 0xFE11, 0xFE13, 0xFE14, 0xFE15, 0xFE16, 0xFE17, 0xFE18, 0xFE19), 0x1E3F, 0x20087, 0x20089,
         0x200CC, 0x9FB4, 0x9FB5, 0x9FB6, 0x9FB7, 0x215D7, 0x9FB8, 0x2298F, 0x9FB9, 0x9FBA, 0x241FE, 0x9FBB],
        strict=True,
    )
)  # fmt: skip
"""Those of GB 18030-2000 that it had in the private-use area (table in its annex; later editions name the others)."""


def main(unihan: Path, opencc: Path) -> None:
    relations = sorted({*of_unihan(unihan), *of_opencc(opencc), *of_ours()})
    classes = joined([relation for relation in relations if relation[1] != relation[2]])
    write("name_variants.csv", ("standard", "variants"), [(one[0], "".join(one[1:])) for one in classes])
    write("private_use.csv", ("private_use", "character", "bytes", "edition"), sorted(private_use()))


def of_unihan(path: Path) -> Iterator[Relation]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            character, field, values = line.split("\t")
            for value in values.split() if field in UNIHAN else ():
                yield UNIHAN[field], chr(int(character[2:], 16)), chr(int(value.partition("<")[0][2:], 16))


def of_opencc(folder: Path) -> Iterator[Relation]:
    for name, order in OPENCC.items():
        for line in (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines():
            character, _, values = line.partition("\t")
            if len(character) == 1 and not line.startswith("#"):
                yield from ((order, character, value) for value in values.split() if len(value) == 1)


def of_ours() -> Iterator[Relation]:
    with (HERE / "variants.csv").open(encoding="utf-8") as rows:
        yield from ((5, row["variant"], row["standard"]) for row in csv.DictReader(rows))


def in_gb2312(character: str) -> bool:
    try:
        return len(character.encode("gb2312")) > 1
    except UnicodeEncodeError:
        return False


def joined(relations: list[Relation]) -> list[list[str]]:
    """Classes, each with its first character of GB 2312 (else its lowest) in front."""
    of: dict[str, list[str]] = {}
    for order, one, other in relations:
        first, second = of.setdefault(one, [one]), of.setdefault(other, [other])
        if first is second or (order and any(map(in_gb2312, first)) and any(map(in_gb2312, second))):
            continue
        first += second
        of.update(dict.fromkeys(second, first))
    several = {id(group): sorted(group, key=lambda c: (not in_gb2312(c), c)) for group in of.values() if len(group) > 1}
    return sorted(several.values())


def private_use() -> Iterator[tuple[str, str, str, str]]:
    """Code points of the rows that GBK filled and Unicode took up later, and those that GB 18030 kept private."""
    places = defaultdict(str, {0xE7C7: "a8bc", 0xE7C8: "a8bf"})
    places.update({0xE7E7 + k: f"a9{0x89 + k:02x}" for k in range(13)})
    places.update(
        {0xE78D + k: f"a6{0xD9 + k:02x}" for k in range(7)} | {0xE794: "a6ec", 0xE795: "a6ed", 0xE796: "a6f3"}
    )
    tail = [last for last in range(0x50, 0xA1) if last != 0x7F]
    places.update({0xE815 + k: f"fe{last:02x}" for k, last in enumerate(tail)})
    for point, place in places.items():
        character = chr(UNICODE[point]) if point in UNICODE else bytes.fromhex(place).decode("gb18030")
        edition = YEARS.get(point, "" if point in UNICODE else 2000)
        yield f"{point:04X}", character, place.upper(), str(edition)


def write(file: str, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    with (SCHEMAS / file).open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([header, *rows])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
