/**
 * Detached signatures, as `openssl cms -sign -binary` makes them, and their check against pinned certificates.
 *
 * Rule: who signed is found among the pinned certificates alone; what travels inside a signature is not looked at.
 */
import {
    Attribute,
    ContentInfo,
    EncapsulatedContentInfo,
    IssuerAndSerialNumber,
    SignedAndUnsignedAttributes,
    SignedData,
    SignerInfo,
} from "pkijs";
import { ObjectIdentifier, OctetString, UTCTime, fromBER } from "asn1js";
import { asDer, buffer } from "./pem.js";

const DATA = "1.2.840.113549.1.7.1";
const SIGNED = "1.2.840.113549.1.7.2";
const CONTENT_TYPE = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
const SIGNING_TIME = "1.2.840.113549.1.9.5";
const STRONG = ["2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3"];

/** A detached CMS signature (DER, SHA-256) over the content. */
export async function sign(content, { certificate }, key, now = new Date()) {
    const digest = await crypto.subtle.digest("SHA-256", content);
    const attribute = (type, value) => new Attribute({ type, values: [value] });
    const attributes = [
        attribute(CONTENT_TYPE, new ObjectIdentifier({ value: DATA })),
        attribute(SIGNING_TIME, new UTCTime({ valueDate: now })),
        attribute(MESSAGE_DIGEST, new OctetString({ valueHex: digest })),
    ];
    const signed = new SignedData({
        version: 1,
        encapContentInfo: new EncapsulatedContentInfo({ eContentType: DATA }),
        signerInfos: [
            new SignerInfo({
                version: 1,
                sid: new IssuerAndSerialNumber({ issuer: certificate.issuer, serialNumber: certificate.serialNumber }),
                signedAttrs: new SignedAndUnsignedAttributes({ type: 0, attributes }),
            }),
        ],
        certificates: [certificate],
    });
    await signed.sign(key, 0, "SHA-256", buffer(content));
    return new Uint8Array(new ContentInfo({ contentType: SIGNED, content: signed.toSchema(true) }).toSchema().toBER());
}

/** Whether this detached signature over the content is by one of the pinned certificates. */
export async function verified(content, signature, pinned) {
    try {
        const { result, offset } = fromBER(buffer(asDer(signature)));
        if (offset === -1) return false;
        const signed = new SignedData({ schema: new ContentInfo({ schema: result }).content });
        if (signed.signerInfos.length !== 1 || signed.encapContentInfo.eContent) return false;
        if (!STRONG.includes(signed.signerInfos[0].digestAlgorithm.algorithmId)) return false;
        signed.certificates = pinned.map(({ certificate }) => certificate);
        return await signed.verify({ signer: 0, data: buffer(content), checkChain: false });
    } catch {
        return false;
    }
}
