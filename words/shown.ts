// Figures and lists as a person reads them.

/** In the place of a figure that nothing was measured for. */
export const NOTHING = "–";

/** Digits that are worth reading. */
const DIGITS = 3;

function significant(value: number): string {
  const size = Math.abs(value);
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(DIGITS)));
}

/** `123 µs`, `1.5 ms`. */
export function shownTime(ns: number | null): string {
  if (ns === null || !Number.isFinite(ns)) return NOTHING;
  const size = Math.abs(ns);
  if (ns === 0) return "0";
  if (size < 999.5) return `${significant(ns)} ns`;
  if (size < 999.5e3) return `${significant(ns / 1e3)} µs`;
  if (size < 999.5e6) return `${significant(ns / 1e6)} ms`;
  return `${significant(ns / 1e9)} s`;
}

export function shownCount(value: number): string {
  return Number.isFinite(value) ? significant(value) : NOTHING;
}

/** `93 %`, `0.4 %`. */
export function shownShare(share: number): string {
  if (!Number.isFinite(share)) return NOTHING;
  const percent = 100 * share;
  return `${percent >= 9.95 || percent === 0 ? Math.round(percent) : Number(percent.toPrecision(2))} %`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export function shownBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${significant(value)} ${UNITS[unit]}`;
}

/** `1 stall`, `2 stalls`. */
export function plural(count: number, noun: string): string {
  return `${shownCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(texts: readonly string[]): string {
  if (texts.length < 2) return texts.join("");
  return `${texts.slice(0, -1).join(", ")} and ${texts.at(-1)}`;
}

/** A rate with a separator of thousands. */
export function rate(perSecond: number): string {
  return Math.round(perSecond).toLocaleString("en-US");
}
