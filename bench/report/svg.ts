// Charts as SVG files for READMEs and pull requests, drawn by the same code as the page's, without a browser.
//
// A section's charts stand under each other in one file. It brings its own colours, for light and for dark:
// shown through <img>, a file sees the reader's preference and nothing of the page around it.

import { parseHTML } from "linkedom";
import type { Canvas, Drawing } from "./draw/canvas.ts";
import { draw, type KeyEntry, keyOf, keyShape } from "./draw/draw.ts";
import { CHARACTER } from "./draw/canvas.ts";
import { paletteRules } from "./draw/palette.ts";
import type { Chart, Section } from "./report.ts";

const WIDTH = 820;
const PAD = 16;
const TITLE = 30;
const CAPTION = 24;
const KEY = 20;
const GAP = 14;
/** Of the widest fonts that `system-ui` may be, bold. */
const TITLE_CHARACTER = 10;

/** null: the section has nothing to draw. */
export function sectionSvg(section: Section): string | null {
  if (section.charts.length === 0) return null;
  const parts: string[] = [];
  let top = PAD;
  for (const line of wrapped(section.finding, (WIDTH - 2 * PAD) / TITLE_CHARACTER)) {
    parts.push(text(PAD, top + 16, line, "font-size:15px;font-weight:650"));
    top += 20;
  }
  top += TITLE - 20;
  for (const chart of section.charts) {
    const placed = placeChart(chart, top);
    parts.push(placed.svg);
    top = placed.bottom + GAP;
  }
  const height = Math.ceil(top + PAD - GAP);
  return `<svg xmlns="http://www.w3.org/2000/svg" class="aoe-report" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif" font-size="12"><title>${escaped(section.finding)}</title><style>${paletteRules(".aoe-report")}</style><rect width="100%" height="100%" fill="var(--paper)"/>${parts.join("")}</svg>\n`;
}

function placeChart(chart: Chart, from: number): { svg: string; bottom: number } {
  let top = from;
  const parts: string[] = [];
  if (chart.caption !== "" && chart.caption !== "all") {
    parts.push(text(PAD, top + 14, chart.caption, "font-size:13px;font-weight:600"));
    top += CAPTION;
  }
  const key = keySvg(keyOf(chart), top);
  parts.push(key.svg);
  top = key.bottom;
  const { document } = parseHTML("<html></html>");
  const canvas: Canvas = { width: WIDTH - 2 * PAD, document: document as unknown as Drawing };
  const drawn = draw(chart, canvas) as unknown as {
    getAttribute(name: string): string | null;
    setAttribute(name: string, value: string): void;
    removeAttribute(name: string): void;
    readonly outerHTML: string;
  };
  // The file's title says as much; and linkedom writes a "<" within an attribute as it is, as HTML may.
  drawn.removeAttribute("aria-label");
  drawn.setAttribute("x", String(PAD));
  drawn.setAttribute("y", String(top));
  parts.push(drawn.outerHTML);
  return { svg: parts.join(""), bottom: top + Number(drawn.getAttribute("height")) };
}

function keySvg(entries: readonly KeyEntry[], from: number): { svg: string; bottom: number } {
  let left = PAD;
  let top = from;
  const parts: string[] = [];
  for (const entry of entries) {
    const width = 34 + entry.label.length * CHARACTER + 14;
    if (left > PAD && left + width > WIDTH - PAD) {
      left = PAD;
      top += KEY;
    }
    parts.push(swatch(entry, left, top + 8));
    parts.push(text(left + 34, top + 12, entry.label, "fill:var(--soft)"));
    left += width;
  }
  return { svg: parts.join(""), bottom: entries.length === 0 ? from : top + KEY };
}

/** Colours and dashes are the program's own, never a result's. */
function swatch(entry: KeyEntry, left: number, middle: number): string {
  const [name, attributes] = keyShape(entry, left, middle);
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${value}"`);
  return `<${name}${written.join("")}/>`;
}

function text(x: number, y: number, words: string, style: string): string {
  return `<text x="${x}" y="${y}" fill="var(--ink)" style="${style}">${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return Bun.escapeHTML(words);
}

function wrapped(words: string, room: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of words.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return line === "" ? lines : [...lines, line];
}
