/**
 * Reads and merges opened results for the tests: tables by file; `[{record, plain}]` (in base64) on standard input, or
 * `{own, rows}`, for which rows of a list stand beside those of a result.
 */
import { readFileSync } from "node:fs";
import { merged, pendingCodes, resultRows } from "../src/core/answers.js";
import { makeRules } from "../src/core/rules.js";
import { besides, differing, standing, whatToDo } from "../src/core/standing.js";

const rules = makeRules(JSON.parse(readFileSync(process.argv[2], "utf8")));
const given = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(Array.isArray(given) ? ofResults(given) : besides(given.own, given.rows)));

function ofResults(results) {
    const parts = results.map(({ record, plain }) => ({
        ...resultRows(rules, record, new Uint8Array(Buffer.from(plain, "base64"))),
        pending: pendingCodes(rules),
    }));
    const { columns, rows } = merged(parts);
    const advice = rows.map((row) => whatToDo(rules, columns, row).map(({ zh }) => zh));
    const differs = rows.map((row) => differing(rules, columns, row));
    return { columns, rows, standings: rows.map((row) => standing(rules, columns, row)), advice, differs };
}
