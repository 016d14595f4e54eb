/**
 * Making elements: texts in two languages, fields with their labels, files to open and to save.
 *
 * Rule: values come into the page as text nodes only, never as markup.
 */

/** An element with attributes (functions are listeners) and children (elements or texts). */
export function el(name, given = {}, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(given)) {
        if (typeof value === "function") element.addEventListener(key, value);
        else if (key in element && typeof value !== "string") element[key] = value;
        else if (value !== null && value !== undefined) element.setAttribute(key, value);
    }
    element.append(
        ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
    );
    return element;
}

/** A text in both languages; the page's language shows one of them. */
export const say = (zh, en) =>
    el("span", {}, el("span", { class: "zh", lang: "zh-CN" }, zh), el("span", { class: "en", lang: "en" }, en));

/** A sentence of the office's tables. */
export const sentence = (entry) => say(entry.zh, entry.en);

let fields = 0;

/** A field under its label, with a hint below it where there is one. */
export function field(label, input, hint = null) {
    fields += 1;
    input.id ||= `field-${fields}`;
    if (hint) input.setAttribute("aria-describedby", `${input.id}-hint`);
    return el(
        "div",
        { class: "field" },
        el("label", { for: input.id }, label),
        input,
        hint && el("p", { class: "hint", id: `${input.id}-hint` }, hint),
    );
}

const CANNOT_READ = [
    "读不了：拖进来的是文件夹（请打开它，拖其中的文件），或文件正被别的程序占用（请先关闭那个程序）。",
    "It cannot be read: it is a folder (open it and drop its files), or another program holds it (close that first).",
];

/** A place to choose files or drop them; `take(files)` gets them. */
export function fileField(label, { id, accept, multiple = false, hint = null }, take) {
    const chosen = el("p", { class: "chosen", "aria-live": "polite" });
    const input = el("input", { type: "file", id, accept, multiple });
    const given = async (files) => {
        if (!files.length) return;
        try {
            await take([...files]);
        } catch {
            chosen.replaceChildren(say(...CANNOT_READ));
        }
    };
    input.addEventListener("click", () => (input.value = "")); // the same file, mended meanwhile, is chosen anew
    input.addEventListener("change", () => {
        chosen.replaceChildren();
        given(input.files);
    });
    const place = el("div", { class: "drop" }, field(label, input, hint), chosen);
    place.addEventListener("dragover", (event) => {
        event.preventDefault();
        place.classList.add("over");
    });
    place.addEventListener("dragleave", () => place.classList.remove("over"));
    place.addEventListener("drop", (event) => {
        event.preventDefault();
        place.classList.remove("over");
        input.value = "";
        const dropped = multiple ? [...event.dataTransfer.files] : [...event.dataTransfer.files].slice(0, 1);
        chosen.textContent = dropped.map((file) => file.name).join("、");
        given(dropped);
    });
    return place;
}

export const bytesOf = async (file) => new Uint8Array(await file.arrayBuffer());

/** Saves bytes under a name, as a download does. */
export function save(name, bytes) {
    const address = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
    el("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

export const button = (label, press, kind = "") => el("button", { type: "button", class: kind, click: press }, label);

/**
 * A button for what takes a while: a second press meanwhile, and the second half of a double click, do nothing. A key's
 * password is forgotten once it was used, so that they would put *wrong password* in the place of what was just made.
 */
export function longButton(label, press, kind = "") {
    let running = false;
    const once = async (event) => {
        if (running || event.detail > 1) return;
        running = true;
        try {
            await press();
        } finally {
            running = false;
        }
    };
    return button(label, once, kind);
}

/** A table of texts and elements. */
export const table = (head, rows, caption) =>
    el(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
        el(
            "table",
            {},
            el(
                "thead",
                {},
                el(
                    "tr",
                    {},
                    head.map((each) => el("th", { scope: "col" }, each)),
                ),
            ),
            el(
                "tbody",
                {},
                rows.map((row) =>
                    el(
                        "tr",
                        {},
                        row.map((cell) => el("td", {}, cell)),
                    ),
                ),
            ),
        ),
    );

/** What went well or wrong, where a screen reader hears it. */
export const message = (kind, ...content) =>
    el("div", { class: `message ${kind}`, role: kind === "bad" ? "alert" : "status" }, content);
