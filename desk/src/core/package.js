/**
 * An XLSX file as the ZIP of XML parts that it is, opened without trusting it; mirrors `exchange/validate/package.py`.
 *
 * Rules: only parts that hold rows are unpacked; what they may unpack to is bounded; no macros, no document types.
 */
import { unzipSync } from "fflate";
import { SaxesParser } from "saxes";
import { statedSums, sumOf } from "./checkSums.js";
import { checkNotSealed } from "./kinds.js";
import { Refused } from "./refused.js";

const MAX_UNPACKED = 2 ** 30;
const MAX_RATIO = 200;
const SMALL = 2 ** 24;
const MAX_PARTS = 10_000;
const PIECE = 2 ** 20;

const even = (name) => name.replaceAll("\\", "/").toLowerCase();

export class Package {
    /** @param {Uint8Array} content */
    constructor(content) {
        checkNotSealed(content);
        this.content = content;
        this.names = new Map();
        this.sums = new Map();
        const sums = statedSums(content);
        let unpacked = 0;
        let count = 0;
        const look = ({ name, originalSize }) => {
            this.names.set(even(name), name);
            this.sums.set(name, sums[count]);
            unpacked += originalSize;
            count += 1;
            return false;
        };
        try {
            unzipSync(content, { filter: look });
        } catch {
            throw new Refused("workbook_format");
        }
        if (!count) throw new Refused("workbook_format");
        if (count > MAX_PARTS) throw new Refused("workbook_too_large");
        const macros = [...this.names.keys()].some((name) => name.endsWith("vbaproject.bin"));
        if (macros || this.names.size !== count) throw new Refused("workbook_format");
        const tooDense = unpacked > SMALL && unpacked > MAX_RATIO * content.length;
        if (unpacked > MAX_UNPACKED || tooDense) throw new Refused("workbook_too_large");
    }

    /** Parses one part; the callbacks get element names without their prefix. */
    parse(part, { start, end, text }) {
        const name = this.names.get(even(part));
        if (name === undefined) throw new Refused("workbook_format");
        const fail = () => {
            throw new Refused("workbook_format");
        };
        let bytes;
        try {
            bytes = unzipSync(this.content, { filter: (each) => each.name === name })[name];
        } catch {
            fail();
        }
        if (this.sums.get(name) !== sumOf(bytes)) fail();
        const parser = new SaxesParser({ xmlns: false, position: false });
        const local = (qualified) => qualified.slice(qualified.indexOf(":") + 1);
        parser.on("error", fail);
        parser.on("doctype", fail);
        parser.on("xmldecl", ({ encoding }) => encoding && !says(encoding, encodingOf(bytes)) && fail());
        parser.on("opentag", ({ name: element, attributes }) => start(local(element), attributes));
        if (end) parser.on("closetag", ({ name: element }) => end(local(element)));
        if (text) {
            parser.on("text", text);
            parser.on("cdata", text);
        }
        const decoder = new TextDecoder(encodingOf(bytes), { fatal: true });
        for (let place = 0; place < bytes.length; place += PIECE) {
            parser.write(decoder.decode(bytes.subarray(place, place + PIECE), { stream: true }));
        }
        parser.write(decoder.decode());
        parser.close();
    }

    /** Of one part (of the package where it is empty): id → {kind, target}; what lies outside is left out. */
    relations(part) {
        const folder = part.slice(0, part.lastIndexOf("/") + 1);
        const found = new Map();
        const start = (element, given) => {
            if (element !== "Relationship" || given.TargetMode === "External") return;
            const kind = (given.Type ?? "").split("/").pop();
            found.set(given.Id ?? "", { kind, target: resolved(folder, given.Target ?? "") });
        };
        this.parse(`${folder}_rels/${part.slice(folder.length)}.rels`, { start });
        return found;
    }

    /** The part that this one relates to as this kind; empty where there is none, as where it was left out. */
    related(part, kind) {
        const there = ({ target }) => this.names.has(even(target));
        return [...this.relations(part).values()].find((each) => each.kind === kind && there(each))?.target ?? "";
    }
}

function resolved(folder, stated) {
    const target = stated.replaceAll("\\", "/");
    const steps = [];
    for (const step of (target.startsWith("/") ? target : folder + target).split("/")) {
        if (step === "..") steps.pop();
        else if (step && step !== ".") steps.push(step);
    }
    return steps.join("/");
}

/** Whether a part says the encoding in which it is. */
const says = (stated, is) => stated.toLowerCase().startsWith(is === "utf-8" ? "utf-8" : "utf-16");

const encodingOf = ([first, second]) =>
    first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
