/**
 * Whether bytes read whole in an encoding of a neighbouring country; mirrors `exchange/validate/neighbours.py`.
 */
const between = (first, last) => (byte) => byte >= first && byte <= last;
const either = (one, other) => (byte) => one(byte) || other(byte);
const none = () => false;
const EUC = between(0xa1, 0xfe);
const ASCII = between(0, 0x7f);

/** What first bytes stand alone, what first and what second bytes of two there are, of common characters. */
const COMMON = [
    [none, between(0xa1, 0xc6), either(between(0x40, 0x7e), EUC)], // Big5
    [none, between(0xb0, 0xc8), EUC], // EUC-KR
    [none, between(0xa1, 0xcf), EUC], // EUC-JP
    [between(0xa1, 0xdf), between(0x81, 0x98), either(between(0x40, 0x7e), between(0x80, 0xfc))], // Shift-JIS
];

/** Whether all of this text is common characters in one of these encodings. @param {Uint8Array} bytes */
export const readNextDoor = (bytes) => COMMON.some((encoding) => isWhole(bytes, encoding));

function isWhole(bytes, [alone, first, second]) {
    for (let place = 0; place < bytes.length; place += 1) {
        if (ASCII(bytes[place]) || alone(bytes[place])) continue;
        if (!first(bytes[place]) || !second(bytes[place + 1])) return false;
        place += 1;
    }
    return true;
}
