"""The exports of an invented province, sets of several partners, purposes and cycles: the same each day. And the keys
of both offices: who is drawn for a spot check goes by them, so that offices with keys of their own answer differently.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from exchange.base.files import make_folder
from exchange.calendar.working_days import office_day
from exchange.demo.partner import Request
from exchange.demo.play import cited, to_csv
from exchange.demo.province.claims import make_claims
from exchange.demo.province.exports import write_exports
from exchange.demo.province.known_to import on_record
from exchange.demo.province.offences import make_offences
from exchange.demo.province.people import make_people
from exchange.demo.province.unregistered_claims import by_mother
from exchange.demo.world import PARTNERS, SEED
from exchange.wire.keys import make_certificate

COURT, SCHOOLS, PENSIONS, HEALTH, KINDERGARTEN, GUARDS, TEACHERS = (each.id for each in PARTNERS)
PEOPLE, ROWS = 5000, 300
CASE = ("case_handling", cited("case_handling_286"))
REGISTER = ("id_number", "name", "sex", "birth_date", "ethnicity", "registered_address")
EVENTS = ("former_name", "kinship", "migration", "cancellation", "address_change", "item_correction")
RECORD = ("id_number", "name", "criminal_record")
ASKED: tuple[tuple[str, str, str, tuple[str, str], Sequence[str]], ...] = (
    (COURT, "ad_hoc", "today", CASE, (*REGISTER, "criminal_record")),
    (COURT, "monthly", "month", CASE, (*REGISTER[:3], *EVENTS)),
    (SCHOOLS, "quarterly", "quarter", ("enrolment", "义务教育法第十二条"), REGISTER),
    (PENSIONS, "monthly", "month", ("pension", "社会保险法第七十四条"), REGISTER),
    (KINDERGARTEN, "ad_hoc", "today", ("hiring_staff", cited("preschool_44", "minors_protection_62")), RECORD),
    (GUARDS, "monthly", "month", ("hiring_guards", cited("security_guards_17")), RECORD),
    (TEACHERS, "ad_hoc", "today", ("teacher_qualification", cited("teachers_14")), RECORD),
)


def write(folder: Path) -> None:
    """``keys/``, ``exports/`` and ``sets.json``; periods are those of today."""
    for name in ("sign", "encrypt"):
        make_certificate(make_folder(folder / "keys"), name, f"Both offices, {name}")
    today = office_day(datetime.now(UTC))
    periods = {
        "today": str(today),
        "month": f"{today:%Y-%m}",
        "quarter": f"{today.year}-Q{(today.month + 2) // 3}",
    }
    write_exports(folder / "exports", SEED, PEOPLE, today - timedelta(days=1))
    people = pl.concat(make_people(SEED, PEOPLE))
    offenders = on_record(make_offences(SEED, 0, people))
    sets = []
    for number, (partner, cycle, period, (purpose, basis), items) in enumerate(ASKED):
        data = to_csv(make_claims(people, offenders, items, ROWS, seed=number).rows)
        sets.append(Request(f"{partner}.same-{number}", cycle, periods[period], purpose, basis, items, ROWS, data))
    rows = by_mother(people, 40, seed=9).rows
    born = ("birth_certificate", "母婴保健法第二十三条", ("unregistered",), rows.height, to_csv(rows))
    sets.append(Request(f"{HEALTH}.same", "ad_hoc", periods["today"], *born))
    given = [asdict(each) | {"data": base64.b64encode(each.data).decode()} for each in sets]
    (folder / "sets.json").write_text(json.dumps(given, ensure_ascii=False), encoding="utf-8")
