/**
 * CSV as Python's `csv` reads it, which is what the office holds its fast reader to.
 */
import { knownWords } from "./columns.js";
import { MAX_LINE_BYTES } from "./encoding.js";
import { Refused } from "./refused.js";
import { hasText } from "./text.js";

const LONGEST_FIELD = 131_072;

/**
 * The rows of a text, each an array of fields; blank lines are none. A generator, so that rows need not all be held.
 * @param {boolean} [strict] a stray quote is an error (null is yielded) and not text
 */
export function* csvRows(text, separator, start = 0, strict = false) {
    let place = start;
    const end = text.length;
    let line = 0;
    while (place < end) {
        const row = [];
        for (;;) {
            let field = "";
            const quoted = text[place] === '"';
            if (quoted) {
                let from = place + 1;
                for (;;) {
                    const quote = text.indexOf('"', from);
                    if (quote < 0) {
                        if (strict) return yield null;
                        field += text.slice(from);
                        place = end;
                        break;
                    }
                    field += text.slice(from, quote);
                    place = quote + 1;
                    if (text[place] !== '"') break;
                    field += '"';
                    from = place + 1;
                }
            }
            const stop = fieldEnd(text, place, separator);
            if (strict && quoted && stop > place) return yield null;
            field += text.slice(place, stop);
            if (field.length > LONGEST_FIELD) throw new Refused("csv_format", { row: line + 1 });
            row.push(field);
            place = stop;
            if (text[place] !== separator) break;
            place += 1;
        }
        if (text[place] === "\r" && text[place + 1] === "\n") place += 2;
        else place += 1;
        line += 1;
        if (row.length > 1 || row[0] !== "") yield row;
    }
}

/** Where the field that begins here, outside of quotes, ends: at a separator, a line's end or the text's. */
function fieldEnd(text, start, separator) {
    let place = start;
    for (; place < text.length; place += 1) {
        const letter = text[place];
        if (letter === separator || letter === "\n" || letter === "\r") break;
    }
    return place;
}

const SEPARATORS = [",", ";", "\t"];
const OTHERS = /[|:，；、｜]/u;
const OF_EMPTY_FIELDS = /[,;\t"]+/gu;
const NO_LETTERS = /[^\p{L}\p{N}_]+/u;
const EXCELS_LINE = /^"?sep=[^\r\n]"?\r?\n/iu;

/** `{separator, header, body}`: what parts the fields, the header's words, and where the rows begin. */
export function readCsvHeader(rules, text) {
    const start = headerStart(text);
    const body = headerEnd(text, start);
    const line = text.slice(start, body).replace(/[\r\n]+$/, "");
    let best = null;
    for (const separator of SEPARATORS) {
        const header = line === "" ? [""] : csvRows(line, separator, 0, true).next().value;
        if (!header) continue;
        const [known, words] = [knownWords(rules, header), header.filter(hasText).length];
        if (!best || known > best.known || (known === best.known && words > best.words))
            best = { separator, header, body, known, words };
    }
    if (!best) throw new Refused("csv_format", { row: 0 });
    const parted = OTHERS.test(line) || knownWords(rules, line.split(NO_LETTERS)) > 1;
    if (best.header.length === 1 && parted) throw new Refused("csv_separator", { row: 0 });
    return best;
}

/**
 * What parts the fields of the rows: what parts the header's, unless it stands nowhere among them. Refused where it is
 * another sign. @param {number} fewest fields that a row has
 */
export function rowSeparator(text, { separator, header, body }, fewest) {
    if (text.indexOf(separator, body) >= 0) return separator;
    const start = firstFilled(text, body);
    const line = text.slice(start, headerEnd(text, start)).replace(/[\r\n]+$/, "");
    const fits = (fields) => fields && fields.length >= fewest && fields.length <= header.length;
    const fitting = SEPARATORS.find((each) => line !== "" && fits(csvRows(line, each, 0, true).next().value));
    if (fitting) return fitting;
    if (fits(line.split(OTHERS))) throw new Refused("csv_separator", { row: 1 });
    return separator;
}

/** Behind what Excel writes in front, and behind lines without any text. */
function headerStart(text) {
    return firstFilled(text, EXCELS_LINE.exec(text)?.[0].length ?? 0);
}

/** Where the first line begins that holds a text, between separators and quotation marks or without them. */
function firstFilled(text, start) {
    for (let begin = start; begin < text.length;) {
        const end = text.indexOf("\n", begin) + 1 || text.length;
        const line = text.slice(begin, end);
        if (quotes(line) % 2 || hasText(line.replace(OF_EMPTY_FIELDS, ""))) return begin;
        begin = end;
    }
    return text.length;
}

/** A line feed inside a quoted word of the header is no end of it. */
function headerEnd(text, start) {
    const next = (from) => text.indexOf("\n", from) + 1 || text.length;
    let end = next(start);
    while (quotes(text.slice(start, end)) % 2 && end < Math.min(text.length, start + MAX_LINE_BYTES)) end = next(end);
    return end;
}

const quotes = (text) => text.split('"').length - 1;
