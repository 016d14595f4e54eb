/**
 * The list that a clerk chose: its bytes and what it is by its name, or what to do with a file that is no list.
 */
import { bytesOf, say } from "./dom.js";

const TAKEN = /\.(csv|txt|xlsx)$/i;
const KINDS = [
    [/\.(xls|et)$/i, "旧版 .xls 或 WPS 的 .et", "an old .xls or a .et of WPS"],
    [/\.(ods|fods|ots)$/i, "LibreOffice 的 .ods", "an .ods of LibreOffice"],
    [/\.(xlsm|xlsb)$/i, "含宏或二进制的 Excel 工作簿", "an Excel workbook with macros, or a binary one"],
    [/\.(docx?|wps|pdf)$/i, "文字文档", "a text document"],
    [/\.(zip|rar|7z)$/i, "压缩包（先解压）", "an archive (unpack it first)"],
];

const A_KEY = /\.(key|ppk|p12|pfx|pem|cer|crt|pub)$/i;
const A_PICTURE = /\.(jpe?g|png|bmp|gif|tiff?|webp|heic)$/i;
const FROM_THE_OFFICE = /\.(p7m|p7s|json|ack)$/i;

/** What a file is that is not read, in words; null where it is to be read. */
export function notRead(name) {
    if (TAKEN.test(name)) return null;
    if (FROM_THE_OFFICE.test(name))
        return say(
            "这是回执、结果或已生成的请求：取回的文件请拖到“读取”；这里要的是名单原件（.xlsx 或 .csv）。",
            "This is a receipt, a result or a request that was made: drop what was fetched in under Read; here belongs the list itself.",
        );
    if (A_KEY.test(name))
        return say(
            "这是密钥或证书，不是名单：私钥在“签名私钥”“解密私钥”处选，不要打开、转存或外传；这里要的是名单（.xlsx 或 .csv）。",
            "This is a key or a certificate: private keys are chosen in the fields for them, and are neither opened nor passed on. Here belongs the list.",
        );
    if (A_PICTURE.test(name))
        return say(
            "这是图片，读不出其中的文字：请把名单录入表格软件，存为 .xlsx，再拖进来。",
            "This is a picture; its text is not read: type the list into a spreadsheet, save it as .xlsx and drop that in.",
        );
    const [, zh, en] = KINDS.find(([ending]) => ending.test(name)) ?? [null, "不认识的文件", "a file of another kind"];
    return say(
        `这是${zh}：请在表格软件中打开名单，“另存为”.xlsx，再拖进来。`,
        `This is ${en}: open the list in a spreadsheet, save it as .xlsx and drop that in.`,
    );
}

export const dataOf = async (file) => ({
    name: file.name,
    content: await bytesOf(file),
    isWorkbook: /\.xlsx$/i.test(file.name),
    sheet: null, // the first that is shown
    mended: false,
});
