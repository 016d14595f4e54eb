/**
 * The private key in a PKCS#12 file (.p12, .pfx), as Windows and openssl export them with AES (PBES2).
 *
 * Rules: its MAC is not asked: whoever has the key compares it with the pinned certificate, and nothing else of the file is
 * used. The ciphers of before AES (RC2, 3DES) are not in WebCrypto; such a file is told apart from a wrong password. The
 * key lies where programs put it: in a bag of its own, beside the encrypted certificates.
 */
import { PFX, PKCS8ShroudedKeyBag, PrivateKeyInfo } from "pkijs";

const VERSION = 3;
const DATA = "1.2.840.113549.1.7.1";

/** Whether a parsed file is of this kind: it begins with version 3, keys begin with 0 or 1. */
export const isPkcs12 = (schema) => schema.valueBlock.value?.[0]?.valueBlock?.valueDec === VERSION;

/**
 * The first key of the file: `{info}` where it is open to all, `{shrouded}` where it is encrypted; null where there is
 * none. Throws where the file is not whole.
 * @returns {Promise<{info?: PrivateKeyInfo, shrouded?: PKCS8ShroudedKeyBag}|null>}
 */
export async function keyOfPkcs12(schema) {
    const pfx = new PFX({ schema });
    await pfx.parseInternalValues({ password: new ArrayBuffer(0), checkIntegrity: false });
    const safe = pfx.parsedValue.authenticatedSafe;
    safe.safeContents = safe.safeContents.filter(({ contentType }) => contentType === DATA);
    await safe.parseInternalValues({ safeContents: safe.safeContents.map(() => ({})) });
    for (const { bagValue } of safe.parsedValue.safeContents.flatMap(({ value }) => value.safeBags)) {
        if (bagValue instanceof PrivateKeyInfo) return { info: bagValue };
        if (bagValue instanceof PKCS8ShroudedKeyBag) return { shrouded: bagValue };
    }
    return null;
}
