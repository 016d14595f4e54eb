/**
 * Whether a text names an administrative division; mirrors `exchange/matching/divisions.py`.
 * Which names and codes there are, the office's table says.
 */
import { groupsOf } from "./rules.js";
import { withoutFront } from "./text.js";

/** Whether the text begins with a division's code or with a form of its name. */
export function namesDivision(rules, text) {
    const wide = withoutFront(rules, text).normalize("NFKC").replace(rules.like.invisible, "");
    const code = groupsOf(rules.like.place_code, wide);
    if (code && rules.divisionCodes.has(Number(code[1]))) return true;
    const even = wide.replace(/\p{White_Space}+/gu, "").replace(rules.like.place_country, "");
    const letters = [...even].slice(0, rules.longestDivision);
    for (let length = letters.length; length > 1; length -= 1) {
        if (rules.words.division.has(letters.slice(0, length).join(""))) return true;
    }
    return false;
}
