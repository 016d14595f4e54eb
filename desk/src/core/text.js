/**
 * Texts as people write them, evened out: width, blanks, invisible characters, the apostrophe in front.
 * Mirrors `exchange/matching/codes.py` and `exchange/validate/cells.py`; the patterns are theirs.
 */
import { holds } from "./rules.js";

const SEEN = /[^\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u;
const UNSEEN = /[\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]+/gu;

/** Whether a cell holds anything that can be seen. */
export const hasText = (value) => SEEN.test(value);

const QUOTED = /^[\s\u200b]+"([^"]*)"[\s\u200b]*$/u;

/** What stands between quotation marks behind a blank: to CSV they are text, to whoever wrote `a, "b"` they are not. */
export const withoutQuotes = (value) => (value.includes('"') ? value.replace(QUOTED, "$1") : value);

/** The text without blanks, marks and controls. */
export const seen = (value) => value.replace(UNSEEN, "");

/** The rest of `normalised`, of a text in evened width. */
export const withoutBlanks = (rules, even) => even.replace(rules.like.left_out, "");

/** Evened width, no blanks, nothing invisible, no apostrophe in front. */
export const normalised = (rules, text) => withoutBlanks(rules, text.normalize("NFKC"));

/** The text from the first character on that somebody meant. */
export const withoutFront = (rules, text) => text.replace(rules.like.front, "");

/** Whether a cell holds nothing that somebody meant. */
export const nothingClaimed = (rules, text) => holds(rules.like.nothing, text);

/** Whether a coded word stands in the table of its kind. */
export const isWord = (rules, kind, text) => rules.words[kind].has(normalised(rules, text).toUpperCase());
