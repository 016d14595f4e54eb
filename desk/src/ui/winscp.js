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
                `登录：文件协议 SFTP，主机名 ${host}，端口 ${port}，用户名 ${username}，在“高级”→“SSH”→“验证”中选本部门的 SFTP 私钥（没有的，见“密钥”）。`,
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
                "打开 WinSCP，登录窗口左下角“工具”→“运行 PuTTYgen”。",
                "Open WinSCP; in its log-in window: Tools, Run PuTTYgen.",
            ),
            step(
                "密钥类型选 EdDSA（Ed25519），点“生成”，在空白处移动鼠标；填写密码，点“保存私钥”，存为 sftp.ppk，自己保管。",
                "Choose EdDSA (Ed25519), press Generate and move the mouse; type a password, press Save private key: sftp.ppk, which stays with you.",
            ),
            step(
                "把上方框中以 ssh-ed25519 开头的整行文字复制到记事本，存为 sftp.pub，与两个证书一起交给户政管理部门。",
                "Copy the line that begins with ssh-ed25519 into a text file, sftp.pub, and hand it to the office with the two certificates.",
            ),
            step(
                "登录时：“高级”→“SSH”→“验证”→“私钥文件”，选 sftp.ppk。",
                "To log in: Advanced, SSH, Authentication, Private key file: sftp.ppk.",
            ),
        ),
    );
}
