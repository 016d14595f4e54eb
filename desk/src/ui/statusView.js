/**
 * The office's status file (近况) in a clerk's words: what is to be done first, then what lies where.
 */
import { el, message, say, table } from "./dom.js";
import { refusedWords } from "./words.js";

const STAGES = {
    received: ["已收件，待判定", "received, not judged yet"],
    in_work: ["已受理，办理中", "accepted, in work"],
    answered_in_part: ["已答复，余下补发", "answered, the rest follows"],
    answered: ["已答复", "answered"],
    refused: ["不予受理", "refused"],
};
const beijing = (stamp) => stamp.slice(0, 16).replace("T", " ");

/** TEST, where the file says so. */
export const testMark = (record) =>
    record.stage === "test" && el("strong", {}, say("【测试 TEST，虚构数据】", "[TEST, invented people] "));

export function statusMessage({ rules }, record) {
    const open = record.batches.filter((each) => !["answered", "refused"].includes(each.stage));
    const refused = record.batches.filter((each) => each.refusal);
    const todo = [...toDo(record)];
    return el(
        "article",
        { "aria-label": "status" },
        el("h3", {}, say("近况", "How you stand"), ` ${beijing(record.made_at)}`),
        message(
            todo.length ? "warn" : "good",
            testMark(record),
            todo.length ? todo : say("没有待办事项。", "Nothing to do."),
        ),
        record.maintenance.map((each) =>
            message("warn", `${beijing(each.begins_at)} — ${beijing(each.ends_at)} `, say(each.zh, each.en)),
        ),
        part(
            say("在办批次", "Batches under way"),
            [say("批次", "batch"), say("进度", "how far"), say("未答行数", "rows open"), say("时限", "due")],
            open.map((each) => [
                each.test ? `${each.batch} TEST` : each.batch,
                say(...STAGES[each.stage]),
                each.rows_open ?? "—",
                due(each),
            ]),
        ),
        part(
            say("近三十天不予受理", "Refused within 30 days"),
            [say("批次", "batch"), say("原因", "reason")],
            refused.map((each) => [each.batch, refusedWords(rules, each.refusal)]),
        ),
        part(
            say("应报请求", "Sets that are expected"),
            [say("期间", "period"), say("最晚", "by")],
            record.expected.map((each) => [each.period, each.expected_by]),
        ),
        part(
            say("证书", "Certificates"),
            [say("所属", "whose"), say("用于", "for"), say("到期", "ends on")],
            record.certificates.map((each) => [
                each.whose === "partner" ? say("本单位", "yours") : say("户政部门", "the office's"),
                each.use === "signing" ? say("签名", "signing") : say("加密", "encryption"),
                each.ends_on,
            ]),
        ),
    );
}

const due = ({ due: day }) => (day ? (day.clock_stands ? say("停止计时", "the clock stands") : day.day) : "—");

function* toDo(record) {
    for (const each of record.results) yield el("p", {}, say(`待取：${each.name}`, `To fetch: ${each.name}`));
    for (const each of record.incomplete) yield el("p", {}, `${each.about}：`, say(each.zh, each.en));
    for (const each of record.expected.filter((one) => one.overdue))
        yield el("p", {}, say(`应报未报：${each.period}`, `Overdue: ${each.period}`));
    for (const each of record.certificates.filter((one) => one.soon))
        yield el("p", {}, say(`证书 ${each.ends_on} 到期，请更换`, `A certificate ends on ${each.ends_on}`));
}

/** A table under its title; nothing where it has no rows. */
const part = (title, head, rows) => (rows.length ? [el("h4", {}, title), table(head, rows, title.textContent)] : null);
