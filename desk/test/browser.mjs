/**
 * Drives pages in a real Chromium or Firefox, opened from disk, by jobs that a test gives as JSON, one a line, on standard input:
 * `{browser, page, downloads, width, height, headers, axe, step, limit, steps: [{do, ...}]}`; `page` may be an address, too; `step` and
 * `limit` are the milliseconds of one step and of all. Answers each with a line: what each step gave, every request for a connection that
 * was made and, with `axe`, what that finds at the end. Where a step does not come about in time, or all of them together take too long,
 * the line says `failed` and names it; the program then ends with 1. It ends with its input.
 *
 * A browser lasts from the first job that asks for it; each job has a profile of its own in it, which no other has seen and which goes
 * with it. After a job that failed the browser is another. To start one for each took longer than most jobs.
 */
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const LAUNCHED = {
    chromium: {
        executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
        args: ["--no-sandbox", "--disable-dev-shm-usage"],
    },
    firefox: {
        browser: "firefox",
        executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
        extraPrefsFirefox: {
            "browser.download.alwaysOpenPanel": false, // it would take the keyboard away from the page
        },
    },
};
const STEP = 60_000;
const WHOLE = 200_000; // with the last step's own limit less than whoever started this waits

/** What a step does: of the page, the step as it was given, the browser, and the job. */
const steps = {
    click: async (page, { at }) => hit(await page.waitForSelector(at, { visible: true })),
    upload: async (page, { at, files }) => (await page.waitForSelector(at)).uploadFile(...files),
    type: async (page, { at, text }) => {
        const field = await page.waitForSelector(at, { visible: true });
        await field.click({ count: 3 });
        await field.type(text);
    },
    select: (page, { at, value }) => page.select(at, value),
    press: async (page, { key, times = 1, held }) => {
        if (held) await page.keyboard.down(held);
        for (let pressed = 0; pressed < times; pressed += 1) await page.keyboard.press(key);
        if (held) await page.keyboard.up(held);
    },
    keys: (page, { text }) => page.keyboard.type(text),
    tab: async (page, { to, back = false }) => {
        const there = () => page.evaluate((at) => Boolean(document.activeElement?.closest(at)), to);
        for (let pressed = 0; pressed < 80; pressed += 1) {
            if (back) await page.keyboard.down("Shift");
            await page.keyboard.press("Tab");
            if (back) await page.keyboard.up("Shift");
            if (await there()) return;
        }
        throw new Error(`${to} is not reached by the keyboard`);
    },
    choose: async (page, { files }, browser, { browser: name }) => {
        const choose = name === "firefox" ? chosenInFirefox : chosenInChromium;
        await choose(page, () => page.keyboard.press(" "), files);
    },
    wait: async (page, { at, text = "" }) => {
        // whole: a key that is pressed before the page's script has run is lost
        const found = (where, what) =>
            document.readyState === "complete" && document.querySelector(where)?.innerText.includes(what);
        await page.waitForFunction(found, { polling: 100 }, at, text).catch(async (problem) => {
            const there = await page.$eval(at, (element) => element.innerText).catch(() => null);
            throw new Error(`${problem}; there is ${JSON.stringify(there)}`);
        });
    },
    open: (page, { address }) => page.goto(address).then((answer) => answer.status()),
    headers: (page, { headers }) => page.setExtraHTTPHeaders(headers),
    resize: (page, { width, height }) => page.setViewport({ width, height }),
    media: (page, { type }) => page.emulateMediaType(type),
    pdf: (page, { to }) => page.pdf({ path: to, preferCSSPageSize: true }).then(() => null),
    text: (page, { at }) => page.$eval(at, (element) => element.innerText),
    texts: (page, { at }) => page.$$eval(at, (found) => found.map((element) => element.innerText)),
    focused: (page) => page.evaluate(() => document.activeElement.id || document.activeElement.innerText),
    evaluate: (page, { script }) => page.evaluate(script),
    screenshot: (page, { to, full = false }) => page.screenshot({ path: to, fullPage: full }).then(() => null),
    used: (page, step, browser) => renderers(browser).reduce((whole, each) => whole + peakMemory(each), 0),
    axe: async (page) => {
        const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
        const client = await page.createCDPSession(); // the page's own policy lets no other script in
        await client.send("Runtime.evaluate", { expression: source });
        const answer = await client.send("Runtime.evaluate", {
            expression:
                "axe.run(document, {resultTypes: ['violations']}).then((found) => JSON.stringify(found.violations.map((each) => [each.id, each.nodes.map((node) => node.html.slice(0, 200))])))",
            awaitPromise: true,
            returnByValue: true,
        });
        return JSON.parse(answer.result.value);
    },
};

const running = {};
for await (const line of createInterface({ input: process.stdin })) {
    const job = JSON.parse(line);
    const name = job.browser ?? "chromium";
    try {
        running[name] ??= await puppeteer.launch({ ...LAUNCHED[name], protocolTimeout: job.step ?? STEP });
        console.log(JSON.stringify(await inProfile(running[name], job)));
    } catch (problem) {
        console.log(JSON.stringify({ failed: String(problem.stack ?? problem) }));
        console.error(problem);
        process.exitCode = 1;
        await running[name]?.close();
        delete running[name];
    }
}
await Promise.all(Object.values(running).map((browser) => browser.close()));

/** One job in a profile that nothing is in yet, and that is gone afterwards. */
async function inProfile(browser, job) {
    const profile = await browser.createBrowserContext({
        downloadBehavior: { policy: "allow", downloadPath: job.downloads },
    });
    try {
        const page = await profile.newPage();
        page.setDefaultTimeout(job.step ?? STEP);
        await page.setViewport({ width: job.width ?? 1366, height: job.height ?? 768 });
        return await driven(browser, profile, page, job);
    } finally {
        await profile.close();
    }
}

/** What the job's steps gave on this page. */
async function driven(browser, profile, page, job) {
    const requests = [];
    const errors = [];
    page.on("request", (request) => requests.push(request.url()));
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (line) => line.type() === "error" && errors.push(line.text()));
    const inFirefox = job.browser === "firefox";
    const downloaded = inFirefox ? () => filesIn(job.downloads) : await downloadsCounted(browser, profile, job);
    await page.setExtraHTTPHeaders(job.headers ?? {});
    await page.goto(/^https?:/.test(job.page) ? job.page : pathToFileURL(job.page).href);
    const gave = [];
    let expected = 0;
    const begun = Date.now();
    for (const step of job.steps) {
        if (Date.now() - begun > (job.limit ?? WHOLE))
            throw new Error(`no time is left before step ${gave.length}, ${JSON.stringify(step)}`);
        if (step.do === "downloaded") {
            expected += step.count ?? 1;
            await arrived(() => downloaded() >= expected, page.getDefaultTimeout());
            gave.push(true);
        } else {
            const done = steps[step.do](page, step, browser, job);
            const failed = (problem) =>
                Promise.reject(new Error(`step ${gave.length}, ${JSON.stringify(step)}: ${problem}`));
            gave.push((await Promise.resolve(done).catch(failed)) ?? null);
        }
    }
    const violations = job.axe ? await steps.axe(page) : [];
    return { gave, requests, errors, violations };
}

/** A press of the mouse that the element got: where the page moved it away meanwhile, another. */
async function hit(element) {
    const got = await element.evaluateHandle((there) => {
        const seen = { click: false };
        there.addEventListener("click", () => (seen.click = true), { once: true, capture: true });
        return seen;
    });
    for (let pressed = 0; pressed < 5; pressed += 1) {
        await element.click();
        if (await got.evaluate((seen) => seen.click).catch(() => true)) return; // what led to another page is gone
    }
    throw new Error("what was pressed lies under something else or is switched off");
}

/** Chromium is told before the key goes down that it shall hand the dialogue over, and has said that it will. */
async function chosenInChromium(page, press, files) {
    const client = await page.createCDPSession();
    await client.send("Page.enable");
    await client.send("Page.setInterceptFileChooserDialog", { enabled: true });
    const opened = new Promise((go, fail) => {
        client.once("Page.fileChooserOpened", go);
        setTimeout(() => fail(new Error("no file chooser was opened")), page.getDefaultTimeout()).unref();
    });
    opened.catch(() => null); // where the press fails nobody waits for it any more
    await press();
    const { backendNodeId } = await opened;
    await client.send("DOM.setFileInputFiles", { files, backendNodeId });
    await client.send("Page.setInterceptFileChooserDialog", { enabled: false });
    await client.detach();
}

/** Firefox hands every dialogue over from its start on; nothing is to be switched on. */
async function chosenInFirefox(page, press, files) {
    const opened = page.waitForFileChooser();
    await press();
    await (await opened).accept(files);
}

/** Chromium says when a file is whole. */
async function downloadsCounted(browser, profile, job) {
    const session = await browser.target().createCDPSession();
    await session.send("Browser.setDownloadBehavior", {
        behavior: "allow",
        browserContextId: profile.id,
        downloadPath: job.downloads,
        eventsEnabled: true,
    });
    let count = 0;
    session.on("Browser.downloadProgress", ({ state }) => (count += state === "completed" ? 1 : 0));
    return () => count;
}

/** Firefox keeps an empty file of its name, which may be what is saved, beside the `.part` that it writes. */
function filesIn(folder) {
    const names = readdirSync(folder);
    return names.some((name) => name.endsWith(".part")) ? 0 : names.length;
}

/** The processes of Chromium in which pages and their workers run. */
function renderers(browser) {
    const children = (parent) => {
        const found = readFileSync(`/proc/${parent}/task/${parent}/children`, "utf8").trim();
        return found.split(" ").flatMap((child) => (child ? [child, ...children(child)] : []));
    };
    return children(browser.process().pid).filter((each) =>
        readFileSync(`/proc/${each}/cmdline`, "utf8").includes("--type=renderer"),
    );
}

/** The most memory that a process has had, in MiB. */
function peakMemory(process) {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${process}/status`, "utf8"))[1]) / 1024;
}

/** Waits until something holds, and still does a little later. */
async function arrived(holds, limit) {
    for (let waited = 0, held = 0; held < 5; waited += 50) {
        if (waited > limit) throw new Error("nothing was downloaded");
        held = holds() ? held + 1 : 0;
        await new Promise((go) => setTimeout(go, 50));
    }
}
