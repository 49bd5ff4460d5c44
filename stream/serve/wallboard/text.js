// Values as people read them. A missing value is never a number: it is NOTHING.

export const NOTHING = "no data";
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const ONE = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const AMOUNTS = new Set(["count", "numerator", "denominator", "promoters", "passives", "detractors"]);

/** A length of time in its two largest units; `whole`: without fractions of a second. */
export function span(seconds, whole = false) {
  const s = Math.round(seconds);
  if (seconds < 60 && s < 60) return `${whole || seconds >= 10 ? s : ONE.format(seconds)}\u00a0s`;
  if (s < 3600) return `${Math.floor(s / 60)}m\u00a0${two(s % 60)}s`;
  if (s < 86400) return `${Math.floor(s / 3600)}h\u00a0${two(Math.floor(s / 60) % 60)}m`;
  return `${Math.floor(s / 86400)}d\u00a0${two(Math.floor(s / 3600) % 24)}h`;
}

/** A value of a metric's stat, with its unit where the unit is not what is counted. */
export function value(number, unit, stat = "value") {
  if (number === null || number === undefined) return NOTHING;
  if (AMOUNTS.has(stat)) return WHOLE.format(number);
  if (unit === "seconds") return span(number);
  if (unit === "ratio") return `${ONE.format(100 * number)}\u00a0%`;
  if (unit === "hours") return span(3600 * number);
  return Number.isInteger(number) ? WHOLE.format(number) : ONE.format(number);
}

/** What a number is made of: `860 of 1,040`, `31 observed`. */
export function behind(count, unit) {
  const one = (number) => (unit === "seconds" ? span(number, true) : WHOLE.format(number));
  if (count.denominator !== undefined && count.denominator !== null) {
    return `${one(count.numerator ?? 0)} of ${one(count.denominator)}`;
  }
  if (count.count !== undefined && count.count !== null) return `n = ${one(count.count)}`;
  return "";
}

/** By how much a number has moved in a week; empty where that cannot be seen. */
export function moved(change, unit) {
  const amount = movement(change, unit);
  if (!/[1-9]/.test(amount)) return "";
  if (change.relative !== null && change.relative >= 3 && unit !== "ratio") return amount;
  return `${change.by > 0 ? "+" : "\u2212"}${amount}`;
}

function movement(change, unit) {
  if (unit === "ratio") return `${ONE.format(100 * Math.abs(change.by))}\u00a0pts`;
  if (unit === "points" || change.relative === null) return value(Math.abs(change.by), unit);
  if (change.relative >= 3) return `\u00d7\u00a0${ONE.format(1 + change.relative)}`;
  return `${WHOLE.format(100 * Math.abs(change.relative))}\u00a0%`;
}

const WINDOWS = { today: "today", yesterday: "yesterday", month: "this month" };
const UNITS = { s: "seconds", m: "minutes", h: "hours", d: "days" };

/** `1h` -> `last hour`. */
export function windowWords(word) {
  if (!word) return "now";
  if (WINDOWS[word]) return WINDOWS[word];
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(word) ?? [];
  if (!unit) return word;
  return amount === "1" ? `last ${UNITS[unit].slice(0, -1)}` : `${amount} ${UNITS[unit]}`;
}

/** Local times of the deployment. */
export class Times {
  constructor(zone) {
    const of = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options });
    this._minute = of({ hour: "2-digit", minute: "2-digit" });
    this._second = of({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
    this._day = of({ weekday: "short", day: "numeric", month: "short" });
  }

  /** `12:04`, with the day where it is another one. */
  minute(ms, now = ms) {
    const day = this.day(ms);
    return day === this.day(now) ? this._minute.format(ms) : `${day} ${this._minute.format(ms)}`;
  }

  second(ms, now = ms) {
    const day = this.day(ms);
    return day === this.day(now) ? this._second.format(ms) : `${day} ${this._second.format(ms)}`;
  }

  day(ms) {
    return this._day.format(ms);
  }
}

/** `first_reply` -> `first reply`. */
export function spoken(name) {
  return name.replaceAll("_", " ");
}

function two(number) {
  return String(number).padStart(2, "0");
}
