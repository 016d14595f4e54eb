/**
 * The clerk's own list, to stand beside the answers: of several sheets the first that can be read.
 */
import { askedOf } from "./checkView.js";
import { dataOf, notRead } from "./dataFile.js";
import { say } from "./dom.js";
import { fileRefusalText } from "./words.js";

/** `{seen}`, or `{problem}` in words, where no sheet of the file is such a list. */
export async function readOwnList(desk, checker, file) {
    const other = notRead(file.name);
    if (other) return { problem: other };
    const data = await dataOf(file);
    const look = (sheet) => checker.check(data.content, askedOf({ ...desk, data: { ...data, sheet } }, ""), () => {});
    const first = await look(null);
    if (!first?.refusal) return { seen: first };
    for (const sheet of first.sheets.slice(1)) {
        const seen = await look(sheet);
        if (seen && !seen.refusal) return { seen };
    }
    return {
        problem: [
            say("名单读不了，只显示答复：", "The list cannot be read: "),
            fileRefusalText(desk.rules, first.refusal),
        ],
    };
}
