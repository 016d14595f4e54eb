/**
 * Dates as people write them; mirrors `exchange/matching/dates.py`, whose patterns it uses.
 */
import { groupsOf, holds } from "./rules.js";
import { withoutBlanks } from "./text.js";

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether eight digits are a day of the calendar. */
export function isDay(digits) {
    const [year, month, day] = [digits.slice(0, 4), digits.slice(4, 6), digits.slice(6, 8)].map(Number);
    const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
    return month >= 1 && month <= 12 && day >= 1 && day <= DAYS[month - 1] + (leap && month === 2 ? 1 : 0);
}

/** The day as YYYYMMDD; null where the text is no date or leaves open which. */
export function claimedDate(rules, text) {
    const shown = trimmed(text.normalize("NFKC").replace(rules.like.invisible, ""));
    const even = withoutBlanks(rules, shown.replace(rules.like.date_midnight, ""));
    const found = groupsOf(rules.like.date_day, even);
    if (found) {
        const [year, month, day] = [1, 2, 3].map((place) => found[place] ?? found[place + 3]);
        const digits = year + month.padStart(2, "0") + day.padStart(2, "0");
        if (isDay(digits)) return digits;
    }
    return holds(rules.like.date_serial, even) ? ofSerial(rules, Number(even)) : null;
}

const trimmed = (text) => text.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, "");

/** The day of a spreadsheet's serial number, where it lies in a person's lifetime. */
function ofSerial(rules, serial) {
    const [first, last] = rules.date_serials;
    if (serial < first || serial > last) return null;
    return new Date((serial + rules.date_serial_zero) * 86_400_000).toISOString().slice(0, 10).replaceAll("-", "");
}
