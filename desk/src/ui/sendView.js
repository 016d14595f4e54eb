/**
 * Send: from lists of what the agreement allows to three files, ready for upload.
 */
import { zipSync } from "fflate";
import { daysLeft, newestValid } from "../cms/certificates.js";
import { KeyProblem, signingKey } from "../cms/privateKey.js";
import { sha256 } from "../cms/pem.js";
import { OBJECTION, chosenItems } from "../core/columns.js";
import { problems } from "../core/manifest.js";
import { namesDay, offered } from "../core/periods.js";
import { makeSet } from "../core/requestSet.js";
import { askedOf, runningMessage } from "./checkView.js";
import { Checker } from "./checker.js";
import { button, el, field, longButton, message, save, say, table } from "./dom.js";
import { headerSteps } from "./headerView.js";
import { keyFields, keyWords } from "./keyFields.js";
import { takeMends } from "./mendView.js";
import { officeDay } from "./state.js";
import { mayClose } from "./unsaved.js";
import { uploadSteps } from "./winscp.js";
import { CYCLES, NOTED, fileRefusalText, itemWord } from "./words.js";

const PROBLEMS = {
    purpose: ["请选择用途", "choose the purpose"],
    items: ["请勾选所核事项", "choose the items"],
    cycle: ["请选择周期", "choose the cycle"],
    period: ["期间不对：不能晚于明天，也不能太早", "the day lies ahead or too far back"],
    objects_to: ["请填写有异议的原批次号", "name the batch that you object to"],
    number: [
        "批次编号只用字母、数字、- 和 _，至多 60 个，不得含身份证号",
        "the number: letters, digits, - and _, at most 60, no identity number",
    ],
    letter: ["核查违法犯罪记录须填写介绍信编号", "offence records need the letter's number"],
    handler: ["请填写经办人姓名，不写身份证号", "name the officer in charge, without identity number"],
};

export function sendView(desk) {
    const form = makeForm(desk);
    const checker = new Checker(desk.tables);
    const keys = keyFields("send", say("签名私钥（sign.key）", "Signing key (sign.key)"), desk.certificates.signing);
    const outcome = el("div", { id: "send-outcome" });
    const make = longButton(
        say("生成请求文件", "Make the request"),
        () => run(desk, form, keys, checker, outcome),
        "main",
    );
    make.id = "send-make";
    desk.onChecked.push(() => form.follow());
    return el(
        "section",
        { "aria-labelledby": "send-title" },
        el("h2", { id: "send-title" }, say("生成请求", "Make a request")),
        form.element,
        keys.element,
        el("p", { class: "row" }, make),
        outcome,
    );
}

/** The fields, and what stands in them. */
function makeForm(desk) {
    const { agreement, rules } = desk;
    const today = officeDay();
    const options = (select, pairs) =>
        select.replaceChildren(...pairs.map(([value, label]) => el("option", { value }, label)));
    const chosenFile = el("p", { id: "send-file" });
    const purpose = el("select", { id: "send-purpose" });
    options(
        purpose,
        agreement.purposes.map((each) => [each.code, `${each.zh}（${each.legal_basis}）`]),
    );
    const cycle = el("select", { id: "send-cycle" });
    options(cycle, [["", "请选择 · choose"], ...agreement.cycles.map((each) => [each, `${CYCLES[each]} · ${each}`])]);
    const period = el("select", { id: "send-period" });
    const day = el("input", { type: "date", id: "send-day", value: today });
    const objectsTo = el("input", { type: "text", id: "send-objects-to" });
    const number = el("input", { type: "text", id: "send-number", value: ownNumber() });
    const letter = el("input", { type: "text", id: "send-letter" });
    const handler = el("input", { type: "text", id: "send-handler" });
    const encrypted = el("input", {
        type: "checkbox",
        id: "send-encrypted",
        checked: true,
        disabled: agreement.require_encryption,
    });
    const items = el("fieldset", { id: "send-items" });
    const periodField = field(say("期间", "Period"), period);
    const dayField = field(say("日期", "Day"), day);
    const objectField = field(say("有异议的原批次号", "The batch that you object to"), objectsTo);

    const purposeOf = () => agreement.purposes.find((each) => each.code === purpose.value);
    const followPurpose = () => {
        const chosen = chosenItems(purposeOf(), desk.seen?.items ?? []);
        const boxes = purposeOf().items.map((code) => {
            const box = el("input", { type: "checkbox", value: code, checked: chosen.includes(code) });
            return el("label", { class: "choice" }, box, itemWord(rules, code));
        });
        items.replaceChildren(el("legend", {}, say("所核事项", "Items")), ...boxes);
    };
    const followCycle = () => {
        periodField.hidden = !cycle.value || namesDay(cycle.value);
        dayField.hidden = !cycle.value || !periodField.hidden;
        objectField.hidden = cycle.value !== OBJECTION;
        if (!periodField.hidden)
            options(
                period,
                offered(cycle.value, today).map((each) => [each, each]),
            );
    };
    const follow = () => {
        const { data, seen } = desk;
        chosenFile.replaceChildren(
            data && seen
                ? say(
                      `数据文件：${data.name}${seen.sheets.length > 1 ? `，工作表“${seen.sheet}”` : ""}${seen.rows.length ? `，${seen.rows.length} 行` : ""}`,
                      `Data file: ${data.name}${seen.sheets.length > 1 ? `, sheet “${seen.sheet}”` : ""}`,
                  )
                : say("还没有数据文件：请先在“检查”中选择。", "No data file yet: choose one under Check."),
        );
        const fits = agreement.purposes.find(
            (each) => seen?.items.length && seen.items.every((item) => each.items.includes(item)),
        );
        if (fits) purpose.value = fits.code;
        followPurpose();
        const objects = seen?.items[0] === OBJECTION;
        if (seen && objects !== (cycle.value === OBJECTION)) {
            if (objects) cycle.value = OBJECTION;
            else if (seen.items.length) cycle.value = "";
            followCycle();
        }
    };
    purpose.addEventListener("change", followPurpose);
    cycle.addEventListener("change", followCycle);
    followCycle();
    follow();
    const entries = () => ({
        purpose: purpose.value,
        items: [...items.querySelectorAll("input:checked")].map((box) => box.value),
        cycle: cycle.value,
        period: namesDay(cycle.value) ? day.value : period.value,
        objects_to: objectsTo.value.trim(),
        number: number.value.trim(),
        letter: letter.value.trim(),
        handler: handler.value.trim(),
        encrypted: encrypted.checked,
    });
    const element = el(
        "div",
        {},
        chosenFile,
        el(
            "div",
            { class: "grid" },
            field(say("用途（法律依据）", "Purpose (legal basis)"), purpose),
            field(say("周期", "Cycle"), cycle),
            periodField,
            dayField,
            objectField,
        ),
        items,
        el(
            "div",
            { class: "grid" },
            field(
                say("介绍信编号", "Letter of introduction"),
                letter,
                say(
                    "核查违法犯罪记录的必填；其他没有的留空",
                    "needed for offence records; otherwise empty where there is none",
                ),
            ),
            field(say("经办人", "Officer in charge"), handler),
            field(
                say("批次编号（每次一个新号）", "Number (a new one each time)"),
                number,
                say(
                    `批次号为 ${agreement.partner}. 加上这个编号`,
                    `The batch id is ${agreement.partner}. and this number`,
                ),
            ),
            el(
                "div",
                { class: "field" },
                el(
                    "label",
                    { class: "choice", for: "send-encrypted" },
                    encrypted,
                    agreement.require_encryption
                        ? say("加密数据文件（协议规定）", "Encrypt the data file (as agreed)")
                        : say("加密数据文件", "Encrypt the data file"),
                ),
            ),
        ),
    );
    return { element, entries, follow, purposeOf, renumber: () => (number.value = ownNumber()) };
}

/** A number that no other batch has: Beijing's day and time. */
const ownNumber = () =>
    new Date(Date.now() + 8 * 3_600_000)
        .toISOString()
        .replace(/[-:T]/g, "")
        .slice(0, 14)
        .replace(/^(.{8})/, "$1-");

async function run(desk, form, keys, checker, outcome) {
    const { agreement, rules } = desk;
    const entries = form.entries();
    const bad = (...content) => outcome.replaceChildren(message("bad", ...content));
    if (!desk.data) return bad(say("请先在“检查”中选择数据文件。", "Choose the data file under Check first."));
    const wrong = problems({ agreement, today: officeDay() }, entries);
    if (wrong.length)
        return bad(
            el(
                "ul",
                {},
                wrong.map((name) => el("li", {}, say(...PROBLEMS[name]))),
            ),
        );
    if (!newestValid(desk.office.encryption))
        return bad(
            say(
                "户政管理部门的加密证书已过期：请索取新的协作台。",
                "The office's certificate has ended: ask for a new desk.",
            ),
        );
    const running = runningMessage(checker);
    takeMends(desk);
    try {
        const { key, own } = await keys.read();
        if (daysLeft(own) < 0)
            return bad(
                say(
                    "本方的签名证书已过期：请在“密钥”中生成新的，并与户政管理部门约定更换。",
                    "Your signing certificate has ended: make new keys.",
                ),
            );
        outcome.replaceChildren(running.element);
        const reading = readingOf(entries, form.purposeOf());
        const seen = await checker.check(desk.data.content, askedOf(desk, entries.purpose, reading), running.progress);
        if (!seen) return bad(say("已停止。", "Stopped."));
        if (seen.refusal)
            return bad(
                el("strong", {}, say("不能发送：", "Would be refused: ")),
                fileRefusalText(rules, { ...seen.refusal, heading: seen.heading }),
                headerSteps(seen.header),
            );
        const signer = { own, key: await signingKey(key) };
        const files = await makeSet(
            { agreement, office: desk.office.encryption },
            entries,
            { ...desk.data, rows: seen.rows.length },
            signer,
        );
        desk.sent = {
            batch: `${agreement.partner}.${entries.number}`,
            codes: seen.codes,
            rows: seen.rows,
            hashes: await hashesOf(files),
        };
        form.renumber();
        mayClose("typed");
        outcome.replaceChildren(...made(desk, files, seen));
    } catch (error) {
        bad(
            error instanceof KeyProblem
                ? keyWords(error)
                : say("没有生成：请重新打开本页再试。", "Nothing was made: open the page anew and try again."),
        );
    }
}

const hashesOf = async (files) =>
    new Map(await Promise.all([...files].map(async ([name, bytes]) => [name, await sha256(bytes)])));

/** As what the intake will read the data file of this request. */
function readingOf({ cycle, items }, purpose) {
    if (cycle === OBJECTION) return { items: [OBJECTION], form: null };
    return { items, form: items.includes("unregistered") ? purpose.unregistered_by : null };
}

/** What a clerk sees of a made set: the ZIP, the files, how to upload them. */
function made(desk, files, seen) {
    const { batch } = desk.sent;
    const faulty = new Set(seen.findings.filter((each) => !NOTED.includes(each.code)).map((each) => each.row)).size;
    const zip = () => save(`${batch}.zip`, zipSync(Object.fromEntries(files), { level: 0 }));
    const keep = button(say("保存三个文件（一个压缩包）", "Save the three files (one ZIP)"), zip, "main");
    keep.id = "send-save";
    const rows = [...files].map(([name, bytes]) => [
        name,
        String(bytes.length),
        el("code", {}, desk.sent.hashes.get(name)),
        button(say("单独保存", "Save"), () => save(name, bytes)),
    ]);
    return [
        message(
            "good",
            say(
                `已生成批次 ${batch}，共 ${seen.rows.length} 行。`,
                `Batch ${batch} is made, ${seen.rows.length} rows.`,
            ),
        ),
        faulty
            ? message(
                  "warn",
                  say(`其中 ${faulty} 行有问题，这些行得不到答复。`, `${faulty} rows have a fault and get no answer.`),
              )
            : "",
        el("p", { class: "row" }, keep),
        desk.data.mended ? mendedMessage(desk.data) : "",
        table(
            [say("文件", "File"), say("字节", "Bytes"), "SHA-256", say("单独保存", "Save")],
            rows,
            "生成的文件 the files",
        ),
        uploadSteps(desk.agreement.sftp, [...files.keys()]),
    ];
}

/** What was typed here stands in no file of the clerk's yet, and the answers are to be laid beside it. */
function mendedMessage({ name, content }) {
    const keep = () => save(name.replace(/\.csv$/, "-已改正.csv"), content);
    return message(
        "note",
        say(
            "名单在本页内改正过：请一并保存，读取答复时作为“本方的名单”。",
            "The list was mended on this page: keep it, too, as your own list when the answers are read. ",
        ),
        " ",
        button(say("保存改正后的名单", "Save the mended list"), keep),
    );
}
