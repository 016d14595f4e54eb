/**
 * Check: a file is dropped in, and its faults are seen row by row, mended in place or taken along as a marked workbook.
 */
import { Checker } from "./checker.js";
import { dataOf, notRead } from "./dataFile.js";
import { button, el, field, fileField, message, say, sentence, table } from "./dom.js";
import { headerSteps } from "./headerView.js";
import { rowsToMend } from "./mendView.js";
import { otherSheets, sheetField } from "./sheetField.js";
import { officeDay } from "./state.js";
import { mayClose } from "./unsaved.js";
import { NOTED, codeEntry, fileRefusalText, itemWord } from "./words.js";

/** The view's element. `desk.data` and `desk.seen` hold the file that was checked last. */
export function checkView(desk) {
    const { agreement, rules } = desk;
    const checker = new Checker(desk.tables);
    const outcome = el("div", { id: "check-outcome" });
    const purpose = el("select", { id: "check-purpose" });
    purpose.append(el("option", { value: "" }, "按表头自动判断 · by the header"));
    for (const each of agreement.purposes)
        purpose.append(el("option", { value: each.code }, `${each.zh} · ${each.code}`));

    const sheet = sheetField(desk, (name) => {
        desk.data.sheet = name === desk.seen.sheets[0] ? null : name;
        check();
    });
    const hear = (seen) => {
        desk.seen = seen;
        if (seen || !desk.data) sheet.follow();
        for (const each of desk.onChecked) each();
    };
    const check = async () => {
        if (!desk.data) return;
        hear(null); // what was seen of the file before this one is nobody's any more
        const running = runningMessage(checker);
        outcome.replaceChildren(running.element);
        try {
            const seen = await checker.check(desk.data.content, askedOf(desk, purpose.value), running.progress);
            hear(seen);
            if (seen) showOutcome(desk, outcome, check);
            else outcome.replaceChildren(message("note", say("已停止。", "Stopped.")));
        } catch {
            outcome.replaceChildren(message("bad", say("无法检查这个文件。", "The file could not be checked.")));
        }
    };
    const take = async ([file]) => {
        checker.stop();
        mayClose("typed");
        desk.data = null;
        hear(null);
        outcome.replaceChildren();
        const other = notRead(file.name);
        if (other) return outcome.replaceChildren(message("bad", other));
        desk.data = await dataOf(file);
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
        fileField(say("数据文件", "Data file"), { id: "check-file", accept: ".csv,.xlsx,.xls,.et,.ods,.txt" }, take),
        sheet.element,
        field(say("用途", "Purpose"), purpose),
        outcome,
    );
}

/** What the worker is asked, of the whole agreement or of one purpose. */
export function askedOf(desk, purpose, more = {}) {
    const { agreement, data } = desk;
    const purposes = agreement.purposes.filter((each) => !purpose || each.code === purpose);
    const limits = { maxRows: agreement.limits.max_rows, maxBytes: agreement.limits.max_bytes };
    return {
        isWorkbook: data.isWorkbook,
        sheet: data.sheet,
        purposes,
        ...limits,
        today: officeDay().replaceAll("-", ""),
        ...more,
    };
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
    const parts = [verdict(rules, seen, faulty), otherSheets(seen)].filter(Boolean);
    if (seen.items.length && !seen.refusal) parts.push(itemsAsked(desk));
    if (!seen.refusal) parts.push(el("p", { class: "row" }, onward(desk, faulty)));
    if (seen.hidden && !seen.refusal) parts.push(hiddenMessage(seen.hidden));
    if (seen.byNumber && !seen.refusal) parts.push(byNumberMessage(seen.byNumber));
    if (seen.doubled.length) parts.push(doubledMessage(seen.doubled));
    if (seen.findings.length) parts.push(kindsTable(rules, seen.findings));
    if (seen.findings.length || seen.doubled.length) parts.push(rowsToMend(desk, again));
    outcome.replaceChildren(...parts);
}

/** By the header; whether records of offence are asked, no header says. */
function itemsAsked({ agreement, rules, seen }) {
    const records = new Set(agreement.purposes.flatMap((each) => each.letter_items));
    const shown = seen.items.filter((item) => !records.has(item));
    return el(
        "p",
        {},
        say("将核查的事项：", "Items: "),
        shown.map((item) => itemWord(rules, item)).join("、"),
        shown.length < seen.items.length &&
            say("；是否核查违法犯罪记录，在“发送”中勾选", "; whether records of offence, is chosen under Send"),
    );
}

/** To the next step; what is to be mended first is the main button of its own place. */
function onward(desk, faulty) {
    const go = button(
        say("下一步：发送", "Next: make the request"),
        () => desk.show("send", true),
        faulty ? "" : "main",
    );
    go.id = "check-onward";
    return go;
}

function verdict(rules, seen, faulty) {
    if (seen.refusal)
        return message(
            "bad",
            el("strong", {}, say("不能发送：", "Would be refused: ")),
            fileRefusalText(rules, { ...seen.refusal, heading: seen.heading }),
            " ",
            el("code", {}, seen.refusal.code),
            headerSteps(seen.header),
        );
    const count = seen.rows.length;
    if (faulty)
        return message(
            "warn",
            say(
                `共 ${count} 行，其中 ${faulty} 行有问题。可以发送，但有问题的行得不到答复，建议先改正：在下面红框的格内直接改，或在表格软件中改好再拖进来。`,
                `${count} rows, ${faulty} with a fault. It would be taken, but these rows get no answer: mend them first, in the cells framed in red below or in the spreadsheet.`,
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

function hiddenMessage(count) {
    return message(
        "warn",
        say(
            `其中 ${count} 行在工作表中是隐藏或筛选掉的，照样核查，计入行数；不该核查的，请在表格软件中取消筛选，删去后再拖进来。`,
            `${count} rows are hidden or filtered out in the sheet; they are asked like any other. Take the filter off and delete those that are not to be asked.`,
        ),
    );
}

function byNumberMessage(count) {
    return message(
        "warn",
        say(
            `有 ${count} 行的业务编号是公民身份号码：业务编号在答复中原样返回，不脱敏；请改用本部门自编的编号。`,
            `The reference of ${count} rows is an identity number: it comes back as it is, not masked. Use numbers of your own.`,
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
