/**
 * The rows of a data file as objects of column code → text, with what is wrong with a row as a row; mirrors
 * `exchange/validate/table.py`.
 */
import { columnsFor, readHeader } from "./columns.js";
import { csvRows, readCsvHeader } from "./csv.js";
import { toText } from "./encoding.js";
import { Refused, foreignBytes } from "./refused.js";
import { hasText } from "./text.js";
import { readSheet } from "./workbook.js";

const FORMULA = /^="([^"]*)"$/;
const LOST = "\ufffd";

/** A data file opened as far as its header: `{isWorkbook, header, sheet | text, csv}`. */
export function openFile(rules, content, { isWorkbook, sheet = null, encoding = null }) {
    if (isWorkbook) {
        const read = readSheet(content, sheet);
        return { isWorkbook, header: read.header, sheet: read };
    }
    const text = foreignBytes("encoding", () => toText(rules, content, encoding));
    const csv = foreignBytes("csv_format", () => readCsvHeader(text));
    return { isWorkbook, header: csv.header, text, csv };
}

/** `{codes, rows()}`: the columns' codes; the rows, each `{cells, fault}` with cells in the codes' order. */
export function readTable(rules, file, items, form) {
    if (file.isWorkbook && file.sheet.headerMerged) throw new Refused("header_merged", { row: 0 });
    const codes = readHeader(rules, file.header, items, form);
    const optional = new Set(columnsFor(rules, items, form).flatMap((each) => (each.optional ? [each.column] : [])));
    const raw = file.isWorkbook ? sheetRows(file.sheet, codes.length) : textRows(file, codes, optional);
    return { codes, rows: () => evened(raw, codes) };
}

function* sheetRows(sheet, width) {
    for (let place = 0; place < sheet.rows.length; place += 1) {
        const row = sheet.rows[place];
        const beyond = row.slice(width).some((cell) => cell !== "");
        yield { cells: row.slice(0, width), fault: sheet.faults[place] ?? (beyond ? "row_fields" : null) };
    }
}

function* textRows({ text, csv }, codes, optional) {
    const width = csv.header.length;
    let fewest = codes.length;
    while (fewest > 0 && optional.has(codes[fewest - 1])) fewest -= 1;
    for (const row of csvRows(text, csv.separator, csv.body)) {
        const short = row.length < fewest && row.some(hasText);
        const beyond = row.slice(width).some(hasText) || row.slice(codes.length, width).some(hasText);
        const cells = Array.from(codes, (_, place) => row[place] ?? "");
        const fault = short || beyond ? "row_fields" : null;
        if (fault || cells.some(hasText)) yield { cells, fault };
    }
}

/** What CSV and workbook have in common once their cells are texts. */
function* evened(rows, codes) {
    const reference = codes.indexOf("row_ref");
    const kept = codes.map((code) => code.includes("id_number"));
    for (const { cells, fault } of rows) {
        const lost = cells[reference].includes(LOST) ? "row_ref_damaged" : null;
        for (let place = 0; place < cells.length; place += 1) {
            if (!kept[place] && cells[place].startsWith('="')) cells[place] = cells[place].replace(FORMULA, "$1");
        }
        yield { cells, fault: fault ?? lost };
    }
}
