/**
 * What a clerk needs to put a header right, where a file is refused for it: all words at once that are none of a column,
 * and not the first alone; what is missing; what may stand there; and where the header seems to be that lies below a title.
 *
 * Rule: help only; whether the file is refused, and for what, is decided in `columns.js` as the office does.
 */
import { EVERYBODY, OBJECTION, UNREGISTERED, columnsByWord, columnsFor, even, knownWords } from "./columns.js";
import { csvRows } from "./csv.js";
import { hasText } from "./text.js";

const ABOUT_THE_HEADER = ["column_unknown", "column_missing", "header_merged"];
const LOOKED_AT = 5;

/**
 * Null where the header is not what is wrong. @returns {{unknown: {place: number, word: string}[],
 *   missing: object[], columns: object[], row: number|null, objection: object[]|null}} `columns`: what may head one, as the
 *   tables have it; `row`: of the sheet or file, where the header seems to be; `objection`: the columns of one, where the
 *   list may be meant for it
 */
export function headerHelp(rules, file, { refusal, items, form }, asked) {
    if (!file || !ABOUT_THE_HEADER.includes(refusal.code)) return null;
    const row = lowerHeader(rules, file);
    const columns = mayHead(rules, asked, row ? [] : items, form);
    const byWord = columnsByWord(columns);
    const found = file.header.map((word, place) => ({ place: place + 1, word, column: byWord.get(even(word)) }));
    const has = new Set(found.map((each) => each.column));
    return {
        unknown: found.filter((each) => hasText(each.word) && !each.column).map(({ place, word }) => ({ place, word })),
        missing: columnsFor(rules, items, form).filter((each) => !each.optional && !has.has(each.column)),
        columns,
        row,
        objection: !row && has.has("row_ref") && EVERYBODY.every((each) => !has.has(each)) ? rules.objection : null,
    };
}

/** The columns of the items that were asked, or of all that the agreement holds. */
function mayHead(rules, { items, purposes }, found, form) {
    if (items || form || found[0] === OBJECTION) return columnsFor(rules, found, form);
    const agreed = purposes.flatMap((each) => each.items).filter((item) => item !== UNREGISTERED);
    return columnsFor(rules, [...new Set(agreed)], null);
}

/** The row below the first one that has more words of a header than it (of a sheet's row as many cells are known as the
 * first one has); null where there is none. */
function lowerHeader(rules, file) {
    const known = knownWords(rules, file.header);
    for (const { number, cells } of firstRows(file)) {
        const words = knownWords(rules, cells);
        if (words > known) return number;
    }
    return null;
}

function* firstRows(file) {
    if (file.isWorkbook) {
        const { rows, numbers } = file.sheet;
        for (let at = 0; at < Math.min(LOOKED_AT, rows.length); at += 1) yield { number: numbers[at], cells: rows[at] };
        return;
    }
    let number = 1;
    for (const cells of csvRows(file.text, file.csv.separator, file.csv.body)) {
        number += 1;
        if (number > LOOKED_AT + 1) return;
        yield { number, cells };
    }
}
