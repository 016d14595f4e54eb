/**
 * What can be said of a claim before anybody is looked up: whether it is there, and whether it can be read.
 */
import { claimedDate } from "./dates.js";
import { namesDivision } from "./places.js";
import { isWord, nothingClaimed } from "./text.js";

const READS = {
    sex: (rules, text) => isWord(rules, "sex", text),
    ethnicity: (rules, text) => isWord(rules, "ethnicity", text),
    birth_date: (rules, text) => claimedDate(rules, text) !== null,
    birthplace: namesDivision,
    native_place: namesDivision,
    kinship: (rules, text) => isWord(rules, "relation", text),
};

/** The items whose last column is read here; a test holds them to those that the office reads (`ItemRule.claimed`). */
export const ITEMS_READ = Object.keys(READS);

/** For each column of the items that must be filled: what is wrong with a text in it, an answer code or null. */
export function claimFaults(rules, items) {
    const faults = [];
    for (const code of items) {
        const needed = rules.items.get(code).claim.filter((column) => !column.optional);
        needed.forEach((column, place) => {
            faults.push([column.column, (text) => (nothingClaimed(rules, text) ? "claim_missing" : null)]);
            if (place === needed.length - 1 && READS[code]) {
                faults.push([
                    column.column,
                    (text) => (nothingClaimed(rules, text) || READS[code](rules, text) ? null : "claim_format"),
                ]);
            }
        });
    }
    return faults;
}
