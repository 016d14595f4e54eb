/**
 * The rows of a checked list that have a fault, to be typed over in place, or kept as a mended list or a marked workbook.
 *
 * Rule: what was typed is never lost: a set is made of the list as it stands on the page (`takeMends`).
 */
import { writeCsv, writeWorkbook } from "../core/write.js";
import { button, el, save, say, sentence, table } from "./dom.js";
import { keepOpen, mayClose } from "./unsaved.js";
import { NOTED, codeEntry, columnWord } from "./words.js";

const SHOWN = 100;
const LONG = /id_number$|address|birthplace|native_place|statement/;
const WIDEST = 42;
const WIDE = /[\u2e80-\uffef]/g;
const DOUBLED = { zh: "重复", en: "stands twice" };

/** Puts what was typed into the list in the place of the file; nothing where nothing was typed. */
export function takeMends(desk) {
    if (!desk.seen?.typed) return;
    desk.data = {
        name: desk.data.name.replace(/\.[^.]*$/, ".csv"),
        content: correctedCsv(desk),
        isWorkbook: false,
        sheet: null,
        mended: true,
    };
    desk.seen.typed = false;
}

/** @param {() => void} again checks the list as it stands then */
export function rowsToMend(desk, again) {
    const byRow = faultsByRow(desk.seen);
    const toMend = [...byRow.values()].flat().some(({ code }) => !NOTED.includes(code));
    const place = el("div", {});
    const show = (from) => place.replaceChildren(...pageOf(desk, byRow, from, show));
    show(0);
    const named = (ending) => desk.data.name.replace(/\.[^.]*$/, ending);
    const mend = button(
        say("按改正的内容再检查", "Check again as mended"),
        () => {
            takeMends(desk);
            again();
        },
        toMend ? "main" : "",
    );
    const keep = button(say("保存改正后的 CSV", "Save the mended CSV"), () => {
        save(named("-已改正.csv"), correctedCsv(desk));
        mayClose("typed");
    });
    const mark = button(say("保存标出问题的工作簿", "Save a marked workbook"), () =>
        save(named("-问题.xlsx"), markedWorkbook(desk, byRow)),
    );
    return el(
        "div",
        {},
        el(
            "h3",
            {},
            toMend
                ? say("有问题的行（可直接在格内改正）", "Rows with faults (type into the cells to mend them)")
                : say("已自动整理的行（不用改）", "Rows that were evened out (nothing is to be mended)"),
        ),
        el(
            "p",
            { class: "hint" },
            say("行号从表头下一行数起，空行不算。", "Rows count from the one below the header, blank ones left out. "),
            toMend
                ? say("红框是要改的格；改好后再检查一次。", "What is framed in red is to be mended; then check again.")
                : say("原表不会改动，发送的仍是原样。", "The list itself is sent as it is."),
        ),
        place,
        el("p", { class: "row" }, mend, keep, mark),
    );
}

/** Row → `{column, code, entry}` of each fault and remark, those of doubled references among them; rows in order. */
function faultsByRow({ findings, doubled }) {
    const byRow = new Map();
    const add = (row, found) => byRow.set(row, [...(byRow.get(row) ?? []), found]);
    for (const { row, column, code } of findings) add(row, { column, code });
    for (const rows of doubled) for (const row of rows) add(row, { column: "row_ref", code: null });
    return new Map([...byRow].sort(([one], [other]) => one - other));
}

const entryOf = (rules, code) => (code ? codeEntry(rules, code) : DOUBLED);

function pageOf(desk, byRow, from, show) {
    const { rules, seen } = desk;
    const to = Math.min(from + SHOWN, byRow.size);
    const shown = [...byRow].slice(from, to).map(([row, found]) => rowOf(desk, row, found));
    const head = [say("行", "Row"), say("问题", "Faults"), ...seen.codes.map((code) => columnWord(rules, code))];
    const more =
        byRow.size > SHOWN &&
        say(`第 ${from + 1} 至 ${to} 行，共 ${byRow.size} 行`, `${from + 1} to ${to} of ${byRow.size}`);
    const pages = [
        from > 0 && button(say("上一页", "Back"), () => show(from - SHOWN)),
        to < byRow.size && button(say("下一页", "On"), () => show(from + SHOWN)),
    ];
    return [
        table(head, shown, "有问题的行 rows with faults"),
        el("p", { class: "row" }, [more, ...pages].filter(Boolean)),
    ];
}

function rowOf(desk, row, found) {
    const { rules, seen } = desk;
    const bad = new Set(found.filter((each) => !NOTED.includes(each.code)).map((each) => each.column));
    const cells = seen.codes.map((code, place) => {
        const input = el("input", {
            type: "text",
            "aria-label": `第 ${row} 行 ${columnWord(rules, code)}`,
            class: [bad.has(code) || bad.has(null) ? "bad" : "", LONG.test(code) ? "long" : ""].join(" "),
        });
        input.value = seen.rows[row - 1][place];
        input.style.minWidth = `${Math.min(letterWidth(input.value) + 3, WIDEST)}ch`;
        input.addEventListener("input", () => {
            seen.rows[row - 1][place] = input.value;
            seen.typed = true;
            keepOpen("typed");
        });
        return input;
    });
    const said = found.map(({ column, code }) =>
        el("div", {}, column ? `${columnWord(rules, column)}：` : "", sentence(entryOf(rules, code))),
    );
    return [String(row), el("div", { class: "faults" }, said), ...cells];
}

const letterWidth = (text) => text.length + (text.match(WIDE)?.length ?? 0);

const correctedCsv = ({ rules, seen }) => writeCsv([seen.codes.map((code) => columnWord(rules, code)), ...seen.rows]);

/** The whole list, with what is wrong and what to do behind each row that has something. */
function markedWorkbook({ rules, seen }, byRow) {
    const head = [...seen.codes.map((code) => columnWord(rules, code)), "问题", "怎么办"];
    const rows = seen.rows.map((cells, at) => {
        const found = byRow.get(at + 1) ?? [];
        const faults = found.map(
            ({ column, code }) => `${column ? `${columnWord(rules, column)}：` : ""}${entryOf(rules, code).zh}`,
        );
        const advice = found.map(({ code }) => rules.advice[code]?.zh ?? "").filter(Boolean);
        return [...cells, faults.join("；"), advice.join("；")];
    });
    return writeWorkbook("核查数据", [head, ...rows], (at) => byRow.has(at));
}
