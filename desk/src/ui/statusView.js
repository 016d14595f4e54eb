/**
 * The office's status file (近况) in a clerk's words: what is to be done first, then what lies where.
 */
import { el, message, say, table } from "./dom.js";
import { CYCLES, refusedWords } from "./words.js";

const STAGES = {
    received: ["已收件，待判定", "received, not judged yet"],
    in_work: ["已受理，办理中", "accepted, in work"],
    answered_in_part: ["已答复，余下补发", "answered, the rest follows"],
    answered: ["已答复", "answered"],
    refused: ["不予受理", "refused"],
};
/** It is made anew each day: of one that is older another lies at the office's by now. */
const OLD_AFTER_HOURS = 36;
const HOUR = 3_600_000;
const beijing = (stamp) => stamp.slice(0, 16).replace("T", " ");

/** TEST, where the file says so; that it is live, where this desk was made for the test stage. */
export const testMark = ({ stage }, record) =>
    record.stage === "test"
        ? el("strong", {}, say("【测试 TEST，虚构数据】", "[TEST, invented people] "))
        : stage === "test" && el("strong", {}, say("【正式，不是测试】", "[live, no test] "));

/** @param {(name: string) => boolean} atHand whether a file was dropped in, too */
export function statusMessage({ agreement, rules }, record, atHand, now = Date.now()) {
    const open = record.batches.filter((each) => !["answered", "refused"].includes(each.stage));
    const refused = record.batches.filter((each) => each.refusal);
    const todo = [...toDo(record, atHand)];
    const old = now - Date.parse(record.made_at) > OLD_AFTER_HOURS * HOUR;
    return el(
        "article",
        { "aria-label": "status", class: "status" },
        el("h3", {}, say("近况", "How you stand"), ` ${beijing(record.made_at)}`),
        old &&
            message(
                "warn",
                say(
                    "这份近况不是今天的：请从 from-office 重新取回 status.json 和 status.json.p7s 再看。",
                    "This is not today's: fetch status.json and status.json.p7s anew.",
                ),
            ),
        message(
            todo.length ? "warn" : "good",
            testMark(agreement, record),
            todo.length ? todo : say("没有待办事项。", "Nothing to do."),
        ),
        record.maintenance.map((each) =>
            message("warn", `${beijing(each.begins_at)} — ${beijing(each.ends_at)} `, say(each.zh, each.en)),
        ),
        part(
            say("在办批次", "Batches under way"),
            [
                say("批次", "batch"),
                say("周期、期间", "cycle, period"),
                say("进度", "how far"),
                say("行数", "rows"),
                say("未答行数", "rows open"),
                say("时限", "due"),
            ],
            open.map((each) => [
                marked(record, each),
                each.cycle ? [say(CYCLES[each.cycle], each.cycle), ` ${each.period}`] : "—",
                say(...STAGES[each.stage]),
                each.rows ?? "—",
                each.rows_open ?? "—",
                dueWords(rules, each),
            ]),
        ),
        part(
            say("近三十天不予受理", "Refused within 30 days"),
            [say("批次", "batch"), say("收件", "received"), say("原因", "reason")],
            refused.map((each) => [marked(record, each), beijing(each.received_at), refusedWords(rules, each.refusal)]),
        ),
        part(
            say("应报请求", "Sets that are expected"),
            [say("周期、期间", "cycle, period"), say("用途", "purpose"), say("最晚", "by")],
            record.expected.map((each) => [
                [say(CYCLES[each.cycle], each.cycle), ` ${each.period}`],
                purposeWord(agreement, each.purpose),
                [each.expected_by, each.overdue && el("strong", {}, say(" 已过", " overdue"))],
            ]),
        ),
        part(
            say("证书", "Certificates"),
            [say("所属", "whose"), say("用于", "for"), say("到期", "ends on")],
            record.certificates.map((each) => [
                each.whose === "partner" ? say("本单位", "yours") : say("户政部门", "the office's"),
                each.use === "signing" ? say("签名", "signing") : say("加密", "encryption"),
                [each.ends_on, each.soon && el("strong", {}, say(...endWords(record, each)))],
            ]),
        ),
    );
}

/** A batch of which it has to be said that it is a test's, or a live one of a partner that is in its tests again. */
function marked(record, each) {
    if (each.test) return `${each.batch} TEST`;
    return record.stage === "test" ? [each.batch, say(" 正式", " live")] : each.batch;
}

const purposeWord = (agreement, code) =>
    code ? (agreement.purposes.find((each) => each.code === code)?.zh ?? code) : say("不限", "any");

const endWords = (record, { ends_on: day }) =>
    day < record.day ? [" 已到期", " has ended"] : [" 即将到期", " ends soon"];

/** The due day with what is later, in words. */
export function dueWords(rules, { due: day }) {
    if (!day) return "—";
    if (day.clock_stands) return say("停止计时", "the clock is paused");
    const items = Object.entries(day.items ?? {}).map(([item, last]) => [
        rules.items.get(item)?.zh ?? item,
        item,
        last,
    ]);
    return say(
        [
            day.day + (day.provisional ? "（暂定）" : ""),
            items.length ? `其中 ${items.map(([zh, , last]) => `${zh} ${last}`).join("、")}` : "",
        ]
            .filter(Boolean)
            .join("；"),
        [day.day + (day.provisional ? " (provisional)" : ""), ...items.map(([, code, last]) => `${code} ${last}`)].join(
            "; ",
        ),
    );
}

function* toDo(record, atHand) {
    const last = record.batches.findIndex((each) => !each.refusal);
    const notMended = last < 0 ? record.batches.length : last;
    if (notMended)
        yield el(
            "p",
            {},
            say(
                `最近 ${notMended} 份请求不予受理：照下列原因改正名单，从“检查”再来一遍，换新批次号重报。`,
                `Your last ${notMended} sets were refused: mend the list as said below, begin with Check again, and send it under a new batch id.`,
            ),
        );
    for (const { name } of record.results)
        yield el(
            "p",
            {},
            atHand(name)
                ? say(
                      `已取回：${name}，打开并保存后，删除服务器上的，或上传收讫文件。`,
                      `Fetched: ${name}; once it is opened and saved, delete it on the server, or upload its .ack file.`,
                  )
                : say(`待取：${name}`, `To fetch: ${name}`),
        );
    for (const each of record.incomplete) yield el("p", {}, `${each.about}：`, say(each.zh, each.en));
    for (const each of record.expected.filter((one) => one.overdue))
        yield el(
            "p",
            {},
            say(
                `应报未报：${CYCLES[each.cycle]} ${each.period}，应于 ${each.expected_by} 前报送。`,
                `Overdue: ${each.cycle} ${each.period}, by ${each.expected_by}.`,
            ),
        );
    for (const each of record.certificates.filter((one) => one.soon))
        yield el("p", {}, say(...certificateWords(record, each)));
}

function certificateWords(record, each) {
    const use = each.use === "signing" ? ["签名", "signing"] : ["加密", "encryption"];
    if (each.whose === "partner")
        return [
            `本单位的${use[0]}证书 ${each.ends_on}${each.ends_on < record.day ? " 已到期" : " 到期"}：请在“密钥”中生成新的，与户政管理部门约定更换。`,
            `Your ${use[1]} certificate ends on ${each.ends_on}: make new keys under Keys and agree on a day.`,
        ];
    return [
        `户政管理部门的${use[0]}证书 ${each.ends_on} 到期：请留意新证书和新的协作台。`,
        `The office's ${use[1]} certificate ends on ${each.ends_on}: a new one, and a new desk, will follow.`,
    ];
}

/** A table under its title; nothing where it has no rows. */
const part = (title, head, rows) => (rows.length ? [el("h4", {}, title), table(head, rows, title.textContent)] : null);
