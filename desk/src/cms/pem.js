/**
 * PEM and bytes, hex and hashes.
 */
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----/g;

/** The blocks of a PEM text: `[{label, bytes}]`. */
export function pemBlocks(text) {
    return [...text.matchAll(BLOCK)].map(([, label, body]) => ({ label, bytes: fromBase64(body.replace(/\s+/g, "")) }));
}

export const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

export const toBase64 = (bytes) =>
    btoa(Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join(""));

export const toPem = (label, bytes) =>
    `-----BEGIN ${label}-----\n${toBase64(bytes).replace(/(.{64})(?!$)/g, "$1\n")}\n-----END ${label}-----\n`;

export const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");

export const sha256 = async (bytes) => hex(await crypto.subtle.digest("SHA-256", bytes));

/** The bytes between PEM's two lines; anything else as it is. */
export function asDer(bytes) {
    const text = bytes[0] === 0x2d ? new TextDecoder("latin1").decode(bytes) : "";
    return pemBlocks(text)[0]?.bytes ?? bytes;
}

/** An ArrayBuffer of just these bytes, as the ASN.1 library wants it. */
export const buffer = (bytes) => bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
