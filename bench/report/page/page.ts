// The page: puts a report's words, charts and tables into the document. Everything is made as elements and
// text nodes, so that no text of a result file is ever read as markup.
//
// Charts are drawn for the width that they have, and again when it changes.

import type { Drawing } from "../draw/canvas.ts";
import { draw, type KeyEntry, keyOf, keyShape } from "../draw/draw.ts";
import { paletteRules } from "../draw/palette.ts";
import {
  type Chart,
  isEmpty,
  isNumber,
  type Matrix,
  type MatrixCell,
  type Report,
  type Section,
  type Table,
  type TableCell,
  TONES,
  type Verdict,
  type Word,
} from "../report.ts";
import type { PageElement, PageNode, PageWindow } from "./dom.ts";

const page = globalThis as unknown as PageWindow;
const { document } = page;

type Child = PageNode | string;

function element(name: string, className: string, ...children: Child[]): PageElement {
  const made = document.createElement(name);
  if (className !== "") made.className = className;
  made.append(...children);
  return made;
}

function show(report: Report): void {
  document.title = report.title;
  const main = document.getElementById("report");
  if (main === null) throw new Error("invariant: the page has a place for the report");
  const list = (className: string, sentences: readonly string[]): PageElement[] =>
    sentences.length === 0
      ? []
      : [element("ul", className, ...sentences.map((text) => element("li", "", ...worded(text))))];
  const full = report.sections.filter((section) => !isEmpty(section));
  main.replaceChildren(
    element("h1", "", report.title),
    element("p", "subtitle", report.subtitle),
    ...full.filter(judges).map(sectionOf),
    ...(report.matrices.length === 0
      ? []
      : [element("div", "matrices", ...report.matrices.map(matrixOf))]),
    ...(report.answers.length === 0 ? [] : [element("dl", "answers", ...answersOf(report))]),
    contents(full),
    ...list("findings", report.findings),
    ...list("warnings", report.warnings),
    ...full.filter((section) => !judges(section)).map(sectionOf),
    ...notDrawn(report.sections.filter(isEmpty)),
  );
}

/** What would stand as a heading with nothing below it. */
function notDrawn(sections: readonly Section[]): PageElement[] {
  if (sections.length === 0) return [];
  const lines = sections.map(({ topic, finding }) =>
    element("li", "", element("b", "", topic), ": ", ...worded(finding)),
  );
  return [element("p", "topic not-drawn", "Not drawn"), element("ul", "findings", ...lines)];
}

function judges({ verdict }: Section): boolean {
  return verdict !== null;
}

/** Words between backticks are names of the program's. */
function worded(sentence: string): Child[] {
  const parts = sentence.split("`");
  if (parts.length % 2 === 0) return [sentence];
  return parts.map((part, at) => (at % 2 === 1 ? element("code", "", part) : part));
}

function matrixOf({ corner, columns, rows, cells }: Matrix): PageElement {
  const head = [corner, ...columns].map((name, at) => {
    const cell = element("th", at === 0 ? "" : "number", name === "all" ? "" : name);
    cell.setAttribute("scope", "col");
    return cell;
  });
  const body = rows.map((name, row) => {
    const label = element("th", "", name);
    label.setAttribute("scope", "row");
    return element("tr", "", label, ...(cells[row] ?? []).map(matrixCell));
  });
  const made = element(
    "table",
    "matrix",
    element("thead", "", element("tr", "", ...head)),
    element("tbody", "", ...body),
  );
  return scrolling(made, "Throughput, p99, extra buffers and trust by setting and arm");
}

function matrixCell({ iops, interval, facts, trust, trusted }: MatrixCell): PageElement {
  const made = tableCell(iops, 1);
  const shown = typeof iops === "string" ? iops : `${iops.shown} IOPS`;
  const apart = (texts: readonly string[]): Child[] =>
    texts.flatMap((text) => [" ", element("span", "", text)]);
  made.className = "number";
  made.replaceChildren(
    element("div", "", element("b", "", shown), ...apart(interval === "" ? [] : [interval])),
    element("div", "", ...apart(facts)),
    element("div", trusted ? "trusted" : "doubtful", `${trusted ? "✓" : "✗"} ${trust}`),
  );
  return made;
}

function answersOf({ answers }: Report): PageElement[] {
  return answers.flatMap(({ question, answer }) => [
    element("dt", "", question),
    element("dd", "", ...worded(answer)),
  ]);
}

function contents(sections: readonly Section[]): PageElement {
  const links = sections.map(({ id, topic }) => {
    const link = element("a", "", topic);
    link.setAttribute("href", `#${id}`);
    return element("li", "", link);
  });
  const nav = element("nav", "", element("ul", "", ...links));
  nav.setAttribute("aria-label", "Sections");
  return nav;
}

function sectionOf(section: Section): PageElement {
  const { id, topic, finding, notes, charts, verdicts, table, verdict } = section;
  const word = verdict === null ? [] : [badge(verdict)];
  const heading = element("h2", "", ...worded(finding));
  heading.id = `${id}-finding`;
  const kind = verdict === null ? "" : `judged ${TONES[verdict]}`;
  const made = element("section", kind, element("p", "topic", topic, ...word), heading);
  made.id = id;
  made.setAttribute("aria-labelledby", heading.id);
  if (verdicts.length > 0) made.append(element("ul", "verdicts", ...verdicts.map(verdictOf)));
  made.append(...notes.map((note) => element("p", "note", ...worded(note))));
  if (charts.length > 0) {
    made.append(
      element("div", charts.length === 1 ? "charts alone" : "charts", ...charts.map(figureOf)),
    );
  }
  if (table !== null)
    made.append(tableOf(table, topic, charts.length === 0 && verdicts.length === 0));
  return made;
}

function badge(word: Word): PageElement {
  return element("span", `badge ${TONES[word]}`, word);
}

function verdictOf({ id, verdict, claim, sentence, how, table }: Verdict): PageElement {
  return element(
    "li",
    "",
    element("b", "", id),
    badge(verdict),
    element("b", "", ...worded(claim)),
    element(
      "div",
      "",
      element("p", "", ...worded(sentence)),
      ...(how === "" ? [] : [element("p", "", element("code", "", how))]),
      ...(table === null ? [] : [tableOf(table, `figures of ${id}`, false)]),
    ),
  );
}

const drawn: { readonly chart: Chart; readonly place: PageElement; width: number }[] = [];

function figureOf(chart: Chart): PageElement {
  const place = element("div", "chart");
  drawn.push({ chart, place, width: 0 });
  const key = keyOf(chart);
  return element(
    "figure",
    "",
    ...(chart.caption === "" || chart.caption === "all"
      ? []
      : [element("figcaption", "", chart.caption)]),
    ...(key.length === 0 ? [] : [element("ul", "key", ...key.map(keyEntry))]),
    place,
  );
}

const SVG = "http://www.w3.org/2000/svg";

function keyEntry(entry: KeyEntry): PageElement {
  const made = (name: string, values: Readonly<Record<string, string | number>>): PageElement => {
    const shape = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(values)) shape.setAttribute(key, String(value));
    return shape;
  };
  const svg = made("svg", { width: 26, height: 12, "aria-hidden": "true" });
  svg.append(made(...keyShape(entry, 0, 6)));
  return element("li", "", svg, entry.label);
}

function tableOf(table: Table, topic: string, open: boolean): PageElement {
  const head = table.columns.map((name, column) => {
    const cell = element("th", isNumber(table, column) ? "number" : "", name);
    cell.setAttribute("scope", "col");
    return cell;
  });
  const rows = table.rows.map((row) => element("tr", "", ...row.map(tableCell)));
  const made = element(
    "table",
    "",
    element("thead", "", element("tr", "", ...head)),
    element("tbody", "", ...rows),
  );
  const scroll = scrolling(made, `Table: ${topic}`);
  const details = element(
    "details",
    "",
    element("summary", "", `Table: ${topic.charAt(0).toLowerCase()}${topic.slice(1)}`),
    scroll,
  );
  details.open = open;
  return details;
}

/** What scrolls must be reachable by keys. */
function scrolling(made: PageElement, label: string): PageElement {
  const scroll = element("div", "scroll", made);
  scroll.setAttribute("tabindex", "0");
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", label);
  return scroll;
}

function tableCell(cell: TableCell, column: number): PageElement {
  if (typeof cell === "object") {
    const made = element("td", "number", cell.shown);
    made.setAttribute("data-value", String(cell.value));
    return made;
  }
  const made = element(column === 0 ? "th" : "td", "", cell);
  if (column === 0) made.setAttribute("scope", "row");
  return made;
}

/** Draws what has no picture for its width yet. */
function drawAll(): void {
  for (const one of drawn) {
    const width = one.place.clientWidth;
    if (width === 0 || width === one.width) continue;
    one.width = width;
    const svg = draw(one.chart, {
      width,
      document: null as Drawing | null,
    }) as unknown as PageElement;
    svg.setAttribute("role", "img");
    one.place.replaceChildren(svg);
  }
}

/** Opens every table for paper, and closes again what was closed. */
function openForPaper(): void {
  let opened: PageElement[] = [];
  page.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const details of opened) details.open = true;
  });
  page.addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
}

const palette = document.createElement("style");
palette.textContent = paletteRules(":root");
document.head.append(palette);
show(JSON.parse(document.getElementById("data")?.textContent ?? "") as Report);
drawAll();
openForPaper();
const body = document.getElementById("report");
if (body !== null) new page.ResizeObserver(drawAll).observe(body);
