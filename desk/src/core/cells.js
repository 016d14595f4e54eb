/**
 * What stands in a workbook's cell, as the text that a CSV file would hold; mirrors `exchange/validate/cells.py`.
 */
const NOT_SHOWN = /"[^"]*"|\\.|_.|\*.|\[[^\]]*\]?/gsu;
const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
const EXACT_BELOW = 1e15;
const LAST_SERIAL = 2_958_466;
const DAYS_1904 = 1462;
const ZERO = Date.UTC(1899, 11, 30);

/** Number of a format → what it shows of a date, as `dateShown` says it. */
export const BUILT_IN_DATES = new Map([
    ...["14", "15", "22", "30", "31"].map((number) => [number, "ymd"]),
    ...["17", "27", "36", "50", "52", "57"].map((number) => [number, "ym"]),
    ...["16", "28", "29", "51", "53", "54", "58"].map((number) => [number, "md"]),
]);

/** Which of y, m and d a custom number format shows, in this order; empty where it shows no date. */
export function dateShown(code) {
    const shown = code.split(";", 1)[0].replace(NOT_SHOWN, "").toLowerCase();
    if (shown.includes("general") || !/[yd]/.test(shown)) return "";
    return [..."ymd"].filter((part) => shown.includes(part)).join("");
}

/** The text of a number cell from the digits in the file; more than 15 digits have lost some and say so. */
export function numberText(raw, shown, from1904) {
    const number = NUMBER.test(raw) ? Number(raw) : Number.NaN;
    if (!Number.isFinite(number)) return raw;
    const serial = number + (from1904 ? DAYS_1904 : 0);
    if (shown && serial >= 1 && serial < LAST_SERIAL) {
        const day = dateText(serial, shown);
        if (day) return day;
    }
    if (Math.abs(number) >= EXACT_BELOW) return number.toExponential(5).toUpperCase();
    return Number.isInteger(number) ? String(number === 0 ? 0 : number) : general(number);
}

function dateText(serial, shown) {
    const days = serial < 60 ? serial + 1 : serial;
    const iso = new Date(ZERO + Math.round(days * 86_400) * 1000).toISOString();
    if (iso.length > 24) return null;
    const [day, time] = [iso.slice(0, 10), iso.slice(11, 19)];
    const atMidnight = time === "00:00:00";
    const text = atMidnight ? day : `${day} ${time}`;
    if (!shown.includes("y")) return text.slice("yyyy-".length);
    if (shown.includes("d") || !day.endsWith("-01") || !atMidnight) return text;
    return shown.includes("m") || !day.endsWith("-01-01")
        ? day.slice(0, "yyyy-mm".length)
        : day.slice(0, "yyyy".length);
}

/** As C's `%.15g`. */
function general(number) {
    const [digits, exponent] = number.toExponential(14).split("e");
    const power = Number(exponent);
    if (power < -4 || power >= 15) {
        const sign = power < 0 ? "-" : "+";
        return `${digits.replace(/\.?0+$/, "")}e${sign}${String(Math.abs(power)).padStart(2, "0")}`;
    }
    return number.toFixed(14 - power).replace(/\.?0+$/, "");
}

/** Characters that XML cannot hold are written `_x000D_`; half a pair is the mark of a lost character. */
export function unescaped(text) {
    if (!text.includes("_x")) return text;
    const halves = text.replace(/_x([0-9A-Fa-f]{4})_/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    return (halves.isWellFormed?.() ?? true) ? halves : halves.toWellFormed();
}
