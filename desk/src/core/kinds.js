/**
 * What a data file is by its first bytes, where it is clearly no list; mirrors `exchange/validate/kinds.py`.
 */
import { Refused } from "./refused.js";

const SEALED = /^(?:-----BEGIN |MIME-Version:|0(?:\x80|[\x81-\x84].{1,4}?|.)\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07)/s;
const WORKBOOK =
    /^(?:PK\x03\x04|\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1|\x1f\x8b\x08|7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|\{\\rtf|ID;PWXL|(?:\xef\xbb\xbf)?[ \t\r\n\f\v]{0,8}<(?:\?xml|!doctype|html|head|meta|style|body|table)[ \t\r\n\f\v>])/i;
const FIRST = 32;

const firstOf = (content) => String.fromCharCode(...content.subarray(0, FIRST));

/** Refused where what was opened is itself signed or encrypted. */
export function checkNotSealed(content) {
    if (SEALED.test(firstOf(content))) throw new Refused("data_still_sealed");
}

/** Refused where a file that should be CSV is sealed, a workbook or a PDF. */
export function checkIsNoDocument(content) {
    checkNotSealed(content);
    const first = firstOf(content);
    if (WORKBOOK.test(first)) throw new Refused("csv_is_workbook");
    if (first.startsWith("%PDF-")) throw new Refused("csv_is_pdf");
}
