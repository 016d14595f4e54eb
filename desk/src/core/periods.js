/**
 * The periods of a cycle as requests write them; mirrors `exchange/calendar/periods.py`. Days are YYYY-MM-DD.
 */
const MONTHS = { annual: 12, half_yearly: 6, quarterly: 3, monthly: 1 };

/** Whether sets of this cycle name a day and not a period. */
export const namesDay = (cycle) => !(cycle in MONTHS);

/** The name of the period that lies so many periods after the one of this day. */
export function periodName(cycle, day, after = 0) {
    const months = MONTHS[cycle];
    const [year, month] = day.split("-").map(Number);
    const place = Math.floor((year * 12 + month - 1) / months) + after;
    const first = place * months;
    const of = String(Math.floor(first / 12)).padStart(4, "0");
    const number = Math.floor((first % 12) / months) + 1;
    const ending = {
        annual: "",
        half_yearly: `-H${number}`,
        quarterly: `-Q${number}`,
        monthly: `-${String(number).padStart(2, "0")}`,
    };
    return of + ending[cycle];
}

/** The periods a clerk may mean today: the present one first, then some that are over, then the next. */
export const offered = (cycle, day) => [0, -1, -2, -3, -4, 1].map((after) => periodName(cycle, day, after));

/** Whether a day may be named: not behind tomorrow, and not longer ago than the office takes. */
export function dayTaken(day, today, oldestDays) {
    const apart = (Date.parse(today) - Date.parse(day)) / 86_400_000;
    return apart >= -1 && apart <= oldestDays;
}
