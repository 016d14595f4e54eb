/**
 * What the page knows while it is open; nothing of it is kept when it closes.
 */
import { strFromU8, unzlibSync } from "fflate";
import { readCertificates } from "../cms/certificates.js";
import { makeRules } from "../core/rules.js";

const block = (id) => JSON.parse(document.getElementById(id).textContent);

/**
 * `agreement`, `tables`, `rules`; `office` and `certificates` (the partner's), each `{signing, encryption}`; the file that
 * was checked (`data`, `seen`) and sent; who wants to hear of a check. Null where the page was not made for a partner.
 */
export function readPage() {
    const agreement = block("agreement");
    if (!agreement) return null;
    const packed = Uint8Array.from(atob(block("tables")), (letter) => letter.charCodeAt(0));
    const tables = JSON.parse(strFromU8(unzlibSync(packed)));
    return {
        agreement,
        tables,
        rules: makeRules(tables),
        office: read(agreement.office),
        certificates: read(agreement.certificates),
        data: null,
        seen: null,
        sent: null,
        onChecked: [],
    };
}

const read = ({ signing, encryption }) => ({
    signing: readCertificates(signing),
    encryption: readCertificates(encryption),
});

/** Today in Beijing as YYYY-MM-DD, by which the office counts. */
export const officeDay = (now = new Date()) => new Date(now.getTime() + 8 * 3_600_000).toISOString().slice(0, 10);
