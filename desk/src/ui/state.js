/**
 * What the page knows while it is open; nothing of it is kept when it closes.
 */
import { strFromU8, unzlibSync } from "fflate";
import { makeRules } from "../core/rules.js";

const block = (id) => JSON.parse(document.getElementById(id).textContent);

/** `agreement`, `tables`, `rules`; null where the page was not made for a partner yet. */
export function readPage() {
  const agreement = block("agreement");
  if (!agreement) return null;
  const packed = Uint8Array.from(atob(block("tables")), (letter) => letter.charCodeAt(0));
  const tables = JSON.parse(strFromU8(unzlibSync(packed)));
  return { agreement, tables, rules: makeRules(tables), data: null, seen: null };
}

/** Today in Beijing as YYYY-MM-DD, by which the office counts. */
export const officeDay = (now = new Date()) => new Date(now.getTime() + 8 * 3_600_000).toISOString().slice(0, 10);
