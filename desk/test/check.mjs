/**
 * Runs the desk's own reading code for the tests: a JSON file of tables, then one case a line on standard input
 * (`{data, ...asked}`, the file in base64), and what the desk says of it a line on standard output.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { checkFile } from "../src/core/check.js";
import { ITEMS_READ } from "../src/core/claims.js";
import { makeRules } from "../src/core/rules.js";

const rules = makeRules(JSON.parse(readFileSync(process.argv[2], "utf8")));
console.log(JSON.stringify({ items_read: ITEMS_READ }));
for await (const line of createInterface({ input: process.stdin })) {
    const { data, ...asked } = JSON.parse(line);
    const bytes = new Uint8Array(Buffer.from(data, "base64"));
    const { items, count, findings, refusal } = checkFile(rules, bytes, asked, () => {});
    console.log(JSON.stringify({ items, rows: count, findings, refusal }));
}
