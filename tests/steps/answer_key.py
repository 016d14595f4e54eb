"""An answer key for records of offence, made beside the articles of law and not from the product's tables: what
each legal basis lets its partner know of a record. Whose records: ``answer_key_people.py``.

Rule: nothing of ``exchange`` decides here. What a record is in law (``CRIMES``, ``VIOLATIONS``), and what each article
bars (``ARTICLES``), is said once more, in code.

hit    a record that the article names: an officer confirms, a leader releases
look   whether it is one cannot be said from the record: an officer looks
clean  nothing that the article names: *no record*, as for somebody without any
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final
from unicodedata import normalize

Record = dict[str, str]
Verdict = str
HIT, LOOK, CLEAN = "hit", "look", "clean"

# ── what a record is in law ─────────────────────────────────────────────────────────────────────────────

CRIMES: Final = {
    # name: what it is about, intentional
    "强奸罪": ("rape", True),
    "奸淫幼女罪": ("rape", True),
    "猥亵儿童罪": ("indecency with children", True),
    "强制猥亵妇女罪": ("indecency", True),
    "虐待罪": ("abuse", True),
    "拐卖妇女、儿童罪": ("trafficking", True),
    "故意伤害罪": ("violence", True),
    "抢劫罪（未遂）": ("violence", True),
    "寻衅滋事罪": ("perhaps violent", True),
    "盗窃罪": ("property", True),
    "贩卖毒品罪": ("drugs", True),
    "容留他人吸毒罪": ("beside drugs", True),
    "赌博罪": ("gambling", True),
    "开设赌场罪": ("beside gambling", True),
    "组织卖淫罪": ("prostitution trade", True),
    "洗钱罪": ("money laundering", True),
    "传播淫秽物品罪": ("obscenity", True),
    "参加黑社会性质组织罪": ("organised", True),
    "危险驾驶罪": ("traffic", True),
    "受贿罪": ("office", True),
    "交通肇事罪": ("traffic", False),
    "过失致人死亡罪": ("death by negligence", False),
    "玩忽职守罪": ("negligence in office", False),
    "流氓罪": ("unknown", None),
    "": ("unknown", None),
}
VIOLATIONS: Final = {
    "猥亵": "indecency",
    "殴打他人": "violence",
    "虐待": "abuse",
    "性骚扰": "harassment",
    "吸毒": "drug use",
    "赌博": "gambling",
    "嫖娼": "prostitution",
    "饮酒后驾驶机动车": "drink driving",
    "盗窃": "property",
    "某种行为": "unknown",
}
TRIED: Final = ("administrative_detention", "administrative_penalty", "labour_reeducation")
SEXUAL: Final = {"rape", "indecency", "indecency with children"}
AGAINST_MINORS: Final = SEXUAL | {"abuse", "trafficking", "violence"}
PERHAPS: Final = {"perhaps violent", "prostitution trade", "organised", "unknown"}
USE: Final = ("drug", "compulsory_isolation")


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    return HIT if HIT in verdicts else LOOK if LOOK in verdicts else CLEAN


def about(record: Record) -> str:
    return CRIMES[record["charge"]][0] if is_crime(record) else VIOLATIONS.get(record["charge"], "unknown")


def is_crime(record: Record) -> bool:
    return record["kind"] in ("judgment", "relative_non_prosecution")


def of(found: str, named: set[str], perhaps: set[str] | None = None) -> Verdict:
    return HIT if found in named else LOOK if found in (PERHAPS if perhaps is None else perhaps) else CLEAN


def both(*verdicts: Verdict) -> Verdict:
    return CLEAN if CLEAN in verdicts else LOOK if LOOK in verdicts else HIT


# ── punishments ─────────────────────────────────────────────────────────────────────────────────────────


def months(record: Record) -> int | None:
    """0: none or a lighter one; None: it stands there and says nothing."""
    written = {"": 0, "60.0": 60, "６０": 60, "5年": 60, "三年": None}
    return written[record["sentence"]] if record["sentence"] in written else int(record["sentence"])


def imprisoned(record: Record) -> Verdict:
    return LOOK if months(record) is None else HIT if months(record) else CLEAN


def deprived(record: Record) -> Verdict:
    said = {"yes": HIT, "no": CLEAN, "": LOOK}[record["rights"]]
    return HIT if months(record) == 9999 else said


def punished(record: Record) -> Verdict:
    """Without imprisonment it may have been an exemption."""
    return HIT if HIT in (imprisoned(record), deprived(record)) else LOOK


def intentional(record: Record) -> Verdict:
    if record.get("intent"):
        return HIT if record["intent"] == "故意" else CLEAN
    return {True: HIT, False: CLEAN, None: LOOK}[CRIMES[record["charge"]][1]]


def within(record: Record, years: int, perhaps: int, day: date) -> Verdict:
    """A punishment ended on its effective day at the earliest, or after half of the sentence since the offence; at the
    latest the whole sentence and five years after the effective day.
    """
    sentence, effective, offence = months(record), day_of(record["effective"]), day_of(record["offence"])
    if sentence is None:
        return LOOK
    first = max(effective, later(offence, 120 if sentence == 9999 else sentence // 2))
    if day <= later(first, 12 * years):
        return HIT
    over = sentence != 9999 and day > later(effective, sentence + 60 + 12 * perhaps)
    return CLEAN if over else LOOK


def day_of(text: str) -> date:
    """Of any spelling in the province: year, month and day come first."""
    year, month, day = re.findall(r"\d+", re.sub(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", normalize("NFKC", text)))[:3]
    return date(int(year), int(month), int(day))


def later(day: date, by: int) -> date:
    """The same day so many months on; the last of the month where that has fewer days."""
    year, month = divmod(day.year * 12 + day.month - 1 + by, 12)
    for back in range(4):
        try:
            return date(year, month + 1, day.day - back)
        except ValueError:
            continue
    raise AssertionError


# ── the articles ────────────────────────────────────────────────────────────────────────────────────────

Article = Callable[[Record, date], Verdict]


def judgment(rule: Article) -> Article:
    return lambda record, day: rule(record, day) if record["kind"] == "judgment" else CLEAN


def minors(record: Record, _: date) -> Verdict:
    if record["kind"] not in ("judgment", *TRIED):
        return CLEAN
    return of(about(record), AGAINST_MINORS)


def school_staff(record: Record, _: date) -> Verdict:
    """The penalties that it names are sealed since 2026, and it is no national provision."""
    return of(about(record), SEXUAL, {"unknown"}) if is_crime(record) else CLEAN


def preschool(record: Record, _: date) -> Verdict:
    if record["kind"] in USE:
        return HIT
    if record["kind"] == "judgment":
        return of(about(record), AGAINST_MINORS | {"gambling", "beside gambling"})
    named = AGAINST_MINORS | {"harassment", "gambling", "drug use"}
    return of(about(record), named) if record["kind"] in TRIED else CLEAN


@judgment
def teachers(record: Record, _: date) -> Verdict:
    return worst([deprived(record), both(imprisoned(record), intentional(record))])


def guards(record: Record, _: date) -> Verdict:
    if record["kind"] in ("custody_education", "compulsory_isolation", "labour_reeducation"):
        return HIT
    return both(punished(record), intentional(record)) if record["kind"] == "judgment" else CLEAN


def entertainment(record: Record, _: date) -> Verdict:
    if record["kind"] == "compulsory_isolation":
        return HIT
    if record["kind"] == "administrative_detention":
        return of(about(record), {"prostitution"}, {"unknown"})
    if record["kind"] != "judgment":
        return CLEAN
    named = {
        "rape",
        "indecency",
        "drugs",
        "gambling",
        "prostitution trade",
        "money laundering",
        "obscenity",
        "organised",
    }
    beside = {"indecency with children", "beside drugs", "beside gambling", "unknown"}
    return worst([of(about(record), named, beside), deprived(record)])


def school_bus(record: Record, _: date) -> Verdict:
    if record["kind"] == "judgment" or record["kind"] in USE:
        return HIT
    named = {"drug use"} if record["kind"] == "labour_reeducation" else {"drug use", "drink driving"}
    return of(about(record), named, {"unknown"}) if record["kind"] in TRIED else CLEAN


@judgment
def any_punished(record: Record, _: date) -> Verdict:
    return punished(record)


@judgment
def intent_punished(record: Record, _: date) -> Verdict:
    return both(punished(record), intentional(record))


@judgment
def notaries(record: Record, _: date) -> Verdict:
    """Of a traffic accident the record does not say whether it happened on duty."""
    negligence = of(about(record), {"negligence in office"}, {"unknown", "traffic"})
    return both(punished(record), worst([intentional(record), negligence]))


@judgment
def physicians(record: Record, day: date) -> Verdict:
    return both(punished(record), within(record, 2, 5, day))


@judgment
def accountants(record: Record, day: date) -> Verdict:
    return both(punished(record), within(record, 5, 5, day))


@judgment
def any_judgment(_: Record, __: date) -> Verdict:
    return HIT


def violations(record: Record, _: date) -> Verdict:
    return HIT if record["kind"] in (*TRIED, *USE, "custody_education") else CLEAN


ARTICLES: Final[dict[str, tuple[str, str, Article]]] = {
    # code: kind of partner, how a request cites it, what it lets know
    "minors_protection_62": ("minors_unit", "未成年人保护法第六十二条", minors),
    "school_staff_2020_14": (
        "school", "关于建立教职员工准入查询性侵违法犯罪信息制度的意见（高检发〔2020〕14号）第四条", school_staff,
    ),
    "preschool_44": ("kindergarten", "学前教育法第四十四条", preschool),
    "teachers_14": ("education", "教师法第十四条", teachers),
    "security_guards_17": ("security_company", "保安服务管理条例第十七条", guards),
    "entertainment_5": ("entertainment", "娱乐场所管理条例第五条", entertainment),
    "explosives_6": ("explosives", "民用爆炸物品安全管理条例第六条", any_punished),
    "school_bus_23": ("traffic_police", "校车安全管理条例第二十三条", school_bus),
    "civil_servants_26": ("civil_service", "公务员法第二十六条", any_punished),
    "physicians_16": ("health", "医师法第十六条", physicians),
    "lawyers_7": ("justice", "律师法第七条", intent_punished),
    "notaries_20": ("justice", "公证法第二十条", notaries),
    "judges_13": ("court", "法官法第十三条", any_punished),
    "procurators_13": ("procuratorate", "检察官法第十三条", any_punished),
    "accountants_10": ("finance", "注册会计师法第十条", accountants),
    "guides_5": ("tourism", "导游人员管理条例第五条", intent_punished),
    "case_handling_286": ("investigation", "刑事诉讼法第二百八十六条", any_judgment),
    "case_handling_136": ("supervisory_commission", "治安管理处罚法第一百三十六条", violations),
    "record_certificates_4": ("notary", "公安机关办理犯罪记录查询工作规定第四条", any_judgment),
}  # fmt: skip
