/**
 * Keys: how long the certificates of the agreement are still valid, a new pair when it is time, and the sheet with
 * fingerprints by which both sides compare them on the telephone.
 */
import { zipSync, strToU8 } from "fflate";
import { daysLeft, fingerprint, readCertificates } from "../cms/certificates.js";
import { makeKey } from "../cms/makeKeys.js";
import { button, el, field, longButton, message, save, say, table } from "./dom.js";
import { keepOpen, mayClose } from "./unsaved.js";
import { sftpKeySteps } from "./winscp.js";

export const WARN_FROM_DAYS = 60;
const SHORTEST_PASSWORD = 8;
const PARTNER = /^[a-z][a-z0-9-]{1,30}$/; // as `exchange/wire/manifest.py` has it;
const day = (date) => new Date(date.getTime() + 8 * 3_600_000).toISOString().slice(0, 10);

export function keysView(desk) {
    const { agreement } = desk;
    const sheet = el("div", { id: "keys-sheet" });
    fillSheet(desk, sheet);
    return el(
        "section",
        { "aria-labelledby": "keys-title" },
        el("h2", { id: "keys-title" }, say("密钥与证书", "Keys and certificates")),
        sheet,
        el(
            "p",
            { class: "row no-print" },
            button(say("打印指纹核对表", "Print the sheet"), () => window.print()),
        ),
        el(
            "div",
            { class: "no-print" },
            el("h3", {}, say("生成新的密钥", "New keys")),
            el(
                "p",
                {},
                say(
                    "到期前 60 天起更换：生成后把两个证书（.pem）交给户政管理部门，打电话核对指纹，约定更换的日子，再换用新的协作台。私钥（.key）和密码自己保管，不得外传；旧的 encrypt.key 留到此前的结果都打开为止。",
                    "From 60 days before the end: hand the two certificates (.pem) to the office, compare the fingerprints by telephone, agree on a day. The .key files and the password stay with you; keep the old encrypt.key until all earlier results are opened.",
                ),
            ),
            pairsMaker(() => agreement.partner),
            sftpKeySteps(),
        ),
    );
}

/** What an office's desk is before there is an agreement: the first keys of a new partner can be made with it. */
export function firstDay() {
    const partner = el("input", { type: "text", id: "keys-partner", autocomplete: "off" });
    return el(
        "section",
        { "aria-labelledby": "keys-title" },
        el("h2", { id: "keys-title" }, say("第一天：生成密钥", "The first day: make your keys")),
        message(
            "note",
            say(
                "本页尚未按协议制作，只能用来生成第一次的密钥。把两个证书（.pem）交给户政管理部门，打电话核对指纹；协议登记后，领取本部门的协作台，检查、发送、读取都在其中。私钥（.key）和密码自己保管，不得外传。",
                "This page was not made for an agreement yet and only makes the first keys. Hand the two certificates (.pem) to the office and compare the fingerprints by telephone; once the agreement is registered you get the desk of your own. The .key files and the password stay with you.",
            ),
        ),
        field(
            say("部门代号（户政管理部门给的）", "Your partner id, as the office gave it"),
            partner,
            say("小写字母、数字、短横，如 social-security-yanbian", "small letters, digits, dashes"),
        ),
        pairsMaker(() => partner.value.trim()),
        sftpKeySteps(),
    );
}

/** The fields for a password, the button, and what comes of it. */
function pairsMaker(partnerOf) {
    const outcome = el("div", { id: "keys-outcome" });
    const password = el("input", { type: "password", id: "keys-password", autocomplete: "new-password" });
    const again = el("input", { type: "password", id: "keys-password-again", autocomplete: "new-password" });
    const make = longButton(
        say("生成两对密钥", "Make two pairs of keys"),
        () => makePairs(partnerOf(), password, again, outcome),
        "main",
    );
    make.id = "keys-make";
    return el(
        "div",
        {},
        el(
            "div",
            { class: "grid" },
            field(say("私钥密码（至少 8 位）", "A password (8 characters or more)"), password),
            field(say("再输入一次", "Once more"), again),
        ),
        el("p", { class: "row" }, make),
        outcome,
    );
}

const all = ({ office, certificates }) => [
    [["本方签名证书", "yours, signing"], certificates.signing],
    [["本方加密证书", "yours, encryption"], certificates.encryption],
    [["户政管理部门签名证书", "the office's, signing"], office.signing],
    [["户政管理部门加密证书", "the office's, encryption"], office.encryption],
];

/** What ends soon or has ended; a newer certificate beside it makes that no matter. */
export function ending(desk, now = new Date()) {
    const soon = all(desk).flatMap(([words, certificates]) => {
        const left = Math.max(...certificates.map((each) => daysLeft(each, now)));
        if (left > WARN_FROM_DAYS) return [];
        return left < 0
            ? say(`${words[0]}已过期。`, `${words[1]}: ended. `)
            : say(`${words[0]}还有 ${left} 天到期。`, `${words[1]}: ${left} days left. `);
    });
    return soon.length ? message("warn", soon, say("请及时更换。", "Change it in time.")) : el("div", {});
}

async function fillSheet(desk, sheet) {
    const rows = [];
    for (const [words, certificates] of all(desk)) {
        for (const each of certificates)
            rows.push([say(...words), day(each.until), el("code", {}, await fingerprint(each))]);
    }
    const { host_key: key, fingerprint: print } = desk.agreement.sftp;
    rows.push([
        say("SFTP 服务器主机密钥", "the server's host key"),
        "",
        el("code", {}, `${key.split(" ")[0]} ${print}`),
    ]);
    sheet.append(
        el("h3", {}, say("指纹核对表", "Fingerprints")),
        table(
            [
                say("证书", "Certificate"),
                say("有效期至", "Valid until"),
                say("指纹（SHA-256）", "Fingerprint (SHA-256)"),
            ],
            rows,
            "指纹核对表 fingerprints",
        ),
    );
}

async function makePairs(partner, password, again, outcome) {
    const bad = (...words) => outcome.replaceChildren(message("bad", say(...words)));
    if (!PARTNER.test(partner))
        return bad("请填写部门代号：小写字母、数字、短横。", "Fill in the partner id: small letters, digits, dashes.");
    if (password.value.length < SHORTEST_PASSWORD) return bad("密码至少 8 位。", "8 characters or more.");
    if (password.value !== again.value) return bad("两次输入的密码不一样。", "The two passwords differ.");
    outcome.replaceChildren(message("note", say("正在生成……", "Making them…")));
    const files = {};
    const rows = [];
    try {
        for (const use of ["sign", "encrypt"]) {
            const made = await makeKey(`${partner} ${use}`, password.value);
            files[`${use}.key`] = strToU8(made.key);
            files[`${use}.pem`] = strToU8(made.certificate);
            rows.push([`${use}.pem`, el("code", {}, await fingerprint(readCertificates([made.certificate])[0]))]);
        }
    } catch {
        return bad("没有生成，请再试一次。", "Nothing was made; try again.");
    }
    password.value = again.value = "";
    keepOpen("keys");
    const keep = button(
        say("保存密钥和证书（一个压缩包）", "Save keys and certificates (one ZIP)"),
        () => {
            save(`${partner}-新密钥.zip`, zipSync(files));
            mayClose("keys");
        },
        "main",
    );
    keep.id = "keys-save";
    outcome.replaceChildren(
        message(
            "good",
            say(
                "已生成。现在就保存：关闭本页后无法再取得。",
                "Made. Save them now: they are gone when the page closes.",
            ),
        ),
        el("p", { class: "row" }, keep),
        table(
            [
                say("证书", "Certificate"),
                say("指纹（SHA-256），打电话核对", "Fingerprint (SHA-256), to compare by telephone"),
            ],
            rows,
            "新证书的指纹 new fingerprints",
        ),
    );
}
