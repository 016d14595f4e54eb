"""An offence source's snapshot: one row per record that somebody may be told of, sorted by the person's key.

Rules
- **Sealed juvenile records are removed here, at the very first step**, before anything is counted, so that nothing
  downstream can know of them: under eighteen at the time of the offence, and sentenced to five years or less or not
  sentenced to imprisonment at all. Whether a judgment is effective makes no difference.
- A person is eighteen from the day after the eighteenth birthday; who was born on 29 February, from 1 March. Five years
  are sixty months and are included. Whom a record names, and which birth date counts: ``birth_dates.py``.
- Each record is judged by itself: a record of an offence at twenty leaves the sealed one of sixteen sealed. One
  judgment over offences before and after the birthday has one offence date, that of its main offence, and the sentence
  that was decided in all.
- An offence without its day happened on the day of the decision at the latest. Where the days contradict each other (an
  offence after its decision) the later one counts. A birth date by which nobody could be liable seals nothing.
- What is unread (``source_texts.py``) seals nothing: the record stays, and an officer sees what was written.
- A mark of the sealing organ seals whatever the dates say; the source's next export may lift it.
- What is no record for anybody (``schemas/offences.toml``: never) is not kept, nor a judgment that is not effective on
  the day of the snapshot: while an appeal is open it has no effective day.
- A record whose kind or effective day cannot be read is kept as *unclear*, with what was written, for an officer.
- A charge that ``schemas/offence_categories.toml`` does not know is kept as it stands; the gate counts those of records
  that somebody may be told of by their charge.
- A record whose number cannot be read is counted, and the gate says how many are too many. It is left out, unless only
  the check character or the day of birth is wrong and it names whoever bears or bore that number (``wrong_checks.py``).

Sources
- Criminal Procedure Law art. 286; national rules on criminal-record queries of 2021, articles 2 and 10.
- Measures for sealing juveniles' criminal records of 2022 (关于未成年人犯罪记录封存的实施办法): exemption from
  punishment, one judgment over offences before and after eighteen, coercive measures and non-prosecution; art. 10: the
  mark, art. 18: the seal that is lifted.
- Law on Preventing Juvenile Delinquency (2020) art. 59: penalties and coercive measures likewise. Drug use is a matter
  of penalties (Public Security Administration Punishments Law 2025, art. 136).
- Supreme People's Court, 法释〔2006〕1号, art. 2: eighteen from the day after; Civil Code art. 202: 29 February;
  Criminal Law art. 99: *or less* includes the number.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import polars as pl
import pyarrow as pa

from exchange.base.charges import recognise
from exchange.base.tables import OFFENCE_KINDS, export_words
from exchange.matching import id_numbers
from exchange.matching.identity import Population
from exchange.matching.sources import UNCLEAR
from exchange.snapshots.birth_dates import named_births
from exchange.snapshots.columns import laid_out
from exchange.snapshots.source_texts import even, is_unread, read_day, read_mark, read_months
from exchange.snapshots.wrong_checks import WRONG_CHECK, keys_by_name

JUDGMENT: Final = "judgment"
NEVER: Final = tuple(kind.code for kind in OFFENCE_KINDS.values() if kind.counts == "never")
SEALED_BELOW_AGE: Final = 18
SEALED_UP_TO_MONTHS: Final = 60
FREE: Final = 10
"""So many bad records are not counted in a share that the gate judges."""

_COLUMNS: Final = (
    "key", "name", "kind", "offence_date", "decided_on", "effective_on", "sentence_months",
    "sentence_unread", "charge", "political_rights", "intent", "as_written",
)  # fmt: skip
_MAY_BE_UNREAD: Final = (
    "kind", "offence_date", "decided_on", "effective_on", "sentence_months", "political_rights", "intent", "sealed",
)  # fmt: skip
_RIGHTS: Final = {"yes": "yes", "是": "yes", "no": "no", "否": "no"}
_INTENTS: Final = {"intentional": "intentional", "故意": "intentional", "negligent": "negligent", "过失": "negligent"}
_SAYS_ITSELF: Final = ("drug", "compulsory_isolation", "custody_education")
"""Kinds whose charge decides nothing where it is not known."""


def build_tables(
    export: pl.LazyFrame, as_of: date, population: Population | None = None
) -> tuple[dict[str, pa.Table], dict[str, float]]:
    """The table ``records`` (``_COLUMNS``, sorted by them), and the counts that the gate judges. Sealed records are in
    neither. ``export``: the columns of ``schemas/exports.toml``, String; ``as_of``: the day of the export;
    ``population``: its birth dates count beside those inside the numbers (``birth_dates.py``).
    """
    frame = id_numbers.standardise(_read(export, as_of), as_of)
    by_name = keys_by_name(frame, population)
    frame = frame.with_columns(pl.coalesce("key", by_name), pl.col("key").is_null().alias("bad_number"))
    frame = frame.with_columns(_happened(as_of).alias("happened"))
    frame = frame.with_columns(named_births(frame, population).alias("born")).filter(~is_sealed())
    rows = frame.height
    counts = {
        "rows": rows,
        "bad_number_share": _share(frame["bad_number"]),
        "unclear_share": _share(frame.select(_kind() == UNCLEAR).to_series()),
        "bad_date_share": _share(frame.select(_bad_date(as_of)).to_series()),
        "bad_sentence_share": _share(frame["sentence_months_unread"]),
        "bad_mark_share": _share(frame["sealed_unread"]),
    }
    frame = frame.with_columns(
        _kind().alias("kind"),
        _as_written().alias("as_written"),
        pl.col("sentence_months_unread").alias("sentence_unread"),
    )
    kept = frame.filter(pl.col("key").is_not_null() & _is_record(as_of)).select(_COLUMNS)
    unclear = _unclear_charge(kept)
    counts |= {"unclear_charges": int(unclear.sum()), "unclear_charge_share": _share(unclear)}
    return {"records": laid_out(kept.sort(_COLUMNS))}, counts


def _share(bad: pl.Series) -> float:
    """The share of bad records, less the first ``FREE`` ones, which must not hold up a small source."""
    return max(int(bad.sum()) - FREE, 0) / max(len(bad), 1)


def _read(export: pl.LazyFrame, as_of: date) -> pl.DataFrame:
    """The export with what can be read of each column; beside it ``<column>_text``, as written, and
    ``<column>_unread``, Boolean.
    """
    text = {name: pl.col(name).fill_null("").str.strip_chars() for name in (*_MAY_BE_UNREAD, "charge", "birth_date")}
    kind = even(text["kind"])
    read = {
        "kind": pl.when(kind.is_in(list(OFFENCE_KINDS))).then(kind),
        "offence_date": read_day(text["offence_date"], as_of),
        "decided_on": read_day(text["decided_on"], as_of),
        "effective_on": read_day(text["effective_on"]),
        "sentence_months": read_months(text["sentence_months"]),
        "political_rights": _word(text["political_rights"], _RIGHTS),
        "intent": _word(text["intent"], _INTENTS),
        "sealed": read_mark(text["sealed"]),
    }
    unread = {name: is_unread(text[name], read[name]) for name in read} | {"kind": read["kind"].is_null()}
    return export.select(
        "id_number",
        "name",
        text["charge"].alias("charge"),
        read_day(text["birth_date"], as_of).alias("own_birth"),
        *[column.alias(name) for name, column in read.items()],
        *[text[name].alias(f"{name}_text") for name in read],
        *[column.alias(f"{name}_unread") for name, column in unread.items()],
    ).collect()


def _word(text: pl.Expr, words: Mapping[str, str]) -> pl.Expr:
    return even(text).replace_strict(words, default=None, return_dtype=pl.String)


def _unclear_charge(records: pl.DataFrame) -> pl.Series:
    """Whether the charge decides who may be told of a record, and is not known."""
    written = records["charge"].unique()
    unknown = written.filter(pl.Series([recognise(text).unknown for text in written], dtype=pl.Boolean))
    decides = ~pl.col("kind").is_in(_SAYS_ITSELF)
    return records.select(decides & pl.col("charge").is_in(unknown.implode())).to_series()


def _known_by(as_of: date) -> pl.Expr:
    return pl.min_horizontal("decided_on", "effective_on", pl.lit(as_of))


def _happened(as_of: date) -> pl.Expr:
    """The last day that the offence can have happened on."""
    offence, known_by = pl.col("offence_date"), _known_by(as_of)
    return pl.when(offence <= known_by).then(offence).otherwise(pl.max_horizontal(offence, known_by))


def is_sealed() -> pl.Expr:
    """Whether a record is sealed: an expression over ``kind``, ``kind_unread``, ``born``, ``happened``,
    ``sentence_months`` (null: no imprisonment, or unread), ``sentence_months_unread`` and ``sealed``. Boolean, never
    null.
    """
    young = pl.col("happened") <= pl.col("born").dt.offset_by(f"{SEALED_BELOW_AGE}y")
    may_have_sentence = (pl.col("kind") == JUDGMENT) | pl.col("kind_unread")
    light = ~pl.col("sentence_months_unread") & (pl.col("sentence_months").fill_null(0) <= SEALED_UP_TO_MONTHS)
    return pl.col("sealed").fill_null(value=False) | (young & (light | ~may_have_sentence)).fill_null(value=False)


def _bad_date(as_of: date) -> pl.Expr:
    """No day of the offence, a day that cannot be read, or days that contradict each other or the birth."""
    too_young = pl.col("born").is_null() & pl.col("key").is_not_null()
    contradictory = too_young | (pl.col("offence_date") > _known_by(as_of))
    missing = pl.col("offence_date").is_null() | pl.col("decided_on_unread")
    return missing | contradictory.fill_null(value=False)


def _kind() -> pl.Expr:
    """The kind, *unclear* where the kind or a judgment's effective day cannot be read."""
    clear = ~pl.col("kind_unread") & ~((pl.col("kind") == JUDGMENT) & pl.col("effective_on_unread"))
    return pl.when(clear).then("kind").otherwise(pl.lit(UNCLEAR))


def _is_record(as_of: date) -> pl.Expr:
    """Whether somebody may be told of it on the day of the snapshot."""
    effective = (pl.col("effective_on") <= as_of).fill_null(value=False)
    return ~pl.col("kind").is_in(NEVER) & ((pl.col("kind") != JUDGMENT) | effective)


def _as_written() -> pl.Expr:
    """What is unread, column by column; null where all was read."""
    unread = [
        pl.when(f"{name}_unread").then(pl.format(f"{export_words()[name]} {{}}", f"{name}_text"))
        for name in _MAY_BE_UNREAD
    ]
    fault = pl.when(pl.col("id_fault") == WRONG_CHECK).then(pl.lit("校验码不符")).otherwise(pl.lit("日期不存在"))
    unread.append(pl.when("bad_number").then(pl.format(f"{export_words()['id_number']} {{}}", fault)))
    written = pl.concat_str(unread, separator="；", ignore_nulls=True)
    return pl.when(written != "").then(written)
