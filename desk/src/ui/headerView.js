/**
 * How to put a header right, beneath the sentence that says why a file would be refused.
 */
import { el, say } from "./dom.js";

const words = (columns) => columns.map((each) => each.zh[0]).join("、");
/** With what else may be written for it. */
const allWords = ({ zh: [first, ...others] }) => first + (others.length ? `（或 ${others.join("、")}）` : "");

/** @param help of `core/headerHelp.js`; nothing where there is none */
export function headerSteps(help) {
    if (!help) return "";
    const { unknown, missing, columns, row, objection } = help;
    const steps = [];
    if (row) {
        steps.push(
            say(
                `表头看来在第 ${row} 行：请在表格软件中删除它上面的各行；表头占两行的，并成一行。`,
                `The header seems to be in row ${row}: delete the rows above it; where it takes two rows, make one of them.`,
            ),
        );
    } else {
        if (unknown.length)
            steps.push(
                say(
                    `认不出的列：${unknown.map(({ place, word }) => `第 ${place} 列“${short(word)}”`).join("、")}。不核查的，删去整列；要核查的，表头改成下面的写法。`,
                    `Not recognized: ${unknown.map(({ place, word }) => `column ${place} “${short(word)}”`).join(", ")}. Delete what is not asked; write the others as below.`,
                ),
            );
        if (missing.length)
            steps.push(
                say(`还缺：${missing.map(allWords).join("；")}。`, `Missing: ${missing.map(allWords).join("; ")}.`),
            );
    }
    steps.push(
        say(
            `可以用的表头：${words(columns)}（次序不限，只写要核查的；头三列必有）。`,
            `What may stand in the header: ${words(columns)} (in any order, only what is asked; the first three always).`,
        ),
    );
    if (objection)
        steps.push(
            say(
                `提异议的，表头只写：${words(objection)}。`,
                `For an objection the header is: ${words(objection)} alone.`,
            ),
        );
    return el(
        "ul",
        { class: "steps" },
        steps.map((each) => el("li", {}, each)),
    );
}

const LONGEST = 20;
const short = (word) => ([...word].length > LONGEST ? `${[...word].slice(0, LONGEST).join("")}…` : word);
