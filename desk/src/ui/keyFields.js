/**
 * A private key as a clerk gives it: a file and, where it has one, its password.
 */
import { KeyProblem, bearerOf, certificateOf, readPrivateKey } from "../cms/privateKey.js";
import { bytesOf, el, field, say } from "./dom.js";

const WORDS = {
    missing: ["请选择私钥文件。", "Choose the private key's file."],
    format: [
        "这个文件不是私钥（应为 .key 文件，或含私钥的 .p12、.pfx）。",
        "The file is no private key (a .key file, or a .p12 or .pfx that holds one).",
    ],
    old: [
        "这个私钥文件的加密方式本页打不开（不是密码不对）：.p12（.pfx）请重新导出，加密方式选 AES256-SHA256；.key 请用 openssl pkcs8 -topk8 另存一份。",
        "The key's file is encrypted in a way that this page does not open (its password may be right): export a .p12 (.pfx) anew with AES256-SHA256, save a .key anew with openssl pkcs8 -topk8.",
    ],
    password: ["私钥的密码不对，或没有填密码。", "The password of the key is wrong or missing."],
    other: [
        "这把私钥不是协议登记的证书的私钥：签名用 sign.key，解密用 encrypt.key；换过密钥的，请向户政管理部门索取新的协作台。",
        "The key is none of the agreement's certificates: sign.key signs, encrypt.key opens; after a change of keys ask for a new desk.",
    ],
};

/**
 * `{element, read()}`; `read` gives `{key, own}` or throws KeyProblem, and forgets the password. `known`: whether a key that
 * none of the certificates bears is a problem; else its `own` is null.
 */
export function keyFields(id, label, certificates, known = true) {
    const file = el("input", { type: "file", id: `${id}-key`, accept: ".key,.pem,.p8,.der,.p12,.pfx" });
    const password = el("input", { type: "password", id: `${id}-password`, autocomplete: "off" });
    const hint = say(
        "私钥只在本页内使用，不保存，不离开这台电脑。",
        "The key is used in this page alone and kept nowhere.",
    );
    const element = el(
        "div",
        { class: "grid" },
        field(label, file, hint),
        field(say("私钥密码（没有则留空）", "Its password, if it has one"), password),
    );
    const read = async () => {
        if (!file.files.length) throw new KeyProblem("missing");
        const key = await readPrivateKey(await bytesOf(file.files[0]), password.value);
        password.value = "";
        return { key, own: known ? certificateOf(key, certificates) : bearerOf(key, certificates) };
    };
    return { element, read };
}

/** What a KeyProblem says to a clerk. */
export const keyWords = (problem) => say(...(WORDS[problem.message] ?? WORDS.format));
