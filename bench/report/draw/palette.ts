// Colours of charts, as CSS variables that the page and each SVG file define for light and for dark.
//
// Eight colours that stay apart for most kinds of colour blindness (after Okabe and Ito), darker on
// white and lighter on black. None of them is red, which is a judge's word for bad wherever it
// stands. Nothing is told by colour alone: rows have labels, lines have dashes and a key.

import type { Colour } from "../report.ts";

const LIGHT = [
  "#a4510b",
  "#0b6bcb",
  "#7a3fa0",
  "#8a6d00",
  "#00707d",
  "#1b7f3b",
  "#8c5a45",
  "#5f6368",
];
const DARK = [
  "#f0a35e",
  "#79b8ff",
  "#cfa3f2",
  "#e3c14d",
  "#5fd0dc",
  "#7fd699",
  "#d0aa98",
  "#b4b9bf",
];

/** Of the parts of a latency, in their order: greys, and the buffer's in a colour. */
const LIGHT_PARTS = ["#dadce0", "#c3c9d1", "#aab2bd", "#0b6bcb", "#7c8794", "#4d5b6b"];
const DARK_PARTS = ["#4b5057", "#5a616a", "#68717c", "#79b8ff", "#8d98a5", "#bcc6d2"];

const DASHES = ["none", "6 3", "2 3", "8 3 2 3", "1 2"];

const rules = (colours: readonly string[], name: string): string =>
  colours.map((colour, at) => `--${name}${at}:${colour}`).join(";");

const LIGHT_RULES = `--ink:#1f2328;--soft:#59636e;--good:#1a7f37;--bad:#cf222e;--grid:#d8dee4;--paper:#ffffff;--plot-background:#ffffff;${rules(LIGHT, "c")};${rules(LIGHT_PARTS, "p")}`;
const DARK_RULES = `--ink:#e6edf3;--soft:#9aa4af;--good:#57ab5a;--bad:#ff6a60;--grid:#343b44;--paper:#14181d;--plot-background:#14181d;${rules(DARK, "c")};${rules(DARK_PARTS, "p")}`;

/** Defines the variables for `root`, for light, dark and paper. */
export function paletteRules(root: string): string {
  return `${root}{${LIGHT_RULES}}@media (prefers-color-scheme:dark){${root}{${DARK_RULES}}}@media print{${root}{${LIGHT_RULES}}}`;
}

export function colour(place: Colour): string {
  if (typeof place === "string") return `var(--${place})`;
  return `var(--c${place % LIGHT.length})`;
}

export function partColour(place: number): string {
  return `var(--p${place % LIGHT_PARTS.length})`;
}

export function dash(place: number): string {
  // Beyond them a long dash and ever more dots: no two lines of a chart look alike.
  return DASHES[place] ?? `8 3${" 2 3".repeat(place - 3)}`;
}
