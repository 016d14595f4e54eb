/**
 * Pinned certificates: read from PEM, told by their fingerprints and last days.
 */
import { Certificate } from "pkijs";
import { buffer, hex, pemBlocks } from "./pem.js";

/** `{pem, certificate, bytes, from, until}` of each certificate in these PEM texts. */
export const readCertificates = (pems) =>
    pems.flatMap((pem) =>
        pemBlocks(pem).map(({ bytes }) => {
            const certificate = Certificate.fromBER(buffer(bytes));
            return { pem, certificate, bytes, from: certificate.notBefore.value, until: certificate.notAfter.value };
        }),
    );

/** SHA-256 of the certificate, in pairs, as `openssl x509 -fingerprint -sha256` prints it. */
export const fingerprint = async ({ bytes }) =>
    hex(await crypto.subtle.digest("SHA-256", bytes))
        .toUpperCase()
        .match(/../g)
        .join(":");

const DAY = 86_400_000;

/** Whole days until the certificate ends; negative once it has. */
export const daysLeft = ({ until }, now = new Date()) => Math.floor((until - now) / DAY);

/** The newest that is valid now, to which data is encrypted; undefined where there is none. */
export const newestValid = (certificates, now = new Date()) =>
    certificates.filter((each) => each.from <= now && now <= each.until).sort((one, other) => other.from - one.from)[0];

/** The public key's bytes, by which a private key is known to belong to a certificate. */
export const publicKeyOf = ({ certificate }) => hex(certificate.subjectPublicKeyInfo.toSchema().toBER());
