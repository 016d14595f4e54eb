/**
 * How to bring the files to the office and the answers home, with WinSCP.
 *
 * Rule: its windows are drawn here with the agreement's own values, and said to be drawings: they show which value goes
 * where, not what any version looks like. Whoever cannot see them has the same in the words beside them.
 */
import { el, say } from "./dom.js";

const step = (text, ...more) => el("li", {}, text, ...more);

/** Log in and compare the host's key: the same for both ways. */
const loginSteps = (sftp) => [
    step(
        say(
            `登录：文件协议 SFTP，主机名 ${sftp.host}，端口 ${sftp.port}，用户名 ${sftp.username}，在“高级”→“SSH”→“验证”中选本部门的 SFTP 私钥（没有的，见“密钥”）。`,
            `Log in: SFTP, host ${sftp.host}, port ${sftp.port}, user ${sftp.username}, with your SFTP key (Advanced, SSH, Authentication).`,
        ),
        loginWindow(sftp),
    ),
    step(
        say(
            `首次登录会显示主机密钥指纹，必须是 ${sftp.fingerprint}；不同的，不要继续，打电话给户政管理部门。`,
            `The host key's fingerprint must be ${sftp.fingerprint}; otherwise stop and telephone the office.`,
        ),
        hostKeyWindow(sftp),
    ),
];

export function uploadSteps(sftp, names) {
    const folder = sftp.to_office;
    return el(
        "div",
        { id: "send-winscp" },
        el("h3", {}, say("用 WinSCP 上传", "Upload with WinSCP")),
        el(
            "ol",
            {},
            step(
                say(
                    "先解压刚保存的压缩包：里面是三个文件，不要直接上传压缩包。",
                    "Unpack the ZIP: three files; do not upload the ZIP itself.",
                ),
            ),
            loginSteps(sftp),
            step(
                say(
                    `右边打开目录 ${folder}，把三个文件拖进去，不要改名。`,
                    `Open the folder ${folder} and drag the three files in; do not rename them.`,
                ),
                foldersWindow(names, folder, []),
            ),
            step(
                say(
                    `一分钟左右，文件会被取走，回执出现在 ${sftp.from_office} 目录；取回后用“读取”打开它。`,
                    `Within a minute or so they are taken, and a receipt lies in ${sftp.from_office}; fetch it and open it under Read.`,
                ),
            ),
        ),
    );
}

export function fetchSteps(sftp, form) {
    const folder = sftp.from_office;
    return el(
        "details",
        { id: "read-winscp" },
        el("summary", {}, say("用 WinSCP 取回", "Fetch with WinSCP")),
        el(
            "ol",
            {},
            loginSteps(sftp),
            step(
                say(
                    `右边打开目录 ${folder}，把其中的文件全部拖到左边自己的文件夹，再从那里拖到本页“取回的文件”。`,
                    `Open the folder ${folder}, drag all files in it to a folder of yours on the left, and from there into “Fetched files” above.`,
                ),
                foldersWindow([], folder, [
                    "….receipt.json",
                    "….receipt.json.p7s",
                    "….result.json",
                    "….result.json.p7s",
                    `….result.${form}.p7m`,
                    "status.json",
                ]),
            ),
            step(
                say(
                    "打开并保存之后，才从服务器上删除结果的文件（或用本页的 .ack 文件告知已取走）。",
                    "Only when they are opened and saved, delete the result's files on the server (or tell it with the .ack file of this page).",
                ),
            ),
        ),
    );
}

function loginWindow({ host, port, username }) {
    const line = (label, value) => el("div", { class: "line" }, el("span", {}, label), el("b", {}, value));
    return drawn(
        ["WinSCP 的登录窗口，填好了本协议的值", "WinSCP's log-in window with the values of this agreement"],
        say("登录", "Login"),
        line(say("文件协议", "File protocol"), "SFTP"),
        line(say("主机名", "Host name"), host),
        line(say("端口号", "Port number"), String(port)),
        line(say("用户名", "User name"), username),
        line(say("密码", "Password"), say("（空着，用私钥）", "(left empty: the key is used)")),
        keys(
            say("高级… → SSH → 验证 → 私钥文件", "Advanced… → SSH → Authentication → Private key file"),
            say("登录", "Login"),
        ),
    );
}

function hostKeyWindow({ host_key: key, fingerprint }) {
    const print = fingerprint.replace("SHA256:", "");
    return drawn(
        [
            "WinSCP 第一次登录时的询问，指纹与协议的相同",
            "WinSCP's question at the first log-in; the fingerprint is the agreement's",
        ],
        say("警告", "Warning"),
        el(
            "p",
            {},
            say(
                "继续连接到未知的服务器，并保存其主机密钥？",
                "Continue connecting to an unknown server and add its host key to a cache?",
            ),
        ),
        el("p", {}, key.split(" ")[0], el("br"), "SHA-256: ", el("b", {}, print)),
        keys(
            say("是（指纹一字不差）", "Yes (letter for letter the same)"),
            say("否（有任何不同）", "No (anything differs)"),
        ),
    );
}

function foldersWindow(mine, folder, theirs) {
    const panel = (title, names) =>
        el(
            "div",
            { class: "panel" },
            el("b", {}, title),
            names.map((name) => el("div", {}, name)),
        );
    return drawn(
        [
            "WinSCP 的主窗口：左边是本机，右边是服务器",
            "WinSCP's main window: this machine on the left, the server on the right",
        ],
        "WinSCP",
        el(
            "div",
            { class: "panels" },
            panel(say("本机文件夹", "your folder"), mine),
            el("div", { class: "arrow" }, mine.length ? "→" : "←"),
            panel(folder, theirs),
        ),
    );
}

const keys = (...names) =>
    el(
        "div",
        { class: "keys" },
        names.map((name) => el("span", {}, name)),
    );

/** A window, told in words to who cannot see it, and said to be no photograph. */
function drawn([zh, en], title, ...content) {
    return el(
        "figure",
        { class: "drawn" },
        el("div", { "aria-hidden": "true", class: "window" }, el("div", { class: "title" }, title), content),
        el("figcaption", {}, say(`示意图，不是截图：${zh}。`, `A drawing, no photograph: ${en}.`)),
    );
}

/** How the third key, that of the transfer, is made: WinSCP brings the program for it. */
export function sftpKeySteps() {
    return el(
        "div",
        {},
        el("h3", {}, say("SFTP 私钥（登录用）", "The SFTP key, to log in with")),
        el(
            "ol",
            {},
            step(
                say(
                    "打开 WinSCP，登录窗口左下角“工具”→“运行 PuTTYgen”。",
                    "Open WinSCP; in its log-in window: Tools, Run PuTTYgen.",
                ),
            ),
            step(
                say(
                    "密钥类型选 EdDSA（Ed25519），点“生成”，在空白处移动鼠标；填写密码，点“保存私钥”，存为 sftp.ppk，自己保管。",
                    "Choose EdDSA (Ed25519), press Generate and move the mouse; type a password, press Save private key: sftp.ppk, which stays with you.",
                ),
            ),
            step(
                say(
                    "把上方框中以 ssh-ed25519 开头的整行文字复制到记事本，存为 sftp.pub，与两个证书一起交给户政管理部门。",
                    "Copy the line that begins with ssh-ed25519 into a text file, sftp.pub, and hand it to the office with the two certificates.",
                ),
            ),
            step(
                say(
                    "登录时：“高级”→“SSH”→“验证”→“私钥文件”，选 sftp.ppk。",
                    "To log in: Advanced, SSH, Authentication, Private key file: sftp.ppk.",
                ),
            ),
        ),
    );
}
