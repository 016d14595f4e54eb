/**
 * Builds `built/desk.html`: one page with its style, its program and, inside that, the program of its worker.
 *
 * Rules: the same sources and locked packages give the same bytes; the content security policy forbids every connection
 * and names the one script and the one style by their hashes; the page holds no address.
 */
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";

process.chdir(import.meta.dirname);
const to = process.argv[2] ?? "built/desk.html";
const options = {
    absWorkingDir: import.meta.dirname,
    bundle: true,
    write: false,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    minify: true,
    legalComments: "none",
};

const bundled = async (entry, define = {}) =>
    (await build({ ...options, entryPoints: [entry], define })).outputFiles[0].text
        .replaceAll("</script", "<\\/script")
        .trim();
const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const worker = await bundled("src/worker.js");
const script = await bundled("src/ui/main.js", { WORKER_SOURCE: JSON.stringify(worker) });
const style = readFileSync("src/style.css", "utf8").trim();
const policy = [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    "worker-src blob:",
    "base-uri 'none'",
    "form-action 'none'",
].join("; ");
const parts = { POLICY: policy, STYLE: style, SCRIPT: script, NOTICES: notices() };
const page = readFileSync("src/desk.html", "utf8").replace(/\{\{([A-Z]+)\}\}/g, (_, name) => parts[name]);
mkdirSync("built", { recursive: true });
writeFileSync(to, page);

/** Name, version and licence text of each package that the page carries, as the licences ask for. */
function notices() {
    const lock = JSON.parse(readFileSync("package-lock.json", "utf8")).packages;
    const carried = Object.entries(lock).filter(([path, each]) => path && !each.dev && !each.optional);
    const texts = carried.map(([path, { version, license }]) => {
        const file = readdirSync(path).find((name) => /^licen[cs]e/i.test(name));
        const text = file ? readFileSync(`${path}/${file}`, "utf8").trim() : "";
        return `${path.replace(/^.*node_modules\//, "")} ${version} (${license})\n\n${text}`;
    });
    return texts.join("\n\n").replaceAll("--", "- -");
}
