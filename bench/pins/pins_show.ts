// `aoe bench pins` for people: a picture of how late frames are released, and what follows from it.

import { formatTable } from "../../words/table.ts";
import { plural, shownShare, shownTime } from "../../words/shown.ts";
import { CAP } from "./demand.ts";
import type { PinsLink, PinsResult, Spread } from "./pins_result.ts";

/** Of the picture: from 1 µs to 10 s, eight cells for each power of ten. */
const CELLS = 8;
const DECADES = ["1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s"];
const WIDTH = CELLS * DECADES.length;
const BLOCKS = " ▁▂▃▄▅▆▇█";
const NARROW = 80;
export const PHASE_NAMES = {
  idle: "idle line",
  steady: "steady rate",
  burst: "burst",
  last: "last of a burst",
} as const;

export function showPins(result: PinsResult, width = Number.POSITIVE_INFINITY): string {
  const { interface: name, links } = result;
  if (links.length === 0) return `Nothing was measured on ${name}.\n`;
  return links.map((link) => showLink(link, result, width)).join("\n");
}

function showLink(link: PinsLink, result: PinsResult, width: number): string {
  const columns = ["frames", "half within", "90 %", "99 %", "the last"];
  const rows = link.spreads.map((spread) => [
    PHASE_NAMES[spread.phase],
    spread.released === spread.frames ? `${spread.frames}` : `${spread.released}/${spread.frames}`,
    ...[spread.p50_ns, spread.p90_ns, spread.p99_ns, spread.max_ns].map(shownTime),
  ]);
  const head = ["", ...columns.map((column) => ({ name: column, right: true }))];
  const lines = [
    `${link.link} on ${result.interface}${settingsOf(link)}: from transmit to release`,
    "",
    ...(width < NARROW ? [] : picture(link.spreads)),
    formatTable(head, rows, width),
    ...sentences(link, result).map((sentence) => wrapped(sentence, width)),
  ];
  return `${lines.join("\n")}\n`;
}

function settingsOf({ tx_usecs, tx_frames }: PinsLink): string {
  const said = [
    ...(tx_usecs === null ? [] : [`tx-usecs ${tx_usecs}`]),
    ...(tx_frames === null ? [] : [`tx-frames ${tx_frames}`]),
  ];
  return said.length === 0 ? "" : ` with ${said.join(", ")}`;
}

/** A row of cells for each phase, as high as their share of its fullest cell. */
function picture(spreads: readonly Spread[]): string[] {
  const indent = Math.max(...Object.values(PHASE_NAMES).map(({ length }) => length)) + 2;
  const rows = spreads.map(({ phase, histogram }) => {
    const cells = new Array<number>(WIDTH).fill(0);
    for (const [least, count] of histogram) {
      const cell = Math.floor((Math.log10(least) - 3) * CELLS);
      const at = Math.min(WIDTH - 1, Math.max(0, cell));
      cells[at] = (cells[at] ?? 0) + count;
    }
    const most = Math.max(1, ...cells);
    const drawn = cells.map((count) => BLOCKS[Math.ceil((8 * count) / most)] ?? " ").join("");
    return `${PHASE_NAMES[phase].padEnd(indent)}${drawn}`.trimEnd();
  });
  const axis = DECADES.map((decade) => decade.padEnd(CELLS)).join("");
  return [...rows, `${" ".repeat(indent)}${axis}`.trimEnd(), ""];
}

/** What a link showed, and what follows. */
export function sentences(link: PinsLink, { setting }: PinsResult): string[] {
  const { fit, needs } = link;
  const { scan_swap: swap, fixed, by_formula: formula } = needs;
  const { rate, burst, iodepth } = setting;
  const error = `${shownTime(fit.error_ns)} (${shownShare(fit.error_share)} of the mean hold`;
  const lines = [
    `A release depends on ${fit.depends_on}.`,
    `The model that fits best is ${fit.model}, with a mean error of ${error} of ${shownTime(
      fit.mean_hold_ns,
    )}).`,
  ];
  if (link.skipped > 0) {
    const skipped = plural(link.skipped, "frame");
    lines.push(`${skipped} had no idle buffer or no room, and were not sent.`);
  }
  if (fit.model === "eager") {
    lines.push("Nothing is needed: a pool needs no more buffers than commands are out.");
    return lines;
  }
  const said = (found: number, predicted: number, reckoned: number): string =>
    `${found} buffers (the model predicts ${predicted}, the formula ${reckoned})`;
  const load = `At ${rate} frames of ${needs.frame_bytes} bytes a second, ${burst} at once`;
  const beyond = said(swap.found.headroom, swap.predicted.headroom, formula - iodepth);
  const all = said(fixed.found.buffers, fixed.predicted.buffers, formula);
  lines.push(
    `${load}, scan-swap took, beyond those of ${plural(iodepth, "command")}, ${beyond}.`,
    `Without headroom, as fixed is, that takes ${all}.`,
  );
  if (swap.found.headroom >= CAP) {
    const why = "frames are sent faster than their buffers come back";
    lines.push(`Headroom reached the cap of ${CAP}: ${why}.`);
  }
  return lines;
}

function wrapped(sentence: string, width: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of sentence.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}
