/**
 * Signs, seals, checks and opens files for the tests: `cms.mjs WHAT folder`, whose files are named as below.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { readCertificates } from "../src/cms/certificates.js";
import { open, seal } from "../src/cms/envelope.js";
import { certificateOf, readPrivateKey, signingKey } from "../src/cms/privateKey.js";
import { sign, verified } from "../src/cms/sign.js";

const [what, folder] = process.argv.slice(2);
const read = (name) => new Uint8Array(readFileSync(`${folder}/${name}`));
const certificates = () => readCertificates([readFileSync(`${folder}/certificate.pem`, "utf8")]);
const key = () => readPrivateKey(read("private.key"), process.env.PASSWORD);

const acts = {
    sign: async () => {
        const own = await key();
        writeFileSync(
            `${folder}/out`,
            await sign(read("content"), certificateOf(own, certificates()), await signingKey(own)),
        );
    },
    key: async () => {
        const own = await key().catch((problem) => ({ problem: problem.message }));
        console.log(own.problem ?? own.numbers.n.toString(16));
    },
    verify: async () => console.log(await verified(read("content"), read("signature"), certificates())),
    seal: async () => writeFileSync(`${folder}/out`, await seal(read("content"), certificates()[0])),
    open: async () => {
        const own = await key();
        writeFileSync(`${folder}/out`, await open(read("envelope"), certificateOf(own, certificates()), own));
    },
};
await acts[what]();
