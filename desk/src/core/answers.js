/**
 * An answer from the office: receipt, notice, result, status or certificate of conformance, trusted step by step, and a result's rows beside one's own.
 *
 * Rules: signature, then what it is about, then the hash of the envelope, and only then is it opened, and the hash of
 * what was inside. The first thing that does not hold ends it: `Untrusted` names it.
 */
import { isTo, open } from "../cms/envelope.js";
import { sha256 } from "../cms/pem.js";
import { verified } from "../cms/sign.js";
import { csvRows, readCsvHeader } from "./csv.js";
import { holds } from "./rules.js";
import { resultText } from "./encoding.js";
import { readSheet } from "./workbook.js";

const FORMATS = {
    "exchange-receipt/1": "receipt",
    "exchange-result/1": "result",
    "exchange-notice/1": "notice",
    "exchange-status/1": "status",
    "exchange-conformance/1": "conformance",
};

/** `signature_missing`, `signature`, `partner`, `format`, `envelope_missing`, `envelope_hash`, `envelope`, `plain_hash`. */
export class Untrusted extends Error {}

/** A signed JSON file: `{kind, record}`. @param pinned the office's signing certificates */
export async function readSigned(content, signature, pinned, partner) {
    if (!signature) throw new Untrusted("signature_missing");
    if (!(await verified(content, signature, pinned))) throw new Untrusted("signature");
    let record;
    try {
        record = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(content));
    } catch {
        throw new Untrusted("format");
    }
    const kind = FORMATS[record.format];
    if (!kind) throw new Untrusted("format");
    if (record.partner !== partner) throw new Untrusted("partner");
    return { kind, record };
}

/** The plain data file of a trusted result manifest. @param own the certificate that bears the key, null where none is known */
export async function openResult(record, envelope, own, key) {
    if (!envelope) throw new Untrusted("envelope_missing");
    if ((await sha256(envelope)) !== record.encrypted.sha256) throw new Untrusted("envelope_hash");
    let plain;
    try {
        plain = await open(envelope, own, key);
    } catch {
        throw new Untrusted("envelope");
    }
    if ((await sha256(plain)) !== record.plain.sha256)
        throw new Untrusted(isTo(envelope, own) ? "plain_hash" : "envelope"); // of another key one in 256 seems to open
    return plain;
}

/** The rows of an opened result: `{columns, rows}` with column codes and answers as codes, whatever its language. */
export function resultRows(rules, record, plain) {
    const { header, rows } = record.plain.name.endsWith(".xlsx")
        ? readSheet(plain)
        : csvTable(rules, resultText(rules, plain));
    const columns = [...rules.result.map((each) => each.column), ...record.items.map((item) => `${item}_answer`)];
    const words = new Map();
    for (const each of rules.result) for (const word of [each.column, ...each.zh]) words.set(word, each.column);
    for (const item of record.items)
        words.set(`${item}_answer`, `${item}_answer`).set(`${rules.items.get(item).zh}核查结果`, `${item}_answer`);
    const places = columns.map((column) => header.findIndex((word) => words.get(word) === column));
    const code = codesOf(rules.answers);
    const note = codesOf(rules.notes);
    return {
        columns,
        rows: rows.map((row) =>
            places.map((place, at) => {
                const text = row[place] ?? "";
                if (columns[at] === "note")
                    return text
                        .split(/[;；]/)
                        .filter(Boolean)
                        .map((each) => note.get(each) ?? each)
                        .join(";");
                return columns[at] === "identity" || columns[at].endsWith("_answer")
                    ? (code.get(text) ?? text)
                    : unmarked(rules, text);
            }),
        ),
    };
}

function csvTable(rules, text) {
    const { header, separator, body } = readCsvHeader(rules, text);
    return { header, rows: [...csvRows(text, separator, body)] };
}

/** Code or Chinese word → code. */
const codesOf = (entries) =>
    new Map(
        Object.values(entries).flatMap(({ code, zh }) => [
            [code, code],
            [zh, code],
        ]),
    );

/** Without the apostrophe that the office puts before what a spreadsheet would take for a formula. */
const unmarked = (rules, text) =>
    text[0] === "'" && holds(rules.like.formula_starts, text.slice(1)) ? text.slice(1) : text;

/** Rows of later results take the places of those that were still open: by reference, in the first one's order. */
export function merged(parts) {
    const [first, ...later] = parts;
    const rows = first.rows.map((row) => [...row]);
    const placesOf = new Map();
    rows.forEach(([reference], at) => placesOf.set(reference, [...(placesOf.get(reference) ?? []), at]));
    for (const part of later) {
        const taken = new Map();
        for (const row of part.rows) {
            const [reference] = row;
            const open = (placesOf.get(reference) ?? []).filter((at) => !taken.get(reference)?.has(at));
            const at = open.find((place) => pendingRow(part.pending, rows[place])) ?? open[0];
            if (at === undefined) continue;
            taken.set(reference, (taken.get(reference) ?? new Set()).add(at));
            rows[at] = row;
        }
    }
    return { columns: first.columns, rows };
}

const pendingRow = (pending, row) => row.some((cell) => pending.has(cell));

/** The codes of answers that follow. */
export const pendingCodes = (rules) =>
    new Set(Object.values(rules.answers).flatMap(({ code, group }) => (group === "pending" ? [code] : [])));
