/**
 * The check sums that an archive states of its parts (CRC-32), which unpacking alone does not look at.
 */

const END = 0x06054b50;
const END_64 = 0x07064b50;
const LONGEST_COMMENT = 65_535;

/** Of each part, in the order of the archive's directory; none where there is no directory. */
export function statedSums(content) {
    const view = new DataView(content.buffer, content.byteOffset, content.length);
    const at = (place) => (place >= 0 && place + 4 <= content.length ? view.getUint32(place, true) : 0);
    let end = content.length - 22;
    const last = Math.max(0, end - LONGEST_COMMENT);
    while (end > last && at(end) !== END) end -= 1;
    let place = at(end + 16);
    if (at(end - 20) === END_64) place = at(at(end - 12) + 48);
    const sums = [];
    while (at(place) === 0x02014b50) {
        sums.push(at(place + 16));
        const lengths = [28, 30, 32].map((field) => at(place + field) & 0xffff);
        place += 46 + lengths.reduce((sum, each) => sum + each, 0);
    }
    return sums;
}

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
    let sum = byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? 0xedb88320 ^ (sum >>> 1) : sum >>> 1;
    return sum;
});

/** The check sum of these bytes. */
export function sumOf(bytes) {
    let sum = -1;
    for (let at = 0; at < bytes.length; at += 1) sum = TABLE[(sum ^ bytes[at]) & 0xff] ^ (sum >>> 8);
    return ~sum >>> 0;
}
