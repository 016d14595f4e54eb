/**
 * Bytes to text, for files as people's programs save them; mirrors `exchange/validate/encoding.py`.
 *
 * Rules: a mark of an encoding decides, then the file as a whole, by the share of common Chinese in either reading. What is
 * mixed or unclear is refused with its line (the header is line 0), never guessed. What is read as GB 18030 must read as
 * Chinese (`exchange/validate/familiar.py`): Big5, EUC-KR and Shift-JIS are valid GB 18030, too.
 */
import { hasUnwrittenWord } from "./alphabets.js";
import { checkIsNoDocument } from "./kinds.js";
import { readNextDoor } from "./neighbours.js";
import { Refused } from "./refused.js";
import { replaced } from "./rules.js";

export const MAX_LINE_BYTES = 64 * 1024;
const PIECE = 1024 * 1024;
const CLEAR = 0.25;
const CLEAR_LEAD = 4;
const ENOUGH = 60;
const TWO_NAMES = 6;
const FEW = 1 / 3;
const BEYOND_ASCII = /[^\0-\x7f]/;
const LETTER = /[^\0-\x7f\p{N}\p{P}\p{Z}]/gu;
const HAN = "\\u2e80-\\u2fdf\\u3007\\u3400-\\u9fff\\ue000-\\uf8ff\\uf900-\\ufaff\\u{20000}-\\u{3fffd}";
const SIGNS = "\\xb7\\u2000-\\u2bff\\u3000-\\u3006\\u3008-\\u303f\\ufe00-\\ufe0f\\ufeff\\uff00-\\uffef";
const OF_HAN = new RegExp(`[${HAN}]`, "gu");
const OF_OTHERS = new RegExp(`[^\\0-\\x7f${HAN}${SIGNS}]`, "gu");
const FOREIGN = "[\\x80-\\x9f\\xa1-\\xb6\\xb8-\\u07ff]";
const SIDE_BY_SIDE = new RegExp(`${FOREIGN}[^\\0-\\x7f]|[^\\0-\\x7f]${FOREIGN}`, "u");
const HAN_IN_UTF8 = /(?<![^\0-\x7f])[\u3000-\u9fff]+(?![^\0-\x7f])/u;
const MARKS = [
    [0xef, 0xbb, 0xbf],
    [0x84, 0x31, 0x95, 0x33],
    [0xe2, 0x80, 0x8b],
];
const MARKED = ["utf-8", "gb18030"];
const CTRL_Z = 0x1a;
const LOST = [0x84, 0x31, 0xa4, 0x37];

/** One for each encoding: a million lines would leave a million behind. */
const DECODERS = new Map();

function decode(bytes, encoding) {
    if (!DECODERS.has(encoding)) DECODERS.set(encoding, new TextDecoder(encoding, { fatal: true, ignoreBOM: true }));
    return DECODERS.get(encoding).decode(bytes);
}

function decodes(bytes, encoding) {
    try {
        return decode(bytes, encoding);
    } catch {
        return null;
    }
}

/** The text, without a mark in front. @param {Uint8Array} content @param {string} [stated] utf-8 or gb18030 */
export function toText(rules, content, stated = null) {
    checkIsNoDocument(content);
    let bytes = content;
    let encoding = stated;
    if (
        !stated &&
        bytes.length > 1 &&
        ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    ) {
        bytes = new TextEncoder().encode(fromUtf16(bytes));
        encoding = "utf-16";
    }
    const nul = bytes.indexOf(0);
    if (nul >= 0) throw new Refused("nul_byte", { row: countLines(bytes.subarray(0, nul)) });
    const marked = MARKED.find((_, at) => MARKS[at].every((byte, place) => bytes[place] === byte)) ?? null;
    bytes = withoutMarks(bytes);
    const lines = linesOf(bytes);
    const long = lines.findIndex((line) => line.length > MAX_LINE_BYTES);
    if (long >= 0) throw new Refused("line_too_long", { row: long });
    const text = decodes(bytes, "utf-8");
    if (stated === "gb18030" && !isAscii(bytes)) checkNotUtf8(lines, text, marked === "utf-8");
    encoding ??= decided(bytes, lines, text, marked);
    if (encoding === "utf-8" && text !== null) checkNoneByAccident(rules, lines, stated);
    if (encoding === "gb18030") {
        const read = fromGb18030(rules, bytes, lines);
        checkReadsAsChinese(rules, read, lines, [stated, marked].includes(encoding));
        return read;
    }
    if (text === null)
        throw new Refused("encoding", { row: lines.findIndex((line) => decodes(line, "utf-8") === null) });
    return text;
}

/** The office's own file: UTF-8, or GB 18030 by agreement, where masked names and codes hold few letters to tell by. */
export function resultText(rules, content) {
    return toText(rules, content, decodes(content, "utf-8") === null ? "gb18030" : null);
}

function fromUtf16(bytes) {
    const encoding = bytes[0] === 0xff ? "utf-16le" : "utf-16be";
    const text = decodes(bytes.subarray(2), encoding);
    if (text !== null) return text;
    throw new Refused("encoding", { row: rowOfLoneHalf(bytes.subarray(2), encoding === "utf-16le") });
}

/** The line of the first half of a character without its other half, or of the odd byte at the end. */
function rowOfLoneHalf(bytes, littleEndian) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const unit = (place) => (place + 1 < bytes.length ? view.getUint16(place, littleEndian) : -1);
    let row = 0;
    for (let place = 0; place + 1 < bytes.length; place += 2) {
        const kind = unit(place) >> 10;
        if (kind === 0x37 || (kind === 0x36 && unit(place + 2) >> 10 !== 0x37)) return row;
        if (kind === 0x36) place += 2;
        else if (unit(place) === 10) row += 1;
    }
    return row;
}

function countLines(bytes) {
    let count = 0;
    for (const byte of bytes) if (byte === 10) count += 1;
    return count;
}

function withoutMarks(content) {
    let bytes = content;
    for (;;) {
        const mark = MARKS.find((each) => each.every((byte, place) => bytes[place] === byte));
        if (!mark) break;
        bytes = bytes.subarray(mark.length);
    }
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === CTRL_Z) end -= 1;
    bytes = bytes.subarray(0, end);
    return bytes.includes(13) ? bytes.map((byte, at) => (byte === 13 && bytes[at + 1] !== 10 ? 10 : byte)) : bytes;
}

/** Each line with its line feed. */
function linesOf(bytes) {
    const lines = [];
    for (let start = 0; start < bytes.length;) {
        const end = bytes.indexOf(10, start) + 1 || bytes.length;
        lines.push(bytes.subarray(start, end));
        start = end;
    }
    return lines;
}

function fromGb18030(rules, bytes, lines) {
    const text = decodes(withoutEuro(bytes), "gb18030");
    if (text === null) {
        throw new Refused("encoding", {
            row: lines.findIndex((line) => decodes(withoutEuro(line), "gb18030") === null),
        });
    }
    return replaced(withOpenPlace(text, bytes), rules.moved);
}

/** A3A0 is an open place of GBK: browsers read a full-width blank there, and the office a character of private use. */
function withOpenPlace(text, bytes) {
    const isOpen = (at) => bytes[at] === 0xa3 && bytes[at + 1] === 0xa0;
    if (!bytes.some((_, at) => isOpen(at))) return text;
    const blanks = charactersOf(bytes, (at) => isOpen(at) || (bytes[at] === 0xa1 && bytes[at + 1] === 0xa1));
    let seen = 0;
    return text.replaceAll("\u3000", (blank) => (isOpen(blanks[seen++]) ? "\ue5e5" : blank));
}

/** Refused, with the first line beyond ASCII, where what was read as GB 18030 does not look like it. */
function checkReadsAsChinese(rules, text, lines, stated) {
    const at = text.search(BEYOND_ASCII);
    if (at < 0) return;
    const start = text.lastIndexOf("\n", at) + 1;
    const row = text.slice(0, start).split("\n").length - 1;
    const whole = lettersOf(rules, text.slice(start, start + PIECE));
    if (stated) {
        const hardly = whole.all >= TWO_NAMES && whole.familiar < FEW * whole.all;
        if (hardly && (whole.all >= ENOUGH || readNextDoor(pieceFrom(lines, row)))) {
            throw new Refused("encoding", { row });
        }
        return;
    }
    const header = row === 0 ? lettersOf(rules, text.split("\n", 1)[0]) : whole;
    if (!readsAsChinese(whole) && !readsAsChinese(header)) throw new Refused("encoding_unclear", { row });
}

const readsAsChinese = ({ all, familiar }) => familiar - (all - familiar) >= CLEAR_LEAD;

function lettersOf(rules, text) {
    let all = 0;
    let familiar = 0;
    for (const [letter] of text.matchAll(LETTER)) {
        all += 1;
        if (rules.familiar.has(letter)) familiar += 1;
    }
    return { all, familiar };
}

/** Where the byte 80 stands by itself: a euro sign to Windows, nothing in GB 18030. */
const eurosOf = (bytes) => (bytes.includes(0x80) ? charactersOf(bytes, (place) => bytes[place] === 0x80) : []);

/** Where the characters of GB 18030 begin that are asked for by their places. */
function charactersOf(bytes, asked) {
    const places = [];
    for (let place = 0; place < bytes.length;) {
        const [first, second] = [bytes[place], bytes[place + 1]];
        if (asked(place)) places.push(place);
        if (first <= 0x80 || first === 0xff) place += 1;
        else place += second >= 0x30 && second <= 0x39 ? 4 : second >= 0x40 ? 2 : 1;
    }
    return places;
}

/** Each of them as the mark of a lost character. */
function withoutEuro(bytes) {
    const places = eurosOf(bytes);
    if (!places.length) return bytes;
    const out = new Uint8Array(bytes.length + places.length * (LOST.length - 1));
    let from = 0;
    let to = 0;
    for (const place of places) {
        out.set(bytes.subarray(from, place), to);
        to += place - from;
        out.set(LOST, to);
        to += LOST.length;
        from = place + 1;
    }
    out.set(bytes.subarray(from), to);
    return out;
}

const isAscii = (bytes) => bytes.every((byte) => byte < 0x80);

/** The encoding of a file that states none; Refused where it cannot be told. */
function decided(bytes, lines, text, marked) {
    if (isAscii(bytes)) return "utf-8";
    if (marked === "gb18030") return marked;
    if (text !== null) return marked ?? ofWholeUtf8(lines);
    const kinds = [];
    lines.forEach((line, row) => {
        if (!isAscii(line)) kinds.push([row, kindOf(line)]);
    });
    const ofUtf8 = kinds.filter(([, kind]) => kind === "utf-8").length;
    if (!ofUtf8) return "gb18030";
    const [first, kindOfFirst] = kinds[0];
    const most = first === 0 ? kindOfFirst : 2 * ofUtf8 > kinds.length ? "utf-8" : "gb18030";
    const row = kinds.find(([, kind]) => kind !== most)?.[0] ?? first;
    if (most === "utf-8" && evidence(lines[row], "gb18030") <= CLEAR) throw new Refused("encoding", { row });
    throw new Refused("mixed_encoding", { row });
}

function ofWholeUtf8(lines) {
    const row = lines.findIndex((line) => !isAscii(line));
    const piece = pieceFrom(lines, row);
    const asGb = evidence(piece, "gb18030");
    if (evidence(piece, "utf-8") - asGb > CLEAR) return "utf-8";
    if (asGb === 0 && isOfHan(decode(piece, "utf-8"))) return "utf-8";
    if (row === 0 && evidence(lines[0], "gb18030") - evidence(lines[0], "utf-8") > CLEAR) return "gb18030";
    throw new Refused("encoding_unclear", { row });
}

/** Refused, with the first line of this UTF-8 that is clearly a text in GB 18030. */
function checkNoneByAccident(rules, lines, stated) {
    const row = lines.findIndex((line) => !isAscii(line) && isByAccident(rules, line));
    if (row >= 0) throw new Refused(stated === null ? "mixed_encoding" : "encoding", { row });
}

function isByAccident(rules, line) {
    const text = decode(line, "utf-8");
    if (!SIDE_BY_SIDE.test(text) || isOfHan(text)) return false;
    const read = inGb18030(line);
    if (read === null) return false;
    const letters = lettersOf(rules, read);
    if (letters.all < 2) return false;
    return letters.familiar > letters.all / 2 || (!read.match(OF_OTHERS) && hasUnwrittenWord(text));
}

/** Whether what is beyond ASCII are Chinese characters rather than letters of other alphabets. */
function isOfHan(text) {
    const others = (text.match(OF_OTHERS) ?? []).length;
    return !others || (text.match(OF_HAN) ?? []).length > others;
}

/** Refused, with its first line that is UTF-8 beyond doubt, where a file stated to be GB 18030 has one. */
function checkNotUtf8(lines, text, marked) {
    const clear = lines.findIndex((line) => !isAscii(line) && hasHanInUtf8(line) && isClearlyUtf8(line));
    if (clear >= 0) throw new Refused("encoding", { row: clear });
    if (text === null) return;
    const row = lines.findIndex((line) => !isAscii(line));
    if (marked || isClearlyUtf8(pieceFrom(lines, row))) throw new Refused("encoding", { row });
}

const hasHanInUtf8 = (line) => HAN_IN_UTF8.test(decodes(line, "utf-8") ?? "");

const isClearlyUtf8 = (bytes) => evidence(bytes, "utf-8") - evidence(bytes, "gb18030") > CLEAR;

/** The lines from this one on, some megabyte of them. */
function pieceFrom(lines, row) {
    const taken = [];
    for (let at = row, size = 0; at < lines.length && size <= PIECE; at += 1) {
        taken.push(lines[at]);
        size += lines[at].length;
    }
    const start = taken[0].byteOffset;
    const last = taken[taken.length - 1];
    return new Uint8Array(taken[0].buffer, start, last.byteOffset + last.length - start);
}

function kindOf(line) {
    if (decodes(line, "utf-8") === null) return "gb18030";
    return evidence(line, "gb18030") - evidence(line, "utf-8") > CLEAR ? "gb18030" : "utf-8";
}

let common = null;

/** The characters of GB 2312, rows 16 to 87. */
function commonCharacters() {
    if (common) return common;
    common = new Set();
    for (let lead = 0xb0; lead <= 0xf7; lead += 1) {
        const last = lead === 0xd7 ? 0xf9 : 0xfe;
        for (let trail = 0xa1; trail <= last; trail += 1) common.add(decode(Uint8Array.of(lead, trail), "gbk"));
    }
    return common;
}

/** The text; null where it cannot be read so. To browsers the byte 80 is a euro sign. */
function inGb18030(bytes) {
    return eurosOf(bytes).length ? null : decodes(bytes, "gb18030");
}

/** The share of common Chinese among what is beyond ASCII in this reading; 0 where it cannot be read so. */
function evidence(bytes, encoding) {
    const text = encoding === "gb18030" ? inGb18030(bytes) : decodes(bytes, encoding);
    if (text === null) return 0;
    let beyond = 0;
    let hanzi = 0;
    for (const letter of text) {
        if (letter.codePointAt(0) < 0x80) continue;
        beyond += 1;
        if (commonCharacters().has(letter)) hanzi += 1;
    }
    return beyond ? hanzi / beyond : 0;
}
