/**
 * The rows of a request's workbook, as texts; mirrors `exchange/validate/workbook.py` and `sheet.py`.
 *
 * Rules: the sheet that is named, else the first that is shown; its first row with text is the header; hidden rows are
 * rows like any other; merged cells in the header refuse the set, below it they mark their rows.
 */
import { BUILT_IN_DATES, dateShown, numberText, unescaped } from "./cells.js";
import { Package } from "./package.js";
import { Refused, foreignBytes } from "./refused.js";
import { hasText } from "./text.js";

const MAX_CELL_LETTERS = 4096;
const MAX_COLUMNS = 64;
const MAX_SHEET_ROW = 1_048_576;
const MAX_MERGES = 100_000;
const XML_BLANKS = /^[ \t\r\n]+|[ \t\r\n]+$/g;

/**
 * @returns {{header: string[], headerMerged: boolean, rows: string[][], faults: (string|null)[], numbers: number[],
 *   hidden: number, from1904: boolean}}
 * `rows` as wide as the header; `numbers`: the rows' numbers in the sheet; `hidden`: how many of them it does not show
 */
export const readSheet = (content, sheet = null) => foreignBytes("workbook_format", () => sheetOf(content, sheet));

function sheetOf(content, wanted) {
    const parts = new Package(content);
    const main = parts.related("", "officeDocument");
    const book = readBook(parts, main);
    const part = partOf(parts, main, book.sheets, wanted);
    const texts = sharedTexts(parts, main);
    const found = readRows(parts, part, { texts, dates: dateStyles(parts, main), from1904: book.from1904 });
    return { ...withFaults(found), from1904: book.from1904 };
}

/** The names of the sheets that are shown, in their order; none where the file is no workbook that can be read. */
export function shownSheets(content) {
    try {
        return sheetNames(content);
    } catch {
        return []; // reading it says why
    }
}

function sheetNames(content) {
    const parts = new Package(content);
    const main = parts.related("", "officeDocument");
    return worksheets(parts, main, readBook(parts, main).sheets).flatMap(({ name, shown }) => (shown ? name : []));
}

function worksheets(parts, main, sheets) {
    const relations = parts.relations(main);
    return sheets
        .map((each) => ({ ...each, ...relations.get(each.relation) }))
        .filter(({ kind }) => kind === "worksheet");
}

function readBook(parts, main) {
    const book = { sheets: [], from1904: false };
    const start = (element, given) => {
        if (element === "sheet") {
            const relation = Object.entries(given).find(([name]) => name.endsWith(":id"))?.[1] ?? "";
            book.sheets.push({ name: given.name ?? "", relation, shown: (given.state ?? "visible") === "visible" });
        } else if (element === "workbookPr") {
            book.from1904 = given.date1904 === "1" || given.date1904 === "true";
        }
    };
    parts.parse(main, { start });
    return book;
}

function partOf(parts, main, sheets, wanted) {
    const rows = worksheets(parts, main, sheets);
    const find = (fits) => rows.find(fits)?.target;
    const exact = find(({ name, shown }) => (wanted === null ? shown : name === wanted));
    const found = exact ?? (wanted && find(({ name }) => name.toLowerCase() === wanted.toLowerCase()));
    if (!found) throw new Refused("sheet_missing", { column: "data.sheet" });
    return found;
}

function sharedTexts(parts, main) {
    const part = parts.related(main, "sharedStrings");
    const texts = [];
    let pieces = "";
    let inside = false;
    let phonetic = false;
    const start = (element) => {
        if (element === "si") pieces = "";
        phonetic ||= element === "rPh";
        inside = element === "t" && !phonetic;
    };
    const end = (element) => {
        inside = false;
        if (element === "rPh") phonetic = false;
        else if (element === "si") texts.push(unescaped(pieces));
    };
    const text = (piece) => {
        if (inside) pieces += piece;
    };
    if (part) parts.parse(part, { start, end, text });
    return texts;
}

/** The numbers of the cell styles that show a date, and what of it. */
function dateStyles(parts, main) {
    const part = parts.related(main, "styles");
    const custom = new Map();
    const formats = [];
    let inside = false;
    const start = (element, given) => {
        if (element === "numFmt") custom.set(given.numFmtId ?? "", dateShown(given.formatCode ?? ""));
        else if (element === "cellXfs") inside = true;
        else if (element === "xf" && inside) formats.push(given.numFmtId ?? "0");
    };
    const end = (element) => {
        if (element === "cellXfs") inside = false;
    };
    if (part) parts.parse(part, { start, end });
    const shown = formats.map((number) => custom.get(number) || BUILT_IN_DATES.get(number) || "");
    return new Map(shown.map((parts, place) => [String(place), parts]));
}

/** Header, rows and their numbers, the rows with something beyond the header, and what is merged. */
function readRows(parts, part, { texts, dates, from1904 }) {
    const found = { header: [], headerRow: 0, rows: [], numbers: [], hidden: 0, beyond: new Set(), merges: [] };
    let row = [];
    let number = 0;
    let column = -1;
    let cell = { kind: "n", style: "0", pieces: "" };
    let filled = false;
    let hidden = false;
    let phonetic = false;
    let inside = false;

    const start = (element, given) => {
        if (element === "v" || element === "t") {
            inside = !phonetic;
        } else if (element === "c") {
            column = given.r === undefined ? column + 1 : columnNumber(given.r.replace(/[0-9]+$/, ""));
            cell = { kind: given.t ?? "n", style: given.s ?? "0", pieces: "" };
        } else if (element === "row") {
            number = nextRow(given.r, number);
            hidden = given.hidden === "1" || given.hidden === "true";
            row = new Array(found.header.length).fill("");
            column = -1;
            filled = false;
        } else if (element === "rPh") {
            phonetic = true;
        } else if (element === "mergeCell") {
            merge(found, given.ref ?? "");
        }
    };
    const end = (element) => {
        inside = false;
        if (element === "v") {
            if (cell.pieces) put(cell.pieces);
        } else if (element === "is") {
            put(unescaped(cell.pieces));
        } else if (element === "row") {
            if (filled) add(found, number, row, hidden);
            column = -1; // what an extension behind the rows says is no cell
        } else if (element === "rPh") {
            phonetic = false;
        }
    };
    const put = (raw) => {
        const value = valueOf(cell, raw);
        if (value.length > MAX_CELL_LETTERS && [...value].length > MAX_CELL_LETTERS) {
            throw new Refused("line_too_long", { row: found.headerRow ? found.numbers.length + 1 : 0 });
        }
        if (!hasText(value)) return;
        if (column < 0 || !number) throw new Refused("workbook_format");
        filled = true;
        if (row[column]) throw new Refused("workbook_format"); // which of the two one sees, programs differ in
        if (column < row.length) row[column] = value;
        else outside(found, row, column, value);
    };
    const valueOf = ({ kind, style }, raw) => {
        if (kind === "s") {
            const place = raw.replace(XML_BLANKS, "");
            if (place === "") return "";
            if (!/^[0-9]+$/.test(place) || texts[Number(place)] === undefined) throw new Refused("workbook_format");
            return texts[Number(place)];
        }
        if (kind === "n") return numberText(raw, dates.get(style) ?? "", from1904);
        if (kind === "b") return raw.replace(XML_BLANKS, "") === "1" ? "TRUE" : "FALSE";
        return kind === "str" ? unescaped(raw) : raw;
    };
    const text = (piece) => {
        if (inside) cell.pieces += piece;
    };
    parts.parse(part, { start, end, text });
    return found;
}

function add(found, number, row, hidden) {
    if (!found.headerRow) {
        found.header = row;
        found.headerRow = number;
        return;
    }
    found.rows.push(row);
    found.numbers.push(number);
    if (hidden) found.hidden += 1;
}

/** A cell to the right of the row: it widens a header and is one too many anywhere else. */
function outside(found, row, column, value) {
    if (found.headerRow) {
        found.beyond.add(found.numbers.length);
        return;
    }
    if (column >= MAX_COLUMNS) throw new Refused("column_unknown", { column: `#${column + 1}` });
    while (row.length < column) row.push("");
    row.push(value);
}

function merge(found, reference) {
    const corners = reference.split(":").map((corner) => /^([A-Z]{1,3})([0-9]{1,7})$/.exec(corner));
    const [first, last] = [corners[0], corners[corners.length - 1]];
    if (!first || !last || Number(first[2]) > Number(last[2]) || Number(last[2]) > MAX_SHEET_ROW) {
        throw new Refused("workbook_format");
    }
    if (found.merges.length === MAX_MERGES) throw new Refused("workbook_too_large");
    if (corners.length > 1 && columnNumber(first[1]) < Math.max(found.header.length, 1)) {
        found.merges.push([Number(first[2]), Number(last[2])]);
    }
}

function withFaults({ header, headerRow, rows, numbers, hidden, beyond, merges }) {
    const merged = new Set();
    const lastRow = numbers[numbers.length - 1] ?? 0;
    for (const [first, last] of merges) for (let at = first; at <= Math.min(last, lastRow); at += 1) merged.add(at);
    const faults = numbers.map((number, place) => {
        if (merged.has(number)) return "row_merged";
        return beyond.has(place) ? "row_fields" : null;
    });
    const headerMerged = merges.some(([first, last]) => first <= headerRow && headerRow <= last);
    return { header, headerMerged, rows, faults, numbers, hidden };
}

function nextRow(stated, last) {
    if (stated !== undefined && !/^[0-9]{1,9}$/.test(stated)) throw new Refused("workbook_format");
    const number = stated === undefined ? last + 1 : Number(stated);
    if (number <= last || number > MAX_SHEET_ROW) throw new Refused("workbook_format");
    return number;
}

/** A is 0. */
function columnNumber(letters) {
    if (!/^[A-Z]{1,3}$/.test(letters)) throw new Refused("workbook_format");
    let number = 0;
    for (const letter of letters) number = number * 26 + letter.charCodeAt(0) - 64;
    return number - 1;
}
