/**
 * The rows of a data file as objects of column code → text, with what is wrong with a row as a row; mirrors
 * `exchange/validate/table.py`.
 */
import { WORDLESS, columnsFor, readHeader } from "./columns.js";
import { csvRows, readCsvHeader, rowSeparator } from "./csv.js";
import { toText } from "./encoding.js";
import { Refused, foreignBytes } from "./refused.js";
import { hasText, withoutQuotes } from "./text.js";
import { readSheet } from "./workbook.js";

const FORMULA = /^="([^"]*)"$/;
const LOST = "\ufffd";
const SURPLUS = 64;
const SERIALS_OF_1904 = [2_192, 71_588];

/** A data file opened as far as its header: `{isWorkbook, header, sheet | text, csv}`. */
export function openFile(rules, content, { isWorkbook, sheet = null, encoding = null }) {
    if (isWorkbook) {
        const read = readSheet(content, sheet);
        return { isWorkbook, header: read.header, sheet: read };
    }
    const text = foreignBytes("encoding", () => toText(rules, content, encoding));
    const csv = foreignBytes("csv_format", () => readCsvHeader(rules, text));
    return { isWorkbook, header: csv.header, text, csv };
}

/** `{codes, rows()}`: the columns' codes; the rows, each `{cells, fault}` with cells in the codes' order. */
export function readTable(rules, file, items, form) {
    if (file.isWorkbook && file.sheet.headerMerged) throw new Refused("header_merged", { row: 0 });
    const names = readHeader(rules, file.header, items, form);
    const codes = names.filter((name) => !name.startsWith(WORDLESS));
    if (!file.isWorkbook && names.length - codes.length > SURPLUS) {
        throw new Refused("column_unknown", { column: names.find((name) => name.startsWith(WORDLESS)) });
    }
    const separator = file.isWorkbook ? null : rowSeparator(file.text, file.csv, names.length);
    const optional = new Set(columnsFor(rules, items, form).flatMap((each) => (each.optional ? [each.column] : [])));
    const raw = () => (file.isWorkbook ? sheetRows(file.sheet, names) : textRows(file, names, optional, separator));
    const wordless = [...names.keys()].filter((place) => names[place].startsWith(WORDLESS));
    if (wordless.length) checkEmpty(raw(), wordless);
    return { codes, rows: () => evened(without(raw(), wordless), codes) };
}

function* sheetRows(sheet, names) {
    const width = names.length;
    const days = names.map((name) => sheet.from1904 && name.endsWith("date"));
    for (let place = 0; place < sheet.rows.length; place += 1) {
        const row = sheet.rows[place];
        const beyond = row.slice(width).some((cell) => cell !== "");
        const cells = row.slice(0, width).map((cell, at) => (days[at] ? dayOf1904(cell) : cell));
        yield { cells, fault: sheet.faults[place] ?? (beyond ? "row_fields" : null) };
    }
}

/** A day that stands as a bare number counts from 1904 where the workbook's days do; a year stays one. */
function dayOf1904(cell) {
    const serial = /^\p{White_Space}*([0-9]{4,5})\p{White_Space}*$/u.exec(cell)?.[1] ?? 0;
    const [first, last] = SERIALS_OF_1904;
    if (serial < first || serial > last) return cell;
    return new Date(Date.UTC(1904, 0, 1) + serial * 86_400_000).toISOString().slice(0, 10);
}

function* textRows({ text, csv }, codes, optional, separator) {
    const width = csv.header.length;
    let fewest = codes.length;
    while (fewest > 0 && optional.has(codes[fewest - 1])) fewest -= 1;
    for (const row of csvRows(text, separator, csv.body)) {
        const short = row.length < fewest && row.some(hasText);
        const beyond = row.slice(width).some(hasText) || row.slice(codes.length, width).some(hasText);
        const cells = Array.from(codes, (_, place) => row[place] ?? "");
        const fault = short || beyond ? "row_fields" : null;
        if (fault || cells.some(hasText)) yield { cells, fault };
    }
}

/** Refused at the first of the columns without a header, by place, that has a text in some row. */
function checkEmpty(rows, wordless) {
    let first = Infinity;
    for (const { cells } of rows) first = Math.min(first, wordless.find((place) => hasText(cells[place])) ?? Infinity);
    if (first < Infinity) throw new Refused("column_unknown", { column: `${WORDLESS}${first + 1}` });
}

function* without(rows, wordless) {
    for (const { cells, fault } of rows) {
        yield { cells: wordless.length ? cells.filter((_, place) => !wordless.includes(place)) : cells, fault };
    }
}

/** What CSV and workbook have in common once their cells are texts. */
function* evened(rows, codes) {
    const reference = codes.indexOf("row_ref");
    const kept = codes.map((code) => code.includes("id_number"));
    for (const { cells, fault } of rows) {
        const lost = cells[reference].includes(LOST) ? "row_ref_damaged" : null;
        for (let place = 0; place < cells.length; place += 1) {
            cells[place] = withoutQuotes(cells[place]);
            if (!kept[place] && cells[place].startsWith('="')) cells[place] = cells[place].replace(FORMULA, "$1");
        }
        yield { cells, fault: fault ?? lost };
    }
}
