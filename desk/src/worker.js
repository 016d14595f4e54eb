/**
 * The page's second thread: checks files while the page stays at hand. Answers `{kind: "rows" | "done" | "failed"}`:
 * the rows go over while they are read, so that they are not held twice.
 */
import { checkFile } from "./core/check.js";
import { makeRules } from "./core/rules.js";

let rules = null;

self.onmessage = ({ data }) => {
    if (data.tables) {
        rules = makeRules(data.tables);
        return;
    }
    try {
        const seen = checkFile(rules, data.content, data.asked, (rows) => self.postMessage({ kind: "rows", rows }));
        self.postMessage({ kind: "done", seen });
    } catch {
        self.postMessage({ kind: "failed" });
    }
};
