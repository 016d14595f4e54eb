/**
 * What the intake would say of a data file, row by row; mirrors `exchange/steps/check.py`.
 *
 * Rules: a finding is a code and a place. A file is read by the items that its header shows, or by those given. Rows
 * whose reference stands twice are told beside the findings: the office takes them, the clerk would not know them apart.
 */
import { claimFaults } from "./claims.js";
import { OBJECTION, UNREGISTERED, columnsFor, readingByHeader, wordsOf } from "./columns.js";
import { readNumber } from "./idNumbers.js";
import { nameFault, standardName } from "./names.js";
import { Refused } from "./refused.js";
import { openFile, readTable } from "./table.js";
import { hasText } from "./text.js";
import { unregisteredFault } from "./unregistered.js";
import { shownSheets } from "./workbook.js";

const PROGRESS_EVERY = 2000;

/**
 * @param {object} asked `{isWorkbook, sheet?, encoding?, items?, form?, purposes, maxRows, maxBytes, today}`
 * @param {(rows: number) => void} [progress]
 * @returns {{items: string[], form: string|null, codes: string[], rows: string[][], findings: object[],
 *   doubled: number[][], refusal: object|null, heading: string, sheets: string[], sheet: string|null}} `rows` as read, one
 *   for each data row; `sheets` that are shown, and the one that was read
 */
export function checkFile(rules, content, asked, progress = () => {}) {
    const seen = { items: [], form: null, codes: [], rows: [], findings: [], doubled: [], refusal: null, heading: "" };
    Object.assign(seen, { sheets: [], sheet: null });
    let file = null;
    try {
        if (content.length > asked.maxBytes) throw new Refused("data_too_large", { column: "data.size" });
        if (asked.isWorkbook) seen.sheets = shownSheets(content);
        seen.sheet = asked.sheet ?? seen.sheets[0] ?? null;
        file = openFile(rules, content, asked);
        const reading = asked.items ?? readingByHeader(rules, file.header, asked.purposes).items;
        seen.items = reading;
        seen.form = asked.items ? (asked.form ?? null) : readingByHeader(rules, file.header, asked.purposes).form;
        judge(
            rules,
            readTable(rules, file, seen.items, seen.form),
            seen,
            { ...asked, isWorkbook: file.isWorkbook },
            progress,
        );
    } catch (error) {
        if (!(error instanceof Refused)) throw error;
        seen.refusal = { code: error.code, row: error.row, column: error.column };
        seen.heading = headingOf(rules, file, seen);
    }
    seen.doubled = doubledReferences(seen);
    return seen;
}

/** The file's own words for the column that a refusal names, for the eyes of whoever chose the file. */
function headingOf(rules, file, seen) {
    const { code, column } = seen.refusal;
    if (code === "column_doubled") return wordsOf(rules, file.header, seen, column).join("”、“");
    return file?.header?.[Number(/^#([0-9]+)$/.exec(column ?? "")?.[1]) - 1] ?? "";
}

function judge(rules, table, seen, asked, progress) {
    seen.codes = table.codes;
    const judgeRow = rowJudge(rules, seen, asked.today);
    const reference = table.codes.indexOf("row_ref");
    let referred = false;
    let unreadable = 0;
    for (const { cells, fault } of table.rows()) {
        seen.rows.push(cells);
        referred ||= hasText(cells[reference]);
        if (judgeRow(cells, fault, seen.rows.length, seen.findings)) unreadable += 1;
        if (seen.rows.length % PROGRESS_EVERY === 0) progress(seen.rows.length);
    }
    const refuse = wholeRefusal(rules, seen, asked, referred, unreadable);
    if (!refuse) return;
    if (asked.isWorkbook && refuse.beforeRows) Object.assign(seen, { findings: [], rows: [] });
    throw refuse.refusal;
}

/** What refuses the whole after its rows were read; a workbook's rows are counted before any is judged. */
function wholeRefusal(rules, seen, asked, referred, unreadable) {
    const count = seen.rows.length;
    const before = (code, place) => ({ refusal: new Refused(code, place), beforeRows: true });
    if (count === 0) return before("no_rows");
    if (count > asked.maxRows && !asked.isWorkbook)
        return { refusal: new Refused("rows_too_many", { column: "rows" }) };
    if (asked.rows !== undefined && asked.rows !== null && asked.rows !== count) {
        return before("row_count", { row: count, column: "rows" });
    }
    if (!referred) return before("row_refs_empty", { column: "row_ref" });
    if (count > asked.maxRows) return { refusal: new Refused("rows_too_many", { column: "rows" }) };
    const share = count >= rules.fewest_rows_judged ? unreadable / count : 0;
    const objection = seen.items[0] === OBJECTION;
    return !objection && share > rules.max_unreadable_share ? { refusal: new Refused("rows_unreadable") } : null;
}

/** A function that adds a row's findings and says whether nobody could be looked up by it. */
function rowJudge(rules, { items, form, codes }, today) {
    const places = new Map(codes.map((code, place) => [code, place]));
    if (items[0] === OBJECTION) {
        return (_, fault, row, findings) => {
            if (fault) findings.push({ row, column: null, code: fault });
            return false;
        };
    }
    if (items[0] === UNREGISTERED) {
        const columns = columnsFor(rules, items, form).map((each) => each.column);
        return (cells, fault, row, findings) => {
            const claim = Object.fromEntries(columns.map((code) => [code, cells[places.get(code)] ?? ""]));
            const code = fault ?? unregisteredFault(rules, claim, today);
            if (code) findings.push({ row, column: null, code });
            return Boolean(code);
        };
    }
    const claims = claimFaults(rules, items);
    return (cells, fault, row, findings) => {
        const say = (column, code) => {
            if (code && !fault) findings.push({ row, column, code });
        };
        if (fault) findings.push({ row, column: null, code: fault });
        const number = readNumber(rules, cells[places.get("id_number")], today);
        const name = nameFault(rules, standardName(rules, cells[places.get("name")]));
        say("id_number", number.fault);
        say("name", name);
        if (number.repaired) say("id_number", "id_repaired");
        if (number.from15) say("id_number", "id_from_15");
        if (!fault) for (const [column, faultOf] of claims) say(column, faultOf(cells[places.get(column)]));
        return Boolean(number.fault || name);
    };
}

/** Groups of rows whose reference is the same. */
function doubledReferences({ codes, rows }) {
    const place = codes.indexOf("row_ref");
    const rowsOf = new Map();
    rows.forEach((cells, at) => {
        const reference = cells[place];
        if (!hasText(reference)) return;
        if (rowsOf.has(reference)) rowsOf.get(reference).push(at + 1);
        else rowsOf.set(reference, [at + 1]);
    });
    return [...rowsOf.values()].filter((numbers) => numbers.length > 1);
}
