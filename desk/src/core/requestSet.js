/**
 * A request set: the data file (sealed to the office), its manifest and the signature, by their names.
 */
import { newestValid } from "../cms/certificates.js";
import { seal } from "../cms/envelope.js";
import { sha256 } from "../cms/pem.js";
import { sign } from "../cms/sign.js";
import { writeManifest } from "./manifest.js";

/**
 * @param signer `{own, key}`: the partner's certificate and its signing key
 * @returns {Promise<Map<string, Uint8Array>>} in the order in which they are to be uploaded
 */
export async function makeSet({ agreement, office }, entries, { content, isWorkbook, sheet, mended, rows }, signer) {
    const batch = `${agreement.partner}.${entries.number}`;
    const plainName = `${batch}.${isWorkbook ? "xlsx" : "csv"}`;
    const name = entries.encrypted ? `${plainName}.p7m` : plainName;
    const data = entries.encrypted ? await seal(content, newestValid(office)) : content;
    const told = { name, size: data.length, sha256: await sha256(data), encrypted: entries.encrypted };
    const read = { ...(mended ? { encoding: "utf-8" } : {}), ...(sheet ? { sheet } : {}) };
    const manifest = writeManifest(agreement, entries, rows, { ...told, ...read });
    return new Map([
        [name, data],
        [`${batch}.request.json.p7s`, await sign(manifest, signer.own, signer.key)],
        [`${batch}.request.json`, manifest],
    ]);
}
