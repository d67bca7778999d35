// The page in a real Chromium: it draws every chart, says nothing on the console, and shows the figures of
// the result file; in light and dark, on paper, on a telephone, and by keys alone.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as v from "valibot";
import { findProgram } from "../../lab/programs.ts";
import { compose } from "./compose.ts";
import { reportHtml } from "./html.ts";
import { isEmpty, type Report, type Section } from "./report.ts";
import { parseJob } from "../job/job.ts";
import { AB, AbSchema } from "../judge/judged_file.ts";
import { judgeResults } from "../judge/judge_results.ts";
import { NO_MATERIAL } from "./read_material.ts";
import { sampleRun } from "../../testing/doubles/sample_result.ts";
import { readResult } from "../result/result_file.ts";
import { sectionSvg } from "./svg.ts";
import { EVIL, evilResult, materialOf } from "../../testing/doubles/small_result.ts";

const chromium = findProgram("chromium") ?? findProgram("google-chrome-stable");
const SECONDS = 1000;
/** Made by the command at the top of fixtures/jobs/report.toml. */
const RESULT = join(import.meta.dir, "../../fixtures/results/report.json");

/** Made over raw sockets by the command in README.md. */
const MEASURED = join(import.meta.dir, "../../fixtures/results/headroom.json");

/** Our own page is all that it opens, and it has no business elsewhere. */
const FLAGS = [
  "--no-sandbox",
  "--disable-quic",
  "--disable-sync",
  "--disable-component-update",
  "--disable-background-networking",
];

if (chromium === null) {
  test.skip("the page in Chromium: `chromium` is not installed (apt install chromium)", () => {});
} else {
  describe("the page in Chromium", () => browserTests(chromium));
}

function browserTests(path: string): void {
  let folder = "";
  let report: Report;
  let view: Bun.WebView;
  const said: unknown[][] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "aoe-page-"));
    const result = readResult(RESULT);
    report = compose(materialOf(result));
    await Bun.write(join(folder, "report.html"), await reportHtml(report));
    const evil = compose(materialOf(evilResult(result), EVIL));
    await Bun.write(join(folder, "evil.html"), await reportHtml(evil));
    view = new Bun.WebView({
      width: 1200,
      height: 900,
      backend: { type: "chrome", path, argv: FLAGS },
      dataStore: { directory: join(folder, "profile") },
      console: (type: string, ...words: unknown[]) => said.push([type, ...words]),
    });
    await view.navigate("about:blank");
    // What the browser itself reports: refused loads and policies, which no page's console hears.
    await view.cdp("Log.enable");
    await view.cdp("Runtime.enable");
    for (const event of ["Log.entryAdded", "Runtime.exceptionThrown"]) {
      view.addEventListener(event, (told) =>
        said.push([event, JSON.stringify((told as MessageEvent).data)]),
      );
    }
  }, 60 * SECONDS);

  afterAll(() => {
    view.close();
    Bun.WebView.closeAll();
    rmSync(folder, { recursive: true, force: true });
  });

  const full = (): Section[] => report.sections.filter((section) => !isEmpty(section));

  async function open(
    name: string,
    { width = 1200, scheme = "light", media = "" } = {},
  ): Promise<void> {
    await view.cdp("Emulation.setEmulatedMedia", {
      media,
      features: [{ name: "prefers-color-scheme", value: scheme }],
    });
    await view.cdp("Emulation.setDeviceMetricsOverride", {
      width,
      height: 900,
      deviceScaleFactor: 1,
      mobile: false,
    });
    await view.navigate(`file://${join(folder, name)}`);
  }

  test("an SVG file cuts no text off, in the widest font that a reader may have", async () => {
    const measured = compose(materialOf(readResult(MEASURED)));
    let files = 0;
    for (const section of [...report.sections, ...measured.sections]) {
      const svg = sectionSvg(section);
      if (svg === null) continue;
      const name = `${files++}.svg`;
      await Bun.write(join(folder, name), svg.replace("system-ui", "DejaVu Sans, system-ui"));
      await open(name);
      const cut = await view.evaluate(`[...document.querySelectorAll("text")]
        .filter((text) => text.getBoundingClientRect().right > document.documentElement.width.baseVal.value)
        .map((text) => text.textContent)`);
      expect([section.id, cut]).toEqual([section.id, []]);
    }
    expect(files).toBeGreaterThan(10);
  });

  test("draws every chart, and says nothing on the console", async () => {
    await open("report.html");
    const drawn = await view.evaluate(`[...document.querySelectorAll("section")].map((section) => ({
      id: section.id,
      finding: section.querySelector("h2").textContent,
      charts: section.querySelectorAll("figure .chart > svg[role=img][aria-label]").length,
      marks: [...section.querySelectorAll(".chart svg")].map((svg) => svg.querySelectorAll("path, circle, rect, line").length),
      bad: /NaN|undefined|Infinity/.test(section.innerHTML),
    }))`);
    const empty = report.sections.filter(isEmpty);
    expect(empty.length).toBeGreaterThan(0);
    // What has nothing below it is no heading.
    const last = await view.evaluate(`[...document.querySelectorAll("main > ul:last-child b")]
      .map(({ textContent }) => textContent)`);
    expect(last).toEqual(empty.map(({ topic }) => topic));
    expect(drawn).toEqual(
      full().map(({ id, finding, charts }) => ({
        id,
        finding: finding.replaceAll("`", ""),
        charts: charts.length,
        marks: charts.map(() => expect.any(Number)),
        bad: false,
      })),
    );
    const marks = (drawn as { marks: number[] }[]).flatMap((section) => section.marks);
    expect(marks.length).toBeGreaterThan(10);
    expect(Math.min(...marks)).toBeGreaterThan(3);
    expect(said).toEqual([]);
  });

  test("begins with the verdict of an ab, and only what is bad is red", async () => {
    const rate = (iops: number) =>
      sampleRun(parseJob("[one]\ntrials = 9", "j.toml"), () =>
        Array.from({ length: 9 }, (_, at) => ({ iops: iops + at })),
      );
    const [base, head] = [rate(40_000), rate(36_000)];
    const options = { band: "5%" };
    const comparison = judgeResults(base, head, options);
    const control = judgeResults(base, base, options);
    const result = v.parse(AbSchema, {
      ...{ schema_version: 2, kind: AB, verdict: "worse", exact: null },
      said: { sockets: "worse", exact: "same" },
      sockets: { comparison, control, results: [base, base, head] },
    });
    const judged = compose({ ...NO_MATERIAL, names: ["ab"], abs: [{ name: "ab", result }] });
    await Bun.write(join(folder, "ab.html"), await reportHtml(judged));
    await open("ab.html");
    const seen = await view.evaluate(`(() => {
      const verdict = document.querySelector(".judged");
      const red = getComputedStyle(verdict.querySelector(".badge")).color;
      const inRed = [...document.querySelectorAll("main *")]
        .filter((one) => [getComputedStyle(one).stroke, getComputedStyle(one).color].includes(red))
        .map((one) => one.closest(".judged, .chart")?.className);
      return {
        words: [...verdict.querySelectorAll(".badge")].map(({ textContent }) => textContent),
        bottom: verdict.getBoundingClientRect().bottom < innerHeight,
        heading: verdict.querySelector("h2").textContent.slice(0, 50),
        inRed: [...new Set(inRed)],
        bad: /NaN|undefined|Infinity/.test(document.querySelector("main").innerHTML),
      };
    })()`);
    expect(seen).toEqual({
      words: ["worse", "worse", "same"],
      bottom: true,
      heading: "The head is worse. Throughput is 10.0 % lower in t",
      inRed: ["judged bad", "chart"],
      bad: false,
    });
    expect(said).toEqual([]);
  });

  test("hears of an error where there is one", async () => {
    await open("report.html");
    await view.evaluate(`void document.body.append(Object.assign(document.createElement("img"), {
      src: "https://192.0.2.1/a.png" }))`);
    await Bun.sleep(100);
    expect(JSON.stringify(said)).toContain("Content Security Policy");
    said.length = 0;
  });

  test("shows the figures of the result file", async () => {
    await open("report.html");
    const shown = await view.evaluate(`[...document.querySelectorAll("section")].map((section) =>
      [...section.querySelectorAll("tbody tr")].map((row) => [...row.children].map((cell) =>
        cell.dataset.value === undefined ? cell.textContent
          : { shown: cell.textContent, value: Number(cell.dataset.value) })))`);
    expect(shown).toEqual(JSON.parse(JSON.stringify(full().map(({ table }) => table?.rows ?? []))));
    // A dot stands where its figure says: the scale is linear and begins at 0.
    const dots =
      await view.evaluate(`[...document.querySelectorAll("#throughput figure:first-of-type circle[r='5']")]
      .map((dot) => dot.getBoundingClientRect()).map(({ x, width }) => x + width / 2)`);
    const [chart] = report.sections[0]?.charts ?? [];
    const medians =
      chart?.kind === "intervals" ? chart.rows.map(({ spreads }) => spreads[0]?.median ?? 0) : [];
    const ticks =
      (await view.evaluate(`[...document.querySelectorAll("#throughput figure:first-of-type [aria-label='x-axis tick label'] text")]
      .map((tick) => [Number(tick.textContent.replaceAll(",", "")), tick.getBoundingClientRect()])
      .map(([value, { x, width }]) => [value, x + width / 2])`)) as [number, number][];
    const [from = [0, 0], ...more] = ticks;
    const to = more.at(-1) ?? [1, 1];
    const place = (value: number): number =>
      from[1] + ((value - from[0]) * (to[1] - from[1])) / (to[0] - from[0]);
    expect(medians.length).toBeGreaterThan(1);
    for (const [at, median] of medians.entries()) {
      expect(Math.abs(((dots as number[])[at] ?? 0) - place(median))).toBeLessThan(3);
    }
  });

  test("follows the reader's colours", async () => {
    const paper = `getComputedStyle(document.body).backgroundColor`;
    const ink = `getComputedStyle(document.querySelector(".chart text")).fill`;
    await open("report.html");
    expect(await view.evaluate(`[${paper}, ${ink}]`)).toEqual([
      "rgb(255, 255, 255)",
      "rgb(31, 35, 40)",
    ]);
    await open("report.html", { scheme: "dark" });
    expect(await view.evaluate(`[${paper}, ${ink}]`)).toEqual([
      "rgb(20, 24, 29)",
      "rgb(230, 237, 243)",
    ]);
    // Paper is white, whatever the screen.
    await open("report.html", { scheme: "dark", media: "print" });
    expect(await view.evaluate(`[${paper}, ${ink}]`)).toEqual([
      "rgb(255, 255, 255)",
      "rgb(31, 35, 40)",
    ]);
  });

  test("prints its tables, closed ones too", async () => {
    await open("report.html", { media: "print" });
    const heights = await view.evaluate(
      `[...document.querySelectorAll("details table")].map((table) => table.getBoundingClientRect().height)`,
    );
    expect(Math.min(...(heights as number[]))).toBeGreaterThan(20);
    const { data } = (await view.cdp("Page.printToPDF")) as { data: string };
    expect(Buffer.from(data, "base64").toString("latin1", 0, 5)).toBe("%PDF-");
  });

  test("fits a telephone", async () => {
    await open("report.html", { width: 360 });
    const overflow = await view.evaluate(
      `document.documentElement.scrollWidth - document.documentElement.clientWidth`,
    );
    expect(overflow).toBe(0);
    const widest = await view.evaluate(
      `Math.max(...[...document.querySelectorAll(".chart svg")].map((svg) => svg.getBoundingClientRect().right))`,
    );
    expect(widest).toBeLessThanOrEqual(360);
  });

  test("is reached by keys: sections, tables, and what scrolls", async () => {
    await open("report.html");
    const focused: string[] = [];
    for (let step = 0; step < 60; step++) {
      await view.press("Tab");
      const at = await view.evaluate(
        `document.activeElement.tagName + " " + (document.activeElement.getAttribute("href") ?? document.activeElement.textContent.slice(0, 30))`,
      );
      if (focused.includes(String(at))) break;
      focused.push(String(at));
    }
    expect(focused[0]).toBe("A #report");
    for (const { id, topic, table } of full()) {
      expect(focused).toContain(`A #${id}`);
      if (table !== null)
        expect(focused).toContain(
          `SUMMARY Table: ${topic.charAt(0).toLowerCase()}${topic.slice(1)}`,
        );
    }
    await view.evaluate(`document.querySelector("#throughput summary").focus()`);
    expect(await view.evaluate(`document.querySelector("#throughput details").open`)).toBe(false);
    await view.press("Enter");
    expect(await view.evaluate(`document.querySelector("#throughput details").open`)).toBe(true);
  });

  test("runs nothing that a result's texts ask for", async () => {
    await open("evil.html");
    await Bun.sleep(100);
    expect(
      await view.evaluate(`[globalThis.owned ?? "untouched", document.querySelectorAll("img").length,
        document.querySelectorAll("script").length, document.title]`),
    ).toEqual(["untouched", 0, 2, `aoe bench: ${EVIL}`]);
    expect(await view.evaluate(`document.querySelectorAll(".chart svg").length`)).toBeGreaterThan(
      5,
    );
    expect(said).toEqual([]);
  });
}
