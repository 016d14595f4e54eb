/**
 * Rows that ask whether somebody without a number is registered; mirrors `exchange/matching/unregistered.py`.
 */
import { claimedDate } from "./dates.js";
import { readNumber } from "./idNumbers.js";
import { nameFault, standardName } from "./names.js";
import { isWord, nothingClaimed } from "./text.js";

const MOTHER = "mother_id_number";

/** The first thing wrong with a row that can be read as a row: an answer code or null. */
export function unregisteredFault(rules, row, today) {
    const byMother = MOTHER in row;
    const first = byMother
        ? readNumber(rules, row[MOTHER], today).fault
        : nameFault(rules, standardName(rules, row.name));
    if (first) return first;
    if (nothingClaimed(rules, row.birth_date)) return "claim_missing";
    const born = claimedDate(rules, row.birth_date);
    if (born === null || born > today) return "claim_format";
    const noSex = nothingClaimed(rules, row.sex);
    if (noSex) return byMother ? null : "claim_missing";
    return isWord(rules, "sex", row.sex) ? null : "claim_format";
}
