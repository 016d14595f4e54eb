/**
 * Read: what lies in `from-office/` is dropped in, trusted step by step, opened and told in words.
 */
import { KeyProblem } from "../cms/privateKey.js";
import { sha256 } from "../cms/pem.js";
import { Untrusted, merged, openResult, pendingCodes, readSigned, resultRows } from "../core/answers.js";
import { Checker } from "./checker.js";
import { button, bytesOf, el, fileField, longButton, message, say } from "./dom.js";
import { keyFields, keyWords } from "./keyFields.js";
import { conformanceMessage, noticeMessage, receiptMessage } from "./letters.js";
import { readOwnList } from "./ownList.js";
import { resultPart } from "./resultView.js";
import { statusMessage } from "./statusView.js";
import { fetchSteps } from "./winscp.js";

const UNTRUSTED = {
    signature_missing: ["缺少签名文件（同名加 .p7s）：请一并取回。", "Its signature (.p7s) is missing: fetch it, too."],
    signature: [
        "签名不对：不是户政管理部门签的，或传输中有损坏。不要使用，重新取回；仍然不对的，打电话核实。",
        "The signature does not hold: do not use it; fetch it again, and telephone the office if it stays so.",
    ],
    format: [
        "不是本协作台认识的文件格式：可能是协作台旧了，请向户政管理部门索取新的。",
        "No format that this desk knows: it may be an old desk; ask the office for a new one.",
    ],
    partner: [
        "这是给另一个部门的文件，不要使用：请从本部门的目录重新取回；仍然这样的，打电话给户政管理部门。",
        "It is for another partner; do not use it: fetch anew from your own folder, and telephone the office if it stays so.",
    ],
    envelope_missing: [
        "缺少结果数据文件（.p7m）：请一并取回。",
        "The result's data file (.p7m) is missing: fetch it, too.",
    ],
    envelope_hash: [
        "结果数据文件与清单不符：没有传完，或不是同一份。请重新取回。",
        "The data file is not the one of the manifest: fetch it again.",
    ],
    envelope: [
        "打不开：结果不是加密给这把私钥的。解密用 encrypt.key（不是 sign.key）；换过密钥的，此前的结果用旧的 encrypt.key。",
        "It does not open with this key: encrypt.key opens results, not sign.key; those of before a change of keys the old encrypt.key.",
    ],
    plain_hash: [
        "打开后的内容与清单不符，不要使用，请打电话给户政管理部门。",
        "What was inside is not what was signed: do not use it, telephone the office.",
    ],
};

const UNREADABLE = [
    "无法读取：可能是协作台旧了，请向户政管理部门索取新的；新的也读不了的，打电话给户政管理部门。",
    "It cannot be read: it may be an old desk; ask the office for a new one, and telephone it if that does not read it, either.",
];

export function readView(desk) {
    const files = new Map();
    const checker = new Checker(desk.tables);
    const keys = keyFields(
        "read",
        say("解密私钥（encrypt.key，打开结果时需要）", "Opening key (encrypt.key, for results)"),
        desk.certificates.encryption,
        false,
    );
    const outcome = el("div", { id: "read-outcome" });
    const chosen = el("p", { class: "hint", id: "read-chosen" });
    let own = null;
    let reading = Promise.resolve(); // what was chosen is read to its end before it is opened
    const inTurn = (work) => {
        const done = reading.then(work);
        reading = done.catch(() => {});
        return done;
    };
    const take = (given) =>
        inTurn(async () => {
            for (const file of given) files.set(file.name, await bytesOf(file));
            chosen.replaceChildren(say(`已选 ${files.size} 个文件`, `${files.size} files chosen`));
        });
    const ownSaid = el("div", { id: "read-own-said" });
    const takeOwn = ([file]) =>
        inTurn(async () => {
            own = null;
            ownSaid.replaceChildren();
            const { seen, problem } = await readOwnList(desk, checker, file);
            own = seen ?? null;
            if (problem) ownSaid.replaceChildren(message("warn", problem));
        });
    const clear = button(say("重新选择", "Start anew"), () => {
        files.clear();
        chosen.replaceChildren();
        outcome.replaceChildren();
    });
    const read = longButton(
        say("核对并打开", "Check and open"),
        async () => {
            await reading;
            await run(desk, files, () => own ?? ownOf(desk), keys, outcome);
        },
        "main",
    );
    read.id = "read-open";
    const hint = say(
        "从 from-office 取回的回执、结果、提示和各自的 .p7s、.p7m，可以一次全部拖入；补充结果与首次结果一起拖入即合并。",
        "Receipts, results and notices with their .p7s and .p7m, all at once; supplements are merged with the first result.",
    );
    return el(
        "section",
        { "aria-labelledby": "read-title" },
        el("h2", { id: "read-title" }, say("读取答复", "Read answers")),
        fileField(say("取回的文件", "Fetched files"), { id: "read-files", multiple: true, hint }, take),
        chosen,
        fileField(
            say("本方的名单（可不选；选了就与答复并排显示）", "Your own list, to stand beside the answers"),
            { id: "read-own", accept: ".csv,.xlsx" },
            takeOwn,
        ),
        ownSaid,
        keys.element,
        el("p", { class: "row" }, read, clear),
        outcome,
        fetchSteps(desk.agreement.sftp, desk.agreement.result.format),
    );
}

/** The list of this session: the one that was sent, else the one that was checked. */
const ownOf = ({ sent, seen }) => sent ?? (seen?.rows.length ? seen : null);

async function run(desk, files, own, keys, outcome) {
    outcome.replaceChildren(message("note", say("正在核对……", "Checking…")));
    const shown = [];
    const results = new Map();
    const names = [...files.keys()].filter((name) => name.endsWith(".json")).sort();
    if (!names.length)
        shown.push(
            message(
                "bad",
                say(
                    "没有可读的文件：请拖入 .receipt.json、.result.json 及其 .p7s、.p7m。",
                    "Nothing to read: drop in .receipt.json, .result.json with .p7s and .p7m.",
                ),
            ),
        );
    for (const name of names) {
        try {
            const signed = await readSigned(
                files.get(name),
                files.get(`${name}.p7s`),
                desk.office.signing,
                desk.agreement.partner,
            );
            if (signed.kind === "receipt")
                shown.push(
                    await receiptMessage(
                        desk,
                        signed.record,
                        (file) => hashOf(desk, files, file),
                        (batch) => files.has(`${batch}.result.json`),
                    ),
                );
            else if (signed.kind === "notice") shown.push(noticeMessage(desk, signed.record));
            else if (signed.kind === "status")
                shown.push(statusMessage(desk, signed.record, (file) => files.has(file)));
            else if (signed.kind === "conformance") shown.push(conformanceMessage(signed.record));
            else results.set(signed.record.batch, [...(results.get(signed.record.batch) ?? []), signed.record]);
        } catch (error) {
            if (!name.endsWith(".request.json")) shown.push(untrustedMessage(name, error));
        }
    }
    shown.push(...unused([...files.keys()]));
    if (results.size) shown.push(...(await allOpened(desk, results, files, own(), keys)));
    outcome.replaceChildren(...shown);
}

/** The hash of a file as it was sent, where that is known. */
const hashOf = async ({ sent }, files, name) =>
    files.has(name) ? sha256(files.get(name)) : (sent?.hashes?.get(name) ?? null);

/** What was dropped in and says nothing by itself: parts whose first file is missing, and what is none of the office's. */
function unused(names) {
    const there = new Set(names);
    const parts = names.filter((name) => /\.(p7s|p7m)$/.test(name) && !OWN.test(name) && !there.has(ofPart(name)));
    const others = names.filter((name) => !KNOWN.test(name));
    const told = [];
    if (parts.length)
        told.push(
            message(
                "warn",
                say(
                    `还缺这些文件，请一并取回：${[...new Set(parts.map(ofPart))].join("、")}`,
                    `These are missing, fetch them, too: ${[...new Set(parts.map(ofPart))].join(", ")}`,
                ),
            ),
        );
    if (others.length)
        told.push(
            message(
                "warn",
                say(
                    `没有用到：${others.join("、")}。这里只读取从 from-office 取回的文件（.json、.p7s、.p7m）；压缩包请先解压，名单请拖到“本方的名单”。`,
                    `Not used: ${others.join(", ")}. What was fetched from the office is read here (.json, .p7s, .p7m); unpack archives first, and drop your own list in below.`,
                ),
            ),
        );
    return told;
}

const KNOWN = /\.(json|p7s|p7m|html|ack)$/;
const OWN = /\.request\.json\.p7s$|^[^.]+\.[^.]+\.(csv|xlsx)\.p7m$/; // of the set that was sent
const ofPart = (name) => (name.endsWith(".p7s") ? name.slice(0, -4) : name.replace(/\.(csv|xlsx)\.p7m$/, ".json"));

/** Every batch's part. The key is read once, as its password is forgotten then; what is wrong with it is told once. */
async function allOpened(desk, results, files, own, keys) {
    let key;
    try {
        key = await keys.read();
    } catch (error) {
        const words = error instanceof KeyProblem ? keyWords(error) : say("无法读取私钥。", "The key cannot be read.");
        return [message("bad", el("strong", {}, [...results.keys()].join("、"), "："), words)];
    }
    const parts = [];
    for (const [batch, records] of results) parts.push(await opened(desk, batch, records, files, own, key));
    return parts;
}

async function opened(desk, batch, records, files, own, { key, own: certificate }) {
    const { rules } = desk;
    records.sort((one, other) => (one.supplement ?? 0) - (other.supplement ?? 0));
    try {
        const pending = pendingCodes(rules);
        const parts = [];
        for (const record of records) {
            const plain = await openResult(record, files.get(record.encrypted.name), certificate, key);
            parts.push({ ...resultRows(rules, record, plain), pending, plain, name: record.plain.name });
        }
        return resultPart(desk, batch, records, merged(parts), parts, own);
    } catch (error) {
        return untrustedMessage(batch, error);
    }
}

function untrustedMessage(name, error) {
    const words = error instanceof Untrusted ? UNTRUSTED[error.message] : UNREADABLE;
    return message("bad", el("strong", {}, name, "："), say(...words));
}
