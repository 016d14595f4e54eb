/**
 * Check: a file is dropped in, and its faults are seen row by row, mended in place or taken along as a marked workbook.
 */
import { writeCsv, writeWorkbook } from "../core/write.js";
import { Checker } from "./checker.js";
import { button, bytesOf, el, field, fileField, message, save, say, sentence, table } from "./dom.js";
import { officeDay } from "./state.js";
import { codeEntry, columnWord, itemWord, refusalText } from "./words.js";

const SHOWN = 100;
export const NOTED = ["id_repaired", "id_from_15"];

/** The view's element. `desk.data` and `desk.seen` hold the file that was checked last. */
export function checkView(desk) {
    const { agreement, rules } = desk;
    const checker = new Checker(desk.tables);
    const outcome = el("div", { id: "check-outcome" });
    const purpose = el("select", { id: "check-purpose" });
    purpose.append(el("option", { value: "" }, "按表头自动判断 · by the header"));
    for (const each of agreement.purposes)
        purpose.append(el("option", { value: each.code }, `${each.zh} · ${each.code}`));

    const check = async () => {
        if (!desk.data) return;
        const running = runningMessage(checker);
        outcome.replaceChildren(running.element);
        try {
            const seen = await checker.check(desk.data.content, askedOf(desk, purpose.value), running.progress);
            desk.seen = seen;
            for (const hear of desk.onChecked) hear();
            if (seen) showOutcome(desk, outcome, check);
            else outcome.replaceChildren(message("note", say("已停止。", "Stopped.")));
        } catch {
            outcome.replaceChildren(message("bad", say("无法检查这个文件。", "The file could not be checked.")));
        }
    };
    const take = async ([file]) => {
        desk.data = {
            name: file.name,
            content: await bytesOf(file),
            isWorkbook: /\.xlsx$/i.test(file.name),
            mended: false,
        };
        if (/\.(xls|et)$/i.test(file.name)) {
            const zh = "这是旧版 .xls 或 WPS 的 .et：请在表格软件中“另存为”.xlsx 或 CSV，再拖进来。";
            outcome.replaceChildren(
                message("bad", say(zh, "An old .xls or a .et of WPS: save it as .xlsx or CSV and drop that in.")),
            );
            return;
        }
        await check();
    };
    purpose.addEventListener("change", check);
    return el(
        "section",
        { "aria-labelledby": "check-title" },
        el("h2", { id: "check-title" }, say("检查数据文件", "Check a data file")),
        el(
            "p",
            {},
            say(
                "把要核查的名单拖到下面（CSV 或 XLSX，WPS 和 Excel 都可以）。文件不会离开这台电脑。",
                "Drop the list in (CSV or XLSX). It does not leave this computer.",
            ),
        ),
        fileField(say("数据文件", "Data file"), { id: "check-file", accept: ".csv,.xlsx,.xls,.et,.txt" }, take),
        field(say("用途", "Purpose"), purpose),
        outcome,
    );
}

/** What the worker is asked, of the whole agreement or of one purpose. */
export function askedOf(desk, purpose, more = {}) {
    const { agreement, data } = desk;
    const purposes = agreement.purposes.filter((each) => !purpose || each.code === purpose);
    const limits = { maxRows: agreement.limits.max_rows, maxBytes: agreement.limits.max_bytes };
    return { isWorkbook: data.isWorkbook, purposes, ...limits, today: officeDay().replaceAll("-", ""), ...more };
}

/** A running check: how many rows are read, and the button that ends it. */
export function runningMessage(checker) {
    const count = el("span", { class: "count" }, "0");
    const element = message(
        "note",
        say("正在检查，已读行数：", "Checking, rows read: "),
        count,
        " ",
        button(say("停止", "Stop"), () => checker.stop()),
    );
    return { element, progress: (rows) => (count.textContent = String(rows)) };
}

function showOutcome(desk, outcome, again) {
    const { rules, seen } = desk;
    const faults = seen.findings.filter((each) => !NOTED.includes(each.code));
    const faulty = new Set(faults.map((each) => each.row)).size;
    const parts = [verdict(rules, seen, faulty)];
    if (seen.items.length)
        parts.push(
            el("p", {}, say("将核查的事项：", "Items: "), seen.items.map((item) => itemWord(rules, item)).join("、")),
        );
    if (seen.doubled.length) parts.push(doubledMessage(seen.doubled));
    if (seen.findings.length) parts.push(kindsTable(rules, seen.findings), rowsTable(desk, again));
    outcome.replaceChildren(...parts);
}

function verdict(rules, seen, faulty) {
    if (seen.refusal)
        return message(
            "bad",
            el("strong", {}, say("不能发送：", "Would be refused: ")),
            refusalText(rules, seen.refusal),
            " ",
            el("code", {}, seen.refusal.code),
        );
    const count = seen.rows.length;
    if (faulty)
        return message(
            "warn",
            say(
                `共 ${count} 行，其中 ${faulty} 行有问题。可以发送，但有问题的行得不到答复，建议先改正。`,
                `${count} rows, ${faulty} with a fault. It would be taken, but these rows get no answer: mend them first.`,
            ),
        );
    return message(
        "good",
        say(`共 ${count} 行，没有发现问题，可以发送。`, `${count} rows, no fault: ready to be sent.`),
    );
}

function doubledMessage(doubled) {
    const shown = doubled.slice(0, 10).map((rows) => rows.slice(0, 6).join("、"));
    return message(
        "warn",
        say(
            `业务编号重复（第 ${shown.join("；")} 行）：可以发送，但答复回来时分不清是哪一行。`,
            `References stand twice (rows ${shown.join("; ")}): the answers could not be told apart.`,
        ),
    );
}

/** How often each kind of fault was found, and what to do about it. */
function kindsTable(rules, findings) {
    const counts = new Map();
    for (const { code } of findings) counts.set(code, (counts.get(code) ?? 0) + 1);
    const rows = [...counts].map(([code, count]) => [
        sentence(codeEntry(rules, code)),
        String(count),
        rules.advice[code] ? sentence(rules.advice[code]) : "",
        el("code", {}, code),
    ]);
    return table(
        [say("问题", "Fault"), say("处数", "Places"), say("怎么办", "What to do"), say("代码", "Code")],
        rows,
        "问题汇总 summary of faults",
    );
}

/** The rows with faults, to be mended in place. */
function rowsTable(desk, again) {
    const { rules, seen } = desk;
    const byRow = new Map();
    for (const each of seen.findings) byRow.set(each.row, [...(byRow.get(each.row) ?? []), each]);
    const place = el("div", {});
    const show = (from) => {
        const shown = [...byRow].slice(from, from + SHOWN).map(([row, found]) => rowOf(desk, row, found));
        const head = [say("行", "Row"), ...seen.codes.map((code) => columnWord(rules, code)), say("问题", "Faults")];
        const more =
            byRow.size > SHOWN &&
            say(
                `第 ${from + 1} 至 ${Math.min(from + SHOWN, byRow.size)} 行，共 ${byRow.size} 行有问题`,
                `${from + 1} to ${Math.min(from + SHOWN, byRow.size)} of ${byRow.size}`,
            );
        const pages = [
            from > 0 && button(say("上一页", "Back"), () => show(from - SHOWN)),
            from + SHOWN < byRow.size && button(say("下一页", "On"), () => show(from + SHOWN)),
        ];
        place.replaceChildren(
            table(head, shown, "有问题的行 rows with faults"),
            el("p", { class: "row" }, [more, ...pages].filter(Boolean)),
        );
    };
    show(0);
    const mend = button(
        say("按改正的内容再检查", "Check again as mended"),
        () => {
            desk.data = {
                name: desk.data.name.replace(/\.[^.]*$/, ".csv"),
                content: correctedCsv(desk),
                isWorkbook: false,
                mended: true,
            };
            again();
        },
        "main",
    );
    const keep = button(say("保存改正后的 CSV", "Save the mended CSV"), () =>
        save(desk.data.name.replace(/\.[^.]*$/, "-已改正.csv"), correctedCsv(desk)),
    );
    const mark = button(say("保存标出问题的工作簿", "Save a marked workbook"), () =>
        save(desk.data.name.replace(/\.[^.]*$/, "-问题.xlsx"), markedWorkbook(desk)),
    );
    return el(
        "div",
        {},
        el("h3", {}, say("有问题的行（可直接在格内改正）", "Rows with faults (type into the cells to mend them)")),
        place,
        el("p", { class: "row" }, mend, keep, mark),
    );
}

function rowOf(desk, row, found) {
    const { rules, seen } = desk;
    const bad = new Set(found.filter((each) => !NOTED.includes(each.code)).map((each) => each.column));
    const cells = seen.codes.map((code, place) => {
        const input = el("input", {
            type: "text",
            "aria-label": `第 ${row} 行 ${columnWord(rules, code)}`,
            class: bad.has(code) || bad.has(null) ? "bad" : "",
        });
        input.value = seen.rows[row - 1][place];
        input.addEventListener("input", () => (seen.rows[row - 1][place] = input.value));
        return input;
    });
    const said = found.map(({ column, code }) =>
        el("div", {}, column ? `${columnWord(rules, column)}：` : "", sentence(codeEntry(rules, code))),
    );
    return [String(row), ...cells, said];
}

const correctedCsv = ({ rules, seen }) => writeCsv([seen.codes.map((code) => columnWord(rules, code)), ...seen.rows]);

function markedWorkbook({ rules, seen }) {
    const said = new Map();
    for (const { row, column, code } of seen.findings) {
        const words = `${column ? `${columnWord(rules, column)}：` : ""}${codeEntry(rules, code).zh}`;
        const what = rules.advice[code]?.zh ?? "";
        const [faults, advice] = said.get(row) ?? [[], []];
        said.set(row, [
            [...faults, words],
            [...advice, what],
        ]);
    }
    const head = [...seen.codes.map((code) => columnWord(rules, code)), "问题", "怎么办"];
    const rows = seen.rows.map((cells, at) => [
        ...cells,
        ...(said.get(at + 1) ?? [[], []]).map((texts) => texts.join("；")),
    ]);
    return writeWorkbook("核查数据", [head, ...rows], (at) => said.has(at));
}
