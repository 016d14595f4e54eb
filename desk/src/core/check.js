/**
 * What the intake would say of a data file, row by row; mirrors `exchange/steps/check.py`.
 *
 * Rules: a finding is a code and a place. A file is read by the items that its header shows, or by those given. Rows
 * whose reference stands twice, is an identity number, or that the sheet does not show, are told beside the findings: the
 * office takes them, and the clerk may not mean it.
 */
import { claimFaults } from "./claims.js";
import { OBJECTION, UNREGISTERED, columnsFor, readingByHeader, wordsOf } from "./columns.js";
import { headerHelp } from "./headerHelp.js";
import { mayHaveLostDigits, readNumber } from "./idNumbers.js";
import { nameFault, standardName } from "./names.js";
import { Refused } from "./refused.js";
import { openFile, readTable } from "./table.js";
import { hasText } from "./text.js";
import { unregisteredFault } from "./unregistered.js";
import { shownSheets } from "./workbook.js";

const AT_A_TIME = 2000;

/**
 * @param {object} asked `{isWorkbook, sheet?, encoding?, items?, form?, purposes, maxRows, maxBytes, today}`
 * @param {(rows: string[][]) => void} take gets the rows as read, some at a time: a million are never held here
 * @returns {{items: string[], form: string|null, codes: string[], count: number, findings: object[],
 *   doubled: number[][], byNumber: number, hidden: number, refusal: object|null, heading: string, header: object|null,
 *   sheets: string[], sheet: string|null}}
 *   `byNumber`: how many rows have an identity number for their reference; `hidden`: how many the sheet does not show;
 *   `count`: how many of the rows that were taken stand; `header`: how to put it right (`headerHelp.js`); `sheets` that are
 *   shown, and the one that was read
 */
export function checkFile(rules, content, asked, take) {
    const seen = {
        items: [],
        form: null,
        codes: [],
        count: 0,
        findings: [],
        doubled: [],
        byNumber: 0,
        hidden: 0,
        refusal: null,
        heading: "",
        header: null,
    };
    Object.assign(seen, { sheets: [], sheet: null });
    let file = null;
    try {
        if (content.length > asked.maxBytes) throw new Refused("data_too_large", { column: "data.size" });
        if (asked.isWorkbook) seen.sheets = shownSheets(content);
        seen.sheet = asked.sheet ?? seen.sheets[0] ?? null;
        file = openFile(rules, content, asked);
        seen.hidden = file.sheet?.hidden ?? 0;
        const reading = asked.items ?? readingByHeader(rules, file.header, asked.purposes).items;
        seen.items = reading;
        seen.form = asked.items ? (asked.form ?? null) : readingByHeader(rules, file.header, asked.purposes).form;
        judge(
            rules,
            readTable(rules, file, seen.items, seen.form),
            seen,
            { ...asked, isWorkbook: file.isWorkbook },
            take,
        );
    } catch (error) {
        if (!(error instanceof Refused)) throw error;
        seen.refusal = { code: error.code, row: error.row, column: error.column };
        seen.heading = headingOf(rules, file, seen);
        seen.header = headerHelp(rules, file, seen, asked);
    }
    return seen;
}

/** The file's own words for the column that a refusal names, for the eyes of whoever chose the file. */
function headingOf(rules, file, seen) {
    const { code, column } = seen.refusal;
    if (code === "column_doubled") return wordsOf(rules, file.header, seen, column).join("”、“");
    return file?.header?.[Number(/^#([0-9]+)$/.exec(column ?? "")?.[1]) - 1] ?? "";
}

function judge(rules, table, seen, asked, take) {
    seen.codes = table.codes;
    const judgeRow = rowJudge(rules, seen, asked.today);
    const reference = table.codes.indexOf("row_ref");
    const own = seen.items[0] !== OBJECTION; // else they are the earlier batch's
    const referred = new Map();
    let unreadable = 0;
    let read = [];
    const handOver = () => {
        take(read);
        read = [];
    };
    try {
        for (const { cells, fault } of table.rows()) {
            read.push(cells);
            seen.count += 1;
            noteReference(referred, cells[reference], seen.count);
            if (own && isNumber(rules, cells[reference], asked.today)) seen.byNumber += 1;
            if (judgeRow(cells, fault, seen.count, seen.findings)) unreadable += 1;
            if (read.length === AT_A_TIME) handOver();
        }
    } finally {
        handOver();
        seen.doubled = [...referred.values()].filter(Array.isArray);
    }
    const refuse = wholeRefusal(rules, seen, asked, referred.size > 0, unreadable);
    if (!refuse) return;
    if (asked.isWorkbook && refuse.beforeRows) Object.assign(seen, { findings: [], count: 0, doubled: [] });
    throw refuse.refusal;
}

const MAY_BE_NUMBER = /^\s*(?:\d{15}|\d{17}[\dXx])\s*$/;

/** Whether a reference is an identity number: it comes back as it is, where the number itself is masked. */
const isNumber = (rules, reference, today) =>
    MAY_BE_NUMBER.test(reference) && !readNumber(rules, reference, today).fault;

/** Keeps the row of a reference, or the rows where it stands more than once. */
function noteReference(referred, reference, row) {
    if (!hasText(reference)) return;
    const before = referred.get(reference);
    if (before === undefined) referred.set(reference, row);
    else if (Array.isArray(before)) before.push(row);
    else referred.set(reference, [before, row]);
}

/** What refuses the whole after its rows were read; a workbook's rows are counted before any is judged. */
function wholeRefusal(rules, seen, asked, referred, unreadable) {
    const { count } = seen;
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
            return Boolean(code || mayHaveLostDigits(rules, claim.mother_id_number ?? ""));
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
        return Boolean(number.fault || name || mayHaveLostDigits(rules, cells[places.get("id_number")]));
    };
}
