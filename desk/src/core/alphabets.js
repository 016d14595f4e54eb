/**
 * Whether a word is one that anybody writes, by the alphabets of its letters; mirrors `exchange/validate/alphabets.py`.
 */
const LATIN = "\\u00a1-\\u00aa\\u00ac\\u00ae-\\u00b6\\u00b8-\\u00ba\\u00bc-\\u02ff\\u0309-\\u036f";
const OTHERS = [
    "\\u0370-\\u03e1\\u03f0-\\u03ff",
    "\\u03e2-\\u03ef",
    "\\u0400-\\u052f",
    "\\u0530-\\u058f",
    "\\u0590-\\u05ff",
    "\\u0600-\\u06ff\\u0750-\\u077f",
    "\\u0700-\\u074f",
    "\\u0780-\\u07bf",
    "\\u07c0-\\u07ff",
];
const ALPHABETS = [LATIN, ...OTHERS].map((letters) => new RegExp(`[${letters}]`, "u"));
const LATIN_ALONE = new RegExp(`^[${LATIN}\\u0300-\\u0308]{2,}$`, "u");
const NEVER = /^[\u0300-\u036f]|[\u0080-\u009f]|\p{Cn}/u;
const HAN = /[\u3400-\u9fff]/u;
const WORD = /[A-Za-z\u0080-\u009f\u00a1-\u00b6\u00b8-\u{10ffff}]+/gu;

/** Whether a word of this text is one that nobody writes. */
export const hasUnwrittenWord = (text) => (text.match(WORD) ?? []).some(isUnwritten);

function isUnwritten(word) {
    if (NEVER.test(word)) return true;
    const found = [...ALPHABETS.keys()].filter((place) => ALPHABETS[place].test(word));
    if (found.length === 1 && found[0] === 0) return LATIN_ALONE.test(word);
    return found.length > 1 || (found.length === 1 && HAN.test(word));
}
