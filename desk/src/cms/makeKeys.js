/**
 * New key pairs with their certificates, as the partner guide makes them: RSA of 3072 bits, self-signed, two years.
 */
import { Integer, OctetString, Utf8String } from "asn1js";
import { AttributeTypeAndValue, Certificate, PKCS8ShroudedKeyBag, PrivateKeyInfo } from "pkijs";
import { buffer, toPem } from "./pem.js";

const BITS = 3072;
const DAYS = 730;
const COMMON_NAME = "2.5.4.3";
const ITERATIONS = 600_000;
const ALGORITHM = {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: BITS,
    publicExponent: Uint8Array.of(1, 0, 1),
};

/** `{key, certificate}` as PEM texts; the key is PKCS#8 under the password (PBES2: PBKDF2, AES-256). */
export async function makeKey(name, password, now = new Date()) {
    const pair = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
    const certificate = await selfSigned(name, pair, now);
    const pkcs8 = await crypto.subtle.exportKey("pkcs8", pair.privateKey);
    const key = toPem("ENCRYPTED PRIVATE KEY", await locked(pkcs8, password));
    return { key, certificate: toPem("CERTIFICATE", certificate.toSchema(true).toBER()) };
}

async function selfSigned(name, pair, now) {
    const certificate = new Certificate();
    certificate.version = 2;
    const serial = crypto.getRandomValues(new Uint8Array(16));
    serial[0] = (serial[0] & 0x7f) | 0x40; // positive, and never shorter
    certificate.serialNumber = new Integer({ valueHex: buffer(serial) });
    for (const side of [certificate.issuer, certificate.subject]) {
        side.typesAndValues.push(
            new AttributeTypeAndValue({ type: COMMON_NAME, value: new Utf8String({ value: name }) }),
        );
    }
    certificate.notBefore.value = new Date(Math.floor(now.getTime() / 1000) * 1000);
    certificate.notAfter.value = new Date(certificate.notBefore.value.getTime() + DAYS * 86_400_000);
    await certificate.subjectPublicKeyInfo.importKey(pair.publicKey);
    await certificate.sign(pair.privateKey, "SHA-256");
    return certificate;
}

async function locked(pkcs8, password) {
    const bag = new PKCS8ShroudedKeyBag({ parsedValue: PrivateKeyInfo.fromBER(pkcs8) });
    await bag.makeInternalValues({
        password: buffer(new TextEncoder().encode(password)),
        contentEncryptionAlgorithm: { name: "AES-CBC", length: 256 },
        hmacHashAlgorithm: "SHA-256",
        iterationCount: ITERATIONS,
    });
    bag.encryptedData = new OctetString({ valueHex: bag.encryptedData.getValue() }); // in one piece, as DER asks for
    return bag.toSchema().toBER();
}
