/**
 * Receipts, notices and the certificate of conformance in a clerk's words.
 */
import { el, message, say } from "./dom.js";
import { testMark } from "./statusView.js";
import { refusedWords } from "./words.js";

const beijing = (stamp) => stamp.slice(0, 16).replace("T", " ");

/** A receipt; `hasResult(batch)` says whether its result is at hand, `hashOf(name)` gives the hash of a file as it was sent, or null where it is not known. */
export async function receiptMessage({ agreement, rules }, record, hashOf, hasResult) {
    const head = el(
        "strong",
        {},
        testMark(agreement, record),
        record.batch,
        record.number ? `（第 ${record.number} 份回执）` : "",
        "：",
    );
    if (record.outcome === "refused") {
        const { refusal } = record;
        return message(
            "bad",
            head,
            say("不予受理：", "refused: "),
            refusedWords(rules, refusal),
            el(
                "p",
                {},
                say(
                    "下一步：照此改正，从“检查”再来一遍，换新批次号重报；这一批不再办理。",
                    "Next: put it right, begin with Check again and send it under a new batch id; this one is over.",
                ),
            ),
        );
    }
    const { due } = record;
    const until = [
        due.day,
        due.provisional ? "（暂定）" : "",
        due.clock_stands ? "（正在人工调查，计时暂停）" : "",
    ].join("");
    const items = Object.entries(due.items ?? {}).map(([item, day]) => [item, rules.items.get(item)?.zh ?? item, day]);
    const differ = [];
    for (const file of record.files) {
        const hash = await hashOf(file.name);
        if (hash && hash !== file.sha256) differ.push(file.name);
    }
    const accepted = say(
        `已受理，${beijing(record.received_at)} 收到，${record.rows} 行，办结时限 ${until}${items.length ? `；其中 ${items.map(([, zh, day]) => `${zh} ${day}`).join("、")}` : ""}。`,
        `accepted, received ${beijing(record.received_at)}, ${record.rows} rows, due ${due.day}${due.provisional ? " (provisional)" : ""}${due.clock_stands ? " (the clock is paused)" : ""}${items.length ? `; ${items.map(([code, , day]) => `${code} ${day}`).join(", ")}` : ""}.`,
    );
    const wrong = differ.length
        ? el(
              "p",
              {},
              say(
                  `注意：所收文件与手头的文件不是同一份（${differ.join("、")}），请打电话核实。`,
                  `Not the files at hand: ${differ.join(", ")}; telephone the office.`,
              ),
          )
        : null;
    const next = hasResult(record.batch)
        ? null
        : el(
              "p",
              {},
              say(
                  `下一步：时限之前到 ${agreement.sftp.from_office} 取结果（文件名中有 result 的几个），一起拖到这里打开。`,
                  `Next: before the due day fetch the result's files from ${agreement.sftp.from_office} and drop them in here.`,
              ),
          );
    return message(differ.length ? "bad" : "good", head, accepted, wrong ?? next);
}

export const noticeMessage = ({ agreement }, record) =>
    message(
        "warn",
        testMark(agreement, record),
        el("strong", {}, record.about, "："),
        say(record.zh, record.en),
        record.expected_by ? say(`（应于 ${record.expected_by} 前报送）`, ` (by ${record.expected_by})`) : null,
        record.ends_on ? say(`（${record.ends_on} 到期）`, ` (ends ${record.ends_on})`) : null,
    );

export const conformanceMessage = (record) =>
    message(
        "good",
        say(
            `合格证书：${record.zh}，${record.certified_on}，测试项目全部完成。下一步：等户政管理部门把协议转为正式，并领取新的协作台；此前仍只填虚构人员。`,
            `Certificate of conformance of ${record.certified_on}: all was shown. Next: the office makes the agreement live and gives you a new desk; until then ask about invented people alone.`,
        ),
    );
