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
    [/\.(p7m|p7s|json|zip|rar|7z)$/i, "已加密、签名或打包的文件", "a sealed, signed or packed file"],
];

/** What a file is that is not read, in words; null where it is to be read. */
export function notRead(name) {
    if (TAKEN.test(name)) return null;
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
