/**
 * RSAES-PKCS1-v1_5 opened (RFC 8017, 7.2.2), which WebCrypto leaves out and `openssl cms` uses.
 *
 * Rules: the key stays on this machine, and nobody from outside can ask for decryptions or time them. Whatever is wrong
 * with the padding gives a random key (RFC 3218, 2.3.2): the envelope then does not open, and nothing says why.
 */
import { hex } from "./pem.js";

/** The content key in these bytes. @param {{n: bigint, p: bigint, q: bigint, dp: bigint, dq: bigint, qi: bigint}} key */
export function openedV15(sealed, key, length) {
    const size = hexOf(key.n).length / 2;
    const block = privatePower(BigInt(`0x${hex(sealed)}`), key);
    const bytes = Uint8Array.from(
        hexOf(block)
            .padStart(2 * size, "0")
            .match(/../g),
        (pair) => parseInt(pair, 16),
    );
    const end = size - length - 1;
    const padded = bytes[0] === 0 && bytes[1] === 2 && bytes[end] === 0 && !bytes.subarray(2, end).includes(0);
    return padded ? bytes.subarray(end + 1) : crypto.getRandomValues(new Uint8Array(length));
}

function hexOf(number) {
    const text = number.toString(16);
    return text.length % 2 ? `0${text}` : text;
}

/** By the Chinese remainder theorem (RFC 8017, 5.1.2). */
function privatePower(number, { p, q, dp, dq, qi }) {
    const one = power(number % p, dp, p);
    const other = power(number % q, dq, q);
    const h = (qi * (((one - other) % p) + p)) % p;
    return other + q * h;
}

function power(base, exponent, modulus) {
    let result = 1n;
    let square = base;
    for (let rest = exponent; rest > 0n; rest >>= 1n) {
        if (rest & 1n) result = (result * square) % modulus;
        square = (square * square) % modulus;
    }
    return result;
}
