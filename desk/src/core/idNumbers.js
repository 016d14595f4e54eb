/**
 * Citizen identity numbers, GB 11643-1999; mirrors `exchange/matching/id_numbers.py`, whose patterns it uses.
 */
import { holds } from "./rules.js";
import { normalised } from "./text.js";
import { isDay } from "./dates.js";

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK = "10X98765432";
const PLAIN = /^[0-9]{17}[0-9X]$/;

/** The check character of 17 digits (ISO 7064 MOD 11-2). */
export function checkCharacter(digits) {
    let sum = 0;
    for (let place = 0; place < 17; place += 1) sum += (digits.charCodeAt(place) - 48) * WEIGHTS[place];
    return CHECK[sum % 11];
}

/** The number in ASCII digits and X, without what people put between them, and the even text before that. */
function evened(rules, claimed) {
    if (PLAIN.test(claimed)) return { even: claimed, number: claimed };
    const even = normalised(rules, claimed);
    const { id_formula: formula, id_dashes: dashes, id_looks_like_x: x } = rules.like;
    return { even, number: even.replace(formula, "").replace(dashes, "").replace(x, "X") };
}

/** 17 digits: of 18 characters the first, of 15 with the century that they left out. */
function upgraded(rules, number) {
    if (number.length !== 15) return number.slice(0, 17);
    const century = rules.centenarians.includes(number.slice(12, 15)) ? "18" : "19";
    return number.slice(0, 6) + century + number.slice(6);
}

/** Whether a spreadsheet may have lost the number's last digits. */
export const mayHaveLostDigits = (rules, claimed) => claimed.endsWith(rules.lost_digits);

/**
 * @param {string} today YYYYMMDD, the day of receipt
 * @returns {{number: string, fault: string|null, repaired: boolean, from15: boolean}} the number as it is looked up
 */
export function readNumber(rules, claimed, today) {
    const { even, number } = evened(rules, claimed);
    const unread = (fault) => ({ number: "", fault, repaired: false, from15: false });
    if (number === "") return unread("id_number_missing");
    if (holds(rules.like.id_scientific, even)) return unread("id_number_scientific");
    if (!holds(rules.like.id_shape, number)) return unread("id_number_format");
    const key = upgraded(rules, number);
    const born = key.slice(6, 14);
    if (!isDay(born) || born < rules.earliest_birth || born > today) return unread("id_number_date");
    const from15 = number.length === 15;
    if (!from15 && checkCharacter(key) !== number[17]) return unread("id_number_check");
    return { number: key + checkCharacter(key), fault: null, repaired: number !== claimed, from15 };
}
