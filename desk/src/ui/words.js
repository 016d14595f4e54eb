/**
 * Codes in the words of a clerk.
 */
import { say } from "./dom.js";

/** Codes of rows that need nothing. */
export const NOTED = ["id_repaired", "id_from_15"];

export const CYCLES = {
    annual: "年",
    half_yearly: "半年",
    quarterly: "季",
    monthly: "月",
    ad_hoc: "临时",
    objection: "异议",
};

/** The manifest's fields as the page calls them: a set that is refused for one was made by it. */
const FIELDS = {
    partner: "部门代号",
    batch: "批次编号",
    cycle: "周期",
    period: "期间",
    purpose: "用途",
    legal_basis: "法律依据",
    letter: "介绍信编号",
    handler: "经办人",
    items: "所核事项",
    objects_to: "有异议的原批次号",
    rows: "行数",
    data: "数据文件",
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
    return columnsOf(rules).find((each) => each.column === code)?.zh[0] ?? fieldWord(code);
}

/** A manifest's field; `items.3` counts from 0. */
function fieldWord(code) {
    const [name, place] = code.split(".");
    const numbered = name === "items" && /^[0-9]+$/.test(place ?? "") ? `第 ${Number(place) + 1} 项` : "";
    return name in FIELDS ? FIELDS[name] + numbered : code;
}

export const itemWord = (rules, code) => rules.items.get(code)?.zh ?? CYCLES[code] ?? code;

/** The sentence of a row's code. */
export const codeEntry = (rules, code) => rules.answers[code] ?? rules.notes[code] ?? { zh: code, en: code };

/** Where a refusal is, in words: `row` counts without the header, and is the count itself where that is what is wrong. */
function placeOf(rules, { code, row, column, heading }) {
    const counted = code === "row_count";
    const has = row !== null && row !== undefined;
    const zh = has && (counted ? `文件实有 ${row} 行数据` : row === 0 ? "表头行" : `第 ${row} 行数据`);
    const en = has && (counted ? `the file has ${row} rows` : row === 0 ? "the header" : `data row ${row}`);
    const named = heading ? `“${heading}”` : "";
    return {
        zh: [zh, !counted && columnWord(rules, column) + named].filter(Boolean).join("，"),
        en: [en, !counted && [column, named].filter(Boolean).join(" ")].filter(Boolean).join(", "),
    };
}

/** A refusal of a set, as a receipt or the status file has it: in the desk's words where it has any, else the office's. */
export const refusedWords = (rules, refusal) => withPlace(rules, rules.file[refusal.code] ?? refusal, refusal);

/** A refusal of a file that was chosen here: in the desk's words, which know of no manifest. */
export const fileRefusalText = (rules, refusal) =>
    withPlace(rules, rules.file[refusal.code] ?? rules.refusals[refusal.code], refusal);

function withPlace(rules, entry, refusal) {
    const { zh, en } = placeOf(rules, refusal);
    const said = entry ?? { zh: refusal.code, en: refusal.code };
    return say(`${said.zh}${zh ? `（${zh}）` : ""}`, `${said.en}${en ? ` (${en})` : ""}`);
}
