/**
 * The manifest of a request, as the partner guide writes it, and what is missing of it before it can be.
 */
import { OBJECTION } from "./columns.js";
import { dayTaken, namesDay } from "./periods.js";
import { hasText } from "./text.js";

const OWN_NUMBER = /^[A-Za-z0-9_-]{1,60}$/;
const BATCH = /^[a-z][a-z0-9-]{1,30}\.[A-Za-z0-9_-]{1,60}$/;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const LONGEST = 200;
const ID_NUMBER = /[0-9]{17}[0-9Xx]|[0-9]{15}/;

/** What does not hold of a clerk's entries: names of fields, in the order in which they are asked. */
export function problems({ agreement, today }, entries) {
    const purpose = agreement.purposes.find((each) => each.code === entries.purpose);
    const text = (value) => Boolean(value) && hasText(value) && value.length <= LONGEST && !CONTROL.test(value);
    const needsLetter = entries.items.some((item) => purpose?.letter_items.includes(item));
    const held = {
        purpose: Boolean(purpose),
        items: entries.items.length > 0 && entries.items.every((item) => purpose?.items.includes(item)),
        cycle: agreement.cycles.includes(entries.cycle),
        period: namesDay(entries.cycle)
            ? dayTaken(entries.period, today, agreement.oldest_period_days)
            : Boolean(entries.period),
        objects_to: entries.cycle !== OBJECTION || BATCH.test(entries.objects_to),
        number: OWN_NUMBER.test(entries.number) && !ID_NUMBER.test(entries.number),
        letter: entries.letter ? text(entries.letter) : !needsLetter,
        handler: text(entries.handler) && !ID_NUMBER.test(entries.handler.normalize("NFKC")),
    };
    return Object.keys(held).filter((field) => !held[field]);
}

/** The manifest's bytes. @param data `{name, size, sha256, encrypted, encoding?, sheet?}` @param {number} rows data rows */
export function writeManifest(agreement, entries, rows, data) {
    const purpose = agreement.purposes.find((each) => each.code === entries.purpose);
    const manifest = {
        format: "exchange-request/1",
        partner: agreement.partner,
        batch: `${agreement.partner}.${entries.number}`,
        cycle: entries.cycle,
        period: entries.period,
        purpose: purpose.code,
        legal_basis: purpose.legal_basis,
        ...(entries.letter ? { letter: entries.letter } : {}),
        handler: entries.handler,
        items: entries.items,
        ...(entries.cycle === OBJECTION ? { objects_to: entries.objects_to } : {}),
        rows,
        data,
    };
    return new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`);
}
