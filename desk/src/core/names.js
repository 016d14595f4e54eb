/**
 * Names in one form, and whether one can be read; mirrors `exchange/matching/names.py`, whose patterns it uses.
 */
import { holds, replaced } from "./rules.js";
import { withoutFront } from "./text.js";

const PLAIN = /^[\u3400-\u4dbf\u4e00-\u9fff]*$/;

/** The name in the form in which two names are compared. */
export function standardName(rules, name) {
    if (PLAIN.test(name)) return name;
    const even = replaced(withoutFront(rules, name), rules.letters)
        .normalize("NFKC")
        .replace(rules.like.name_blanks, "");
    return even.replace(rules.like.name_dots, "\u00b7").toUpperCase().normalize("NFKC");
}

/** Why a name in standard form cannot be compared: an answer code, or null. */
export function nameFault(rules, standard) {
    if (standard === "") return "name_missing";
    const tooLong = standard.length > rules.longest_name && [...standard].length > rules.longest_name;
    return tooLong || !holds(rules.like.name_readable, standard) ? "name_format" : null;
}
