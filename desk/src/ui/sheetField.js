/**
 * Which sheet of a workbook is read: the first that is shown, as at the office, until the clerk chooses another.
 */
import { el, field, message, say } from "./dom.js";

const LONGEST = 31; // letters, as the manifest takes them: `exchange/wire/manifest.py`
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** `{element, follow()}`: hidden where there is nothing to choose; `choose(name)` gets the sheet's name. */
export function sheetField(desk, choose) {
    const select = el("select", { id: "check-sheet", change: () => choose(select.value) });
    const element = field(say("工作表", "Sheet"), select);
    element.hidden = true;
    const follow = () => {
        const sheets = desk.seen?.sheets ?? [];
        element.hidden = sheets.length < 2;
        select.replaceChildren(...sheets.map((name, place) => option(name, place === 0)));
        select.value = desk.seen?.sheet ?? "";
    };
    return { element, follow };
}

function option(name, first) {
    const sayable = first || ([...name].length <= LONGEST && !CONTROL.test(name));
    return el("option", { value: name, disabled: !sayable }, sayable ? name : `${name}（表名太长，请改短 · too long）`);
}

/** That the other sheets are not sent; nothing where there are none. */
export const otherSheets = ({ sheets, sheet }) =>
    sheets.length > 1 &&
    message(
        "note",
        say(
            `工作簿有 ${sheets.length} 张工作表，只读取“${sheet}”。名单在别的工作表的，请在上面“工作表”中选；几张都要核查的，分几次发送。`,
            `The workbook has ${sheets.length} sheets; only “${sheet}” is read. Choose the one with the list above; several are sent one by one.`,
        ),
    );
