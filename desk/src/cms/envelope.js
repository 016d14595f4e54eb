/**
 * Envelopes to the office, and those from it opened.
 *
 * Rules: data is sealed with AES-256-CBC; the key goes by RSA-OAEP, which the browser does itself. What comes from the
 * office is keyed by PKCS#1 v1.5 (`openssl cms`), which browsers do not offer: see `rsa.js`.
 */
import { fromBER } from "asn1js";
import { ContentInfo, EnvelopedData, IssuerAndSerialNumber, KeyTransRecipientInfo } from "pkijs";
import { buffer } from "./pem.js";
import { openedV15 } from "./rsa.js";

const ENVELOPED = "1.2.840.113549.1.7.3";
const OAEP = "1.2.840.113549.1.1.7";
const AES_CBC = { "2.16.840.1.101.3.4.1.2": 16, "2.16.840.1.101.3.4.1.22": 24, "2.16.840.1.101.3.4.1.42": 32 };

/** A CMS envelope (DER) that only the recipient's key opens. */
export async function seal(content, { certificate }) {
    const enveloped = new EnvelopedData();
    enveloped.policy = { disableSplit: true };
    enveloped.addRecipientByCertificate(certificate, { oaepHashAlgorithm: "SHA-256" });
    await enveloped.encrypt({ name: "AES-CBC", length: 256 }, buffer(content));
    return new Uint8Array(
        new ContentInfo({ contentType: ENVELOPED, content: enveloped.toSchema() }).toSchema().toBER(),
    );
}

/** The envelope could not be opened with this key. */
export class NotOpened extends Error {}

/**
 * The content of an envelope to this certificate, or, where that is null or another one, to the only recipient there is:
 * after a change of keys the key is still there and its certificate is not. NotOpened where it is none or for another key.
 */
export async function open(envelope, own, key) {
    try {
        const enveloped = parsed(envelope);
        const sealedKey = recipientOf(enveloped, own) ?? onlyRecipient(enveloped);
        const { contentEncryptionAlgorithm: cipher } = enveloped.encryptedContentInfo;
        const length = AES_CBC[cipher.algorithmId];
        if (!length) throw new NotOpened();
        const raw = await openedKey(sealedKey, key, length);
        const secret = await crypto.subtle.importKey("raw", raw, "AES-CBC", false, ["decrypt"]);
        const iv = cipher.algorithmParams.valueBlock.valueHexView;
        return new Uint8Array(
            await crypto.subtle.decrypt(
                { name: "AES-CBC", iv },
                secret,
                enveloped.encryptedContentInfo.getEncryptedContent(),
            ),
        );
    } catch (error) {
        throw error instanceof NotOpened ? error : new NotOpened();
    }
}

/** Whether the envelope names this certificate as one to which it goes. */
export function isTo(envelope, own) {
    try {
        return Boolean(recipientOf(parsed(envelope), own));
    } catch {
        return false;
    }
}

function parsed(envelope) {
    const { result, offset } = fromBER(buffer(envelope));
    if (offset === -1) throw new NotOpened();
    return new EnvelopedData({ schema: new ContentInfo({ schema: result }).content });
}

/** The recipient that is named by the certificate's issuer and number; undefined where there is none. */
function recipientOf({ recipientInfos }, own) {
    return recipientInfos
        .map((each) => each.value)
        .filter((each) => each instanceof KeyTransRecipientInfo && each.rid instanceof IssuerAndSerialNumber)
        .find(
            ({ rid }) =>
                own &&
                rid.serialNumber.isEqual(own.certificate.serialNumber) &&
                rid.issuer.isEqual(own.certificate.issuer),
        );
}

function onlyRecipient({ recipientInfos: [only, ...others] }) {
    if (others.length || !(only?.value instanceof KeyTransRecipientInfo)) throw new NotOpened();
    return only.value;
}

async function openedKey({ keyEncryptionAlgorithm, encryptedKey }, key, length) {
    const sealed = encryptedKey.valueBlock.valueHexView;
    if (keyEncryptionAlgorithm.algorithmId !== OAEP) return openedV15(sealed, key.numbers, length);
    const secret = await crypto.subtle.importKey("pkcs8", key.pkcs8, { name: "RSA-OAEP", hash: "SHA-256" }, false, [
        "decrypt",
    ]);
    return new Uint8Array(await crypto.subtle.decrypt({ name: "RSA-OAEP" }, secret, sealed));
}
