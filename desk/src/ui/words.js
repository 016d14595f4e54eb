/**
 * Codes in the words of a clerk.
 */
import { say } from "./dom.js";

export const CYCLES = {
    annual: "年",
    half_yearly: "半年",
    quarterly: "季",
    monthly: "月",
    ad_hoc: "临时",
    objection: "异议",
};

const columnsOf = (rules) => [
    ...rules.required,
    ...rules.objection,
    ...rules.items_in_order.flatMap((item) => [...item.claim, ...Object.values(item.forms ?? {}).flat()]),
];

/** A column's first Chinese header, or what names it otherwise (`#5`: its place). */
export function columnWord(rules, code) {
    if (!code) return "";
    if (code.startsWith("#")) return `第 ${code.slice(1)} 列`;
    return columnsOf(rules).find((each) => each.column === code)?.zh[0] ?? code;
}

export const itemWord = (rules, code) => rules.items.get(code)?.zh ?? code;

/** The sentence of a row's code. */
export const codeEntry = (rules, code) => rules.answers[code] ?? rules.notes[code] ?? { zh: code, en: code };

/** A refusal: its sentence, and where. */
export function refusalText(rules, { code, row, column }) {
    const entry = rules.refusals[code] ?? { zh: code, en: code };
    const zh = [
        row !== null && row !== undefined ? (row === 0 ? "表头行" : `第 ${row} 行数据`) : "",
        columnWord(rules, column),
    ]
        .filter(Boolean)
        .join("，");
    const en = [row !== null && row !== undefined ? `data row ${row}` : "", column ?? ""].filter(Boolean).join(", ");
    return say(`${entry.zh}${zh ? `（${zh}）` : ""}`, `${entry.en}${en ? ` (${en})` : ""}`);
}
