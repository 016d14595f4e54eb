/**
 * The header of a data file: which column holds what; mirrors `exchange/validate/columns.py`.
 */
import { Refused } from "./refused.js";
import { hasText, seen, withoutQuotes } from "./text.js";

export const UNREGISTERED = "unregistered";
export const OBJECTION = "objection";

/** A header's word as it is compared. */
export const even = (word) =>
    seen(withoutQuotes(word).normalize("NFKC"))
        .replace(/^="([^"]*)"$/, "$1")
        .toLowerCase();

/** The columns that a request for these items has; `form` is that of an item that is asked alone. */
export function columnsFor(rules, items, form) {
    if (items.length === 1 && items[0] === OBJECTION) return rules.objection;
    if (form) return [rules.required[0], ...rules.items.get(items[0]).forms[form]];
    return [...rules.required, ...items.flatMap((item) => rules.items.get(item).claim)];
}

/** How many of these words head a column of any request. */
export function knownWords(rules, header) {
    const columns = [...rules.required, ...rules.objection];
    for (const { claim, forms } of rules.items.values()) columns.push(...claim, ...Object.values(forms ?? {}).flat());
    const words = new Set(columns.flatMap((each) => [each.column, ...each.zh]));
    return header.filter((word) => words.has(even(word))).length;
}

/** What the name of a column begins with that has no header. */
export const WORDLESS = "#";

/** The codes of the columns up to the header's last word, `#n` for a place without one; Refused where it does not fit. */
export function readHeader(rules, header, items, form) {
    const expected = columnsFor(rules, items, form);
    const byWord = columnsByWord(expected);
    const codes = [];
    let width = header.length;
    while (width > 0 && !hasText(header[width - 1])) width -= 1;
    if (!width) throw new Refused("data_empty");
    for (let place = 0; place < width; place += 1) {
        if (!hasText(header[place])) {
            codes.push(`${WORDLESS}${place + 1}`);
            continue;
        }
        const code = byWord.get(even(header[place]));
        if (code === undefined) throw new Refused("column_unknown", { column: `${WORDLESS}${place + 1}` });
        if (codes.includes(code)) throw new Refused("column_doubled", { column: code });
        codes.push(code);
    }
    for (const each of expected) {
        if (!each.optional && !codes.includes(each.column))
            throw new Refused("column_missing", { column: each.column });
    }
    return codes;
}

/** Each word that may head one of these columns → its code. */
export const columnsByWord = (columns) =>
    new Map(columns.flatMap((each) => [each.column, ...each.zh].map((word) => [word, each.column])));

/** The words of a header that stand for this column. */
export function wordsOf(rules, header, { items, form }, column) {
    const byWord = columnsByWord(columnsFor(rules, items, form));
    return header.filter((word) => byWord.get(even(word)) === column);
}

/** As what a file without a manifest is read: `{items, form}`, by its header and these purposes of the agreement. */
export function readingByHeader(rules, header, purposes) {
    const words = new Set(header.map(even));
    const has = (columns) =>
        columns.every((each) => each.optional || [each.column, ...each.zh].some((word) => words.has(word)));
    for (const { unregistered_by: form } of purposes) {
        if (form && !has(rules.required) && has(rules.items.get(UNREGISTERED).forms[form])) {
            return { items: [UNREGISTERED], form };
        }
    }
    if (!has(rules.required) && has(rules.objection) && isObjection(rules, words))
        return { items: [OBJECTION], form: null };
    const agreed = [...new Set(purposes.flatMap((purpose) => purpose.items))];
    const items = agreed.filter((code) => !rules.items.get(code).forms && has(rules.items.get(code).claim));
    return { items, form: null };
}

/** Rows of an earlier batch alone, or with what speaks against their answers. Any other word stands for a column whose
 * header is wrong, and the list for one of people. */
function isObjection(rules, words) {
    const heads = (each) => [each.column, ...each.zh];
    const known = new Set(rules.objection.flatMap(heads));
    const says = rules.objection.some((each) => each.optional && heads(each).some((word) => words.has(word)));
    return says || [...words].every((word) => known.has(word) || !hasText(word));
}

export const EVERYBODY = ["id_number", "name"];

/**
 * The items that are asked unless the clerk chooses otherwise: those whose columns are there. Records of offence have
 * no column: they are asked where the purpose is for nothing else, and else where the clerk says so.
 */
export function chosenItems({ items, letter_items: records }, found) {
    const others = items.filter((code) => !records.includes(code) && !EVERYBODY.includes(code));
    return items.filter((code) => found.includes(code) && !(others.length && records.includes(code)));
}
