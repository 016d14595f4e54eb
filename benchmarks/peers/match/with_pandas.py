"""pandas: ``python -m benchmarks.peers.match.with_pandas WORLD REQUEST OUT``; the wanted keys go into the Parquet read.

Left out, since nobody in the province needs it: private-use characters that no table knows.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow.dataset as ds

from benchmarks.fixed import BEARERS, NUMBERS, OUT, PEERS, RECORDS, TODAY
from exchange.base.paths import SCHEMAS
from exchange.matching.codes import SEX
from exchange.matching.id_numbers import CENTENARIAN_SEQUENCES, CHECK_CHARACTERS, WEIGHTS
from exchange.wire.gb18030 import private_use

Frame = pd.DataFrame
Text = Any  # a Series of text; pandas' own types do not tell

_NUMBER: Final = r"(?:[0-9]{17}[0-9X]|[0-9]{15})"
_INVISIBLE: Final = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufe00-\ufe0f"
_LEFT_OUT: Final = re.compile(rf"^[\s{_INVISIBLE}]*['‘’`]+|[\s{_INVISIBLE}]+")
_DASHES: Final = re.compile(r"[\u2010-\u2015\u2212_-]+")
_LOOKS_LIKE_X: Final = re.compile("[xхХχΧ×✕]")
_DOTS: Final = re.compile("[.\u00b7\u2022\u2024\u2027\u2219\u22c5\u25cf\u25e6\u30fb]+")
_MIDNIGHT: Final = r"[ T]0{1,2}:00(?::00(?:\.0+)?)?$"
_DATE: Final = r"^([0-9]{4})(?:[/.年-]([0-9]{1,2})[/.月-]([0-9]{1,2})[日号]?|([0-9]{2})([0-9]{2}))$"
_PUBLIC: Final = str.maketrans(dict(private_use()))
_ZERO: Final = pd.Timestamp("1899-12-30")


def even(text: Text) -> Text:
    return text.str.normalize("NFKC").str.replace(_LEFT_OUT, "", regex=True)


def where_needed(text: Text, plain: Text, change: Any) -> Text:
    """The text, changed only where it is not plain already."""
    changed = text.astype(object)
    changed[~plain] = change(changed[~plain])
    return changed


def _repaired(text: Text) -> Text:
    return even(text).str.replace(_DASHES, "", regex=True).str.replace(_LOOKS_LIKE_X, "X", regex=True)


def _standard(name: Text) -> Text:
    return even(name.str.translate(_PUBLIC)).str.replace(_DOTS, "·", regex=True).str.upper()


def asked(request: Path) -> Frame:
    """The claims, with ``fault``, ``key``, ``standard``, ``repaired`` and ``fifteen``."""
    claims = pd.read_csv(request, dtype=str, keep_default_na=False)
    number = where_needed(claims.id_number, claims.id_number.str.fullmatch(_NUMBER), _repaired)
    shaped = number.str.fullmatch(_NUMBER)
    fifteen = shaped & (number.str.len() == 15)
    century = np.where(number[fifteen].str[12:].isin(CENTENARIAN_SEQUENCES), "18", "19")
    first17 = number.str[:17]
    first17[fifteen] = number[fifteen].str[:6] + century + number[fifteen].str[6:]
    key = first17.where(shaped, "0").astype("int64")
    total = sum((key // 10 ** (16 - place) % 10) * weight for place, weight in enumerate(WEIGHTS))
    check = pd.Series(np.array(list(CHECK_CHARACTERS))[total % 11])
    born = pd.to_datetime((key // 1000 % 100_000_000).astype(str).str.zfill(8), format="%Y%m%d", errors="coerce")
    in_life = born.between(pd.Timestamp("1800-01-01"), pd.Timestamp(TODAY))
    scientific = ~shaped & claims.id_number.str.fullmatch(r"\s*[0-9](?:\.[0-9]+)?[eE]\+?[0-9]+\s*")
    id_fault = np.select(
        [number == "", scientific, ~shaped, ~in_life, ~fifteen & (number.str[17:] != check)],
        ["id_number_missing", "id_number_scientific", "id_number_format", "id_number_date", "id_number_check"],
        "",
    )
    standard = where_needed(claims.name, claims.name.str.fullmatch("[\u4e00-\u9fff·]+"), _standard)
    readable = standard.str.fullmatch(r"(?:[^\W\d_]|[〇·'’()（）-])+") & (standard.str.len() <= 50)
    name_fault = np.select([standard == "", ~readable], ["name_missing", "name_format"], "")
    claims["fault"] = np.where(id_fault != "", id_fault, name_fault)
    claims["key"] = key.where(claims.fault == "", -1)
    claims["standard"] = standard
    claims["repaired"] = (number != claims.id_number) & (id_fault == "")
    claims["fifteen"] = fifteen & (id_fault == "")
    return claims


def found(claims: Frame, peers: Path) -> Frame:
    """One row for each claim, in order."""
    numbers = pd.read_parquet(peers / NUMBERS, filters=ds.field("key").isin(claims.key.unique()))
    numbers["person"] = numbers.person.astype("Int64")  # a key is no float, even where nobody is found
    pairs = claims.reset_index(names="row").merge(numbers, on="key", how="left", suffixes=("", "_registered"))
    pairs["degree"] = np.where(pairs.standard == pairs.name_registered, 2, 0)
    differing = (pairs.degree == 0) & pairs.name_registered.notna()
    forms = pd.read_csv(SCHEMAS / "name_variants.csv", dtype=str)
    folds = str.maketrans({form: standing for standing, all_ in forms.itertuples(index=False) for form in all_})
    folded = pairs.loc[differing, "standard"].str.translate(folds) == pairs.loc[
        differing, "name_registered"
    ].str.translate(folds)
    pairs.loc[folded[folded].index, "degree"] = 1
    several = pairs[pairs.alone.eq(False)]
    best = several[several.degree == several.groupby("row").degree.transform("max")]
    groups = best.groupby("row")
    merged = groups.first()
    merged["doubt"] = groups.doubt.any() | ((groups.size() > 1) & (merged.degree > 0))
    alone = pairs[pairs.alone.ne(False)].set_index("row")
    return pd.concat([alone, merged]).sort_index()


def hits(peers: Path) -> Any:
    records = pd.read_parquet(peers / RECORDS)
    keys = records[records.kind.isin(["judgment", "unclear"])].key.unique()
    bearers = pd.read_parquet(peers / BEARERS)
    return np.concatenate([keys, bearers[bearers.key.isin(keys)].person])


def claimed_date(text: Text) -> Text:
    """Days, NaT where the text is none."""
    without_time = text.str.normalize("NFKC").str.strip().str.replace(_MIDNIGHT, "", regex=True)
    parts = even(without_time).str.extract(_DATE)
    month, day = parts[1].fillna(parts[3]), parts[2].fillna(parts[4])
    written = pd.to_datetime(parts[0] + month.str.zfill(2) + day.str.zfill(2), format="%Y%m%d", errors="coerce")
    serial = pd.to_numeric(without_time.where(without_time.str.fullmatch("[0-9]{4,5}")), errors="coerce")
    return written.fillna(_ZERO + pd.to_timedelta(serial.where(serial.between(3654, 73050)), unit="D"))


def answered(frame: Frame, offenders: Any) -> Frame:
    known, doubt = frame.person.notna(), frame.doubt.eq(True)
    identity = np.select(
        [frame.fault != "", ~known, frame.degree == 0, doubt | (frame.degree == 1)],
        [frame.fault, "no_such_number", "name_disagrees", "under_review"],
        "consistent",
    )
    words = frame.sex.astype("category")  # a few dozen spellings
    codes = even(words.cat.categories.to_series()).str.upper().map(dict(SEX))
    sex = words.map(codes.to_dict()).astype("float64")
    silent = sex.isin([1, 2]) & ~frame.sex_registered.isin([1, 2])
    day, registered = claimed_date(frame.birth_date), pd.to_datetime(frame.birth_date_registered)
    of_sex = _compared(frame.sex, sex, frame.sex_registered.mask(silent))
    of_day = _compared(frame.birth_date, day, registered)
    of_record = np.where(frame.person.isin(offenders), "under_review", "no_record")
    follows = {"id_number": ["consistent", "under_review", "no_such_number", "name_disagrees"]}
    follows["name"] = ["consistent", "under_review", "name_disagrees"]
    out = pd.DataFrame({"row_ref": frame.row_ref, "identity": identity})
    notes = {
        "id_repaired": frame.repaired,
        "id_from_15": frame.fifteen,
        "id_superseded": (identity == "consistent") & frame.former.eq(True),
        "name_variant": (identity == "under_review") & ~doubt,
    }
    out["note"] = ""
    for code, said in notes.items():
        out.loc[said, "note"] = out.note[said].where(out.note[said] == "", out.note[said] + ";") + code
    for item, codes_ in follows.items():
        out[f"answer.{item}"] = np.where(np.isin(identity, codes_), identity, "not_answered")
    for item, own in {"sex": of_sex, "birth_date": of_day, "criminal_record": of_record}.items():
        unanswered = np.where(identity == "under_review", identity, "not_answered")
        out[f"answer.{item}"] = np.where(identity == "consistent", own, unanswered)
    return out[list(OUT)]


def _compared(claimed: Text, value: Text, registered: Text) -> Any:
    return np.select(
        [claimed.str.strip() == "", value.isna(), registered.isna(), value == registered],
        ["claim_missing", "claim_format", "under_review", "consistent"],
        "inconsistent",
    )


def main(world: str, request: str, out: str) -> None:
    peers = Path(world) / PEERS
    answered(found(asked(Path(request)), peers), hits(peers)).to_csv(out, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
