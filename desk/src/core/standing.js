/**
 * How a row of a result stands: what does not agree comes first, then what could not be read, then what is still open.
 */
const AGREES = new Set(["consistent", "no_record", "registered", "not_applicable"]);
const FOLLOWS_FROM_ANOTHER = new Set(["not_answered"]);

export const STANDINGS = ["differs", "unread", "pending", "agrees"];

/** `differs`, `unread`, `pending` or `agrees`, by the answers in the row. */
export function standing(rules, columns, row) {
    const found = new Set();
    columns.forEach((column, at) => {
        if (column !== "identity" && !column.endsWith("_answer")) return;
        const answer = rules.answers[row[at]];
        if (!answer) return void found.add("unread"); // an answer of after this desk: nobody may take it for a yes
        if (FOLLOWS_FROM_ANOTHER.has(answer.code)) return;
        if (answer.group === "pending") found.add("pending");
        else if (answer.group === "final") found.add(AGREES.has(answer.code) ? "agrees" : "differs");
        else found.add(AGREES.has(answer.code) ? "agrees" : "unread");
    });
    return STANDINGS.find((each) => found.has(each)) ?? "agrees";
}

/** The columns whose answers do not agree; number and name alone where these do not, as all else follows from them. */
export function differing(rules, columns, row) {
    const found = columns.filter((column, at) => {
        const asked = column === "identity" || column.endsWith("_answer");
        return asked && rules.answers[row[at]]?.group === "final" && !AGREES.has(row[at]);
    });
    return found.includes("identity") ? ["identity"] : found;
}

/** What to do about a row: the entries of the office's tables for its answers, each once. */
export function whatToDo(rules, columns, row) {
    const codes = columns.flatMap((column, at) =>
        column === "identity" || column.endsWith("_answer") ? [row[at]] : [],
    );
    return [...new Set(codes)].flatMap((code) =>
        rules.answers[code] ? (rules.after[code] ?? rules.advice[code] ?? []) : OLD_DESK,
    );
}

const OLD_DESK = {
    zh: "本协作台不认识这个答复：请向户政管理部门索取新的协作台，再打开一次。",
    en: "This desk does not know the answer: ask the office for a new one and open the result again.",
};

/**
 * One's own rows beside the result's: by their order where that fits every reference (one that held an identity number
 * comes back masked), else by reference. Null where the list has no such row, or the row is about another number: a list
 * of another batch may bear the same references. @returns {(string[]|null)[]}
 */
export function besides(own, rows) {
    if (!own) return rows.map(() => null);
    const place = own.codes.indexOf("row_ref");
    const number = own.codes.indexOf("id_number");
    const fits = (at, reference) => own.rows[at][place] === reference || reference.includes("***");
    const inOrder = own.rows.length === rows.length && rows.every(([reference], at) => fits(at, reference));
    const byReference = new Map(own.rows.map((row) => [row[place], row]));
    return rows.map(([reference, masked], at) => {
        const mine = (inOrder ? own.rows[at] : byReference.get(reference)) ?? null;
        return mine && isOf(mine[number] ?? "", masked) ? mine : null;
    });
}

/** Whether the masked number may be this one; one that is hidden, or was written with fewer characters, may. */
function isOf(number, masked) {
    const digits = number
        .normalize("NFKC")
        .toUpperCase()
        .replace(/[^0-9X]/g, "");
    if (digits.length !== masked.length) return true;
    return [...masked].every((sign, at) => sign === "*" || sign === digits[at]);
}
