/**
 * A private key from a file, with its password where it has one: PKCS#8 (plain or encrypted) or PKCS#1, in PEM or DER, or
 * PKCS#12.
 *
 * Rule: it is in memory only, and only as long as whoever asked for it holds it.
 */
import { fromBER } from "asn1js";
import { AlgorithmIdentifier, PBES2Params, PKCS8ShroudedKeyBag, PrivateKeyInfo, RSAPrivateKey } from "pkijs";
import { asDer, buffer, hex, pemBlocks } from "./pem.js";
import { isPkcs12, keyOfPkcs12 } from "./pkcs12.js";

const RSA = "1.2.840.113549.1.1.1";
const PBES2 = "1.2.840.113549.1.5.13";
const PBKDF2 = "1.2.840.113549.1.5.12";
const AES_CBC = new Set(["2.16.840.1.101.3.4.1.2", "2.16.840.1.101.3.4.1.22", "2.16.840.1.101.3.4.1.42"]);
const LEGACY = /^Proc-Type: 4,ENCRYPTED/m;
const SIGNING = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

/** What went wrong with a key: `format`, `password`, `old` (its cipher), or `other` (not the one of the certificate). */
export class KeyProblem extends Error {}

/** @returns {Promise<{pkcs8: ArrayBuffer, numbers: object}>} `numbers`: n, e, d, p, q, dp, dq, qi as BigInt */
export async function readPrivateKey(content, password) {
    const info = await keyInfo(content, password);
    const key = info.parsedKey;
    if (!(key instanceof RSAPrivateKey)) throw new KeyProblem("format");
    const names = {
        n: "modulus",
        e: "publicExponent",
        d: "privateExponent",
        p: "prime1",
        q: "prime2",
        dp: "exponent1",
        dq: "exponent2",
        qi: "coefficient",
    };
    const numbers = Object.fromEntries(Object.entries(names).map(([short, name]) => [short, number(key[name])]));
    return { pkcs8: info.toSchema().toBER(), numbers };
}

/** Of an ASN.1 integer that is not negative. */
const number = (integer) =>
    integer?.valueBlock ? BigInt(`0x${hex(integer.valueBlock.valueHexView)}`) : BigInt(integer);

async function keyInfo(content, password) {
    const text = new TextDecoder("latin1").decode(content.subarray(0, 65_536));
    const label = pemBlocks(text).find((each) => each.label.endsWith("PRIVATE KEY"))?.label;
    const bytes = label ? pemBlocks(text).find((each) => each.label === label).bytes : asDer(content);
    if (LEGACY.test(text)) throw new KeyProblem("old"); // of before PKCS#8, as openssl 1 wrote it
    if (label === "RSA PRIVATE KEY") return wrapped(bytes);
    const parsed = fromBER(buffer(bytes));
    if (parsed.offset === -1) throw new KeyProblem("format");
    if (!label && isPkcs12(parsed.result)) return fromPkcs12(parsed.result, password);
    if (label !== "ENCRYPTED PRIVATE KEY" && (label || isPlain(parsed.result))) {
        try {
            return new PrivateKeyInfo({ schema: parsed.result });
        } catch {
            throw new KeyProblem("format");
        }
    }
    return decrypted(parsed.result, password);
}

/** A plain PKCS#8 key begins with its version, an encrypted one with its cipher. */
const isPlain = (schema) => schema.valueBlock.value?.[0]?.idBlock.tagNumber === 2;

function wrapped(bytes) {
    const { result } = fromBER(buffer(bytes));
    const info = new PrivateKeyInfo();
    info.privateKeyAlgorithm = new AlgorithmIdentifier({ algorithmId: RSA });
    info.parsedKey = new RSAPrivateKey({ schema: result });
    info.privateKey.valueBlock.valueHexView = bytes;
    return new PrivateKeyInfo({ schema: fromBER(info.toSchema().toBER()).result });
}

async function fromPkcs12(schema, password) {
    let found;
    try {
        found = await keyOfPkcs12(schema);
    } catch {
        throw new KeyProblem("format");
    }
    if (!found) throw new KeyProblem("format");
    return found.info ?? opened(found.shrouded, password);
}

async function decrypted(schema, password) {
    let bag;
    try {
        bag = new PKCS8ShroudedKeyBag({ schema });
    } catch {
        throw new KeyProblem("format");
    }
    return opened(bag, password);
}

async function opened(bag, password) {
    if (!isOfToday(bag.encryptionAlgorithm)) throw new KeyProblem("old");
    if (!password) throw new KeyProblem("password");
    try {
        await bag.parseInternalValues({ password: buffer(new TextEncoder().encode(password)) });
        return bag.parsedValue;
    } catch {
        throw new KeyProblem("password");
    }
}

/** Whether a key is encrypted as WebCrypto can open it: any other would seem to have another password. */
function isOfToday({ algorithmId, algorithmParams }) {
    if (algorithmId !== PBES2) return false;
    try {
        const { keyDerivationFunc, encryptionScheme } = new PBES2Params({ schema: algorithmParams });
        return keyDerivationFunc.algorithmId === PBKDF2 && AES_CBC.has(encryptionScheme.algorithmId);
    } catch {
        return false;
    }
}

/** The key for signatures; WebCrypto holds it and gives it to nobody. */
export const signingKey = ({ pkcs8 }) => crypto.subtle.importKey("pkcs8", pkcs8, SIGNING, false, ["sign"]);

/** The certificate, of these, that bears this key; KeyProblem `other` where none does. */
export function certificateOf(key, certificates) {
    const found = bearerOf(key, certificates);
    if (!found) throw new KeyProblem("other");
    return found;
}

/** The same; null where none does. */
export const bearerOf = (key, certificates) =>
    certificates.find(({ certificate }) => {
        const { parsedKey } = certificate.subjectPublicKeyInfo;
        return parsedKey?.modulus && number(parsedKey.modulus) === key.numbers.n;
    }) ?? null;
