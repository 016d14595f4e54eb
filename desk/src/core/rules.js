/**
 * The office's tables and patterns as the page holds them, ready for use.
 *
 * Rule: no table and no pattern of a rule is written here; all of them come from the office (`exchange/desk/tables.py`).
 */

/** @returns the tables with compiled patterns (`like`), maps of words and of letters */
export function makeRules(tables) {
    const like = {};
    for (const [name, source] of Object.entries(tables.patterns)) like[name] = new RegExp(source, "gu");
    const letters = new Map(Object.entries(tables.letters));
    return {
        ...tables,
        like,
        letters,
        moved: new Map(Object.entries(tables.moved)),
        words: Object.fromEntries(Object.entries(tables.words).map(([kind, words]) => [kind, new Map(wordsOf(words))])),
        familiar: new Set(tables.familiar_letters),
        divisionCodes: new Set(tables.division_codes),
        items_in_order: tables.items,
        items: new Map(tables.items.map((item) => [item.code, item])),
        longestDivision: tables.words.division.reduce((most, word) => Math.max(most, [...word].length), 0),
    };
}

/** Words that only have to be known come as a list, those with a code as an object. */
function wordsOf(words) {
    return Array.isArray(words) ? words.map((word) => [word, true]) : Object.entries(words);
}

/** Whether a pattern (which is kept with the flag g) is found in the text. */
export function holds(pattern, text) {
    pattern.lastIndex = 0;
    return pattern.test(text);
}

/** The groups of the first place where the pattern is found, or null. */
export function groupsOf(pattern, text) {
    pattern.lastIndex = 0;
    return pattern.exec(text);
}

/** The text with each letter that the map has replaced; put together of what lies between them, not letter by letter. */
export function replaced(text, letters) {
    let out = "";
    let from = 0;
    let place = 0;
    for (const letter of text) {
        const other = letters.get(letter);
        if (other !== undefined) {
            out += text.slice(from, place) + other;
            from = place + letter.length;
        }
        place += letter.length;
    }
    return from ? out + text.slice(from) : text;
}
