/**
 * Reads and merges opened results for the tests: tables by file; `[{record, plain}]` (in base64) on standard input.
 */
import { readFileSync } from "node:fs";
import { merged, pendingCodes, resultRows } from "../src/core/answers.js";
import { makeRules } from "../src/core/rules.js";
import { standing } from "../src/core/standing.js";

const rules = makeRules(JSON.parse(readFileSync(process.argv[2], "utf8")));
const parts = JSON.parse(readFileSync(0, "utf8")).map(({ record, plain }) => ({
    ...resultRows(rules, record, new Uint8Array(Buffer.from(plain, "base64"))),
    pending: pendingCodes(rules),
}));
const { columns, rows } = merged(parts);
console.log(JSON.stringify({ columns, rows, standings: rows.map((row) => standing(rules, columns, row)) }));
