/**
 * How to bring the files to the office and the answers home, with WinSCP.
 */
import { el, say } from "./dom.js";

const step = (zh, en) => el("li", {}, say(zh, en));

export function uploadSteps({ host, port, username, fingerprint, to_office: folder }) {
    return el(
        "div",
        {},
        el("h3", {}, say("用 WinSCP 上传", "Upload with WinSCP")),
        el(
            "ol",
            {},
            step(
                "先解压刚保存的压缩包：里面是三个文件，不要直接上传压缩包。",
                "Unpack the ZIP: three files; do not upload the ZIP itself.",
            ),
            step(
                `登录：文件协议 SFTP，主机名 ${host}，端口 ${port}，用户名 ${username}，验证用本部门的 SFTP 私钥。`,
                `Log in: SFTP, host ${host}, port ${port}, user ${username}, with your SFTP key.`,
            ),
            step(
                `首次登录会显示主机密钥指纹，必须是 ${fingerprint}；不同的，不要继续，打电话给户政管理部门。`,
                `The host key's fingerprint must be ${fingerprint}; otherwise stop and telephone the office.`,
            ),
            step(
                `右边打开目录 ${folder}，把三个文件拖进去，不要改名。`,
                `Open the folder ${folder} and drag the three files in; do not rename them.`,
            ),
            step(
                "一分钟左右，文件会被取走，回执出现在 from-office 目录；用“读取”打开它。",
                "Within a minute or so they are taken, and a receipt lies in from-office; open it under Read.",
            ),
        ),
    );
}
