// Jobs with real pins: a target, a load and a late lab for each trial, over raw sockets. And lanes of their own for
// the answers to writes, which a job chooses too.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { probeLab, runInLab } from "../../lab/lab.ts";
import type { CellResult, RunResult } from "../result/result.ts";
import type { SeriesTable } from "../load/series.ts";
import { AOE } from "../../lab/programs.ts";
import { runChild } from "../machine/child.ts";

const PREALLOCATED = 16;
const CAP = 8;
const MS = 1e6;

const GLOBAL = `[global]
pool_prealloc = ${PREALLOCATED}
pool_cap = ${CAP}
kick = "20ms"
image_size = "1m"
warm_up = "100ms"
ramp_time = "0s"
runtime = "1s"
floor = "off"
retries = 0
`;

async function runJob(text: string): Promise<RunResult> {
  const path = join(folder, "job.toml");
  await Bun.write(path, text);
  const { code, stdout, stderr } = await runChild([
    process.execPath,
    AOE,
    "bench",
    "run",
    path,
    "--json",
  ]);
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  return JSON.parse(stdout) as RunResult;
}

/** What a trial's only load says beyond the figures. */
interface Told {
  readonly link: string;
  readonly transmit_interface?: string;
  readonly write_lane?: boolean;
  readonly granted: { readonly ringBytes: number };
  readonly late?: { readonly plan: string; readonly holds: number; readonly held_ns: number };
  readonly series: SeriesTable;
  readonly receiveDrops: { readonly all: number; readonly lane: number | undefined };
}

function told(cell: CellResult | undefined): Told {
  const fio = cell?.trials[0]?.loads[0]?.fio as {
    aoe: Omit<Told, "series" | "receiveDrops">;
    jobs: [
      {
        aoe: {
          series: SeriesTable;
          link: { receiveDrops: number; lane?: { receiveDrops: number } };
        };
      },
    ];
  };
  const { series, link } = fio.jobs[0].aoe;
  const receiveDrops = { all: link.receiveDrops, lane: link.lane?.receiveDrops };
  return { ...fio.aoe, series, receiveDrops };
}

/** The longest stretch of samples in which the link alone held `count` buffers: [first, behind the last]. */
function stretch(series: SeriesTable, count: number): [number, number] {
  let longest: [number, number] = [0, 0];
  let begin = 0;
  for (const [at, held] of series.pinned_only.entries()) {
    if (held !== count) begin = at + 1;
    else if (at + 1 - begin > longest[1] - longest[0]) longest = [begin, at + 1];
  }
  return longest;
}

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aoe-late-job-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const late = probeLab({ late: true });
describe.skipIf(!late.available)(
  `in the late lab${late.available ? "" : ` (skipped: ${late.reason})`}`,
  () => {
    test.each(["ring", "xdp"])(
      "over %s held, `fixed` is dry after its buffers, others after their cap; released, all go on",
      async (link) => {
        const plan = "hold:100ms,release:1s";
        const result = await runJob(
          `${GLOBAL}link = "${link}"
[held]
runtime = "2s"
late = "${plan}"
pool = ["fixed", "scan-swap", "completion"]
`,
        );
        expect<string>(result.link).toBe(link);
        expect(result.cells.map(({ axes }) => axes.pool)).toEqual([
          "fixed",
          "scan-swap",
          "completion",
        ]);
        for (const cell of result.cells) {
          const { pool } = cell.values;
          const headroom = pool === "fixed" ? 0 : CAP;
          const { series, ...facts } = told(cell);
          expect(facts).toMatchObject({
            link,
            transmit_interface: "t0",
            late: { plan, holds: 1 },
          });
          // Planned for 900 ms; on a busy machine `tc` takes long.
          expect(facts.late?.held_ns).toBeGreaterThan(200 * MS);
          expect(cell.median).toMatchObject({ failures: 0, pool_length_peak: headroom });
          expect(cell.median?.dry).toBeGreaterThan(0);
          // All answered, all held, and nothing moves: neither a command nor the pool's length.
          const [from, to] = stretch(series, PREALLOCATED + headroom);
          // In time: of a busy machine's series many samples are missing.
          const [first = 0, last = 0] = [series.at_ns[from], series.at_ns[to - 1]];
          expect([pool, last - first > 100 * MS, to - from > 3]).toEqual([pool, true, true]);
          const [completed, length] = [series.completed, series.pool_length].map((column) =>
            column.slice(from + 1, to - 1),
          );
          expect([pool, new Set(completed).size, new Set(length)]).toEqual([
            pool,
            1,
            new Set([headroom]),
          ]);
          // Before it was in nobody's way; after it more go on than the held buffers could do once.
          const goneOn = PREALLOCATED + headroom;
          expect(completed?.[0]).toBeGreaterThan(goneOn);
          expect((series.completed.at(-1) ?? 0) - (completed?.[0] ?? 0)).toBeGreaterThan(goneOn);
        }
      },
      60_000,
    );

    test("a pause of 10 ms every 50 ms, and a late lab that never holds", async () => {
      const result = await runJob(
        `${GLOBAL}[paused]
link = "ring"
late = { never = "release:0s", paused = "pulse:10ms/50ms" }
pool = "completion"
runtime = "500ms"
`,
      );
      const [never, paused] = result.cells;
      expect(told(never).late).toEqual({ plan: "release:0s", holds: 0, held_ns: 0 });
      expect(told(paused).late?.holds).toBeGreaterThan(3);
      // A pause of 10 ms outlasts 16 buffers and the making of another.
      expect(paused?.median?.pool_length_peak).toBeWithin(1, CAP + 1);
      expect([never, paused].map((cell) => cell?.median?.failures)).toEqual([0, 0]);
      // On a busy machine no finding is made from it.
      expect(result.findings.join("\n")).toMatch(/under late paused|disturbed/);
    }, 60_000);
  },
);

const lab = probeLab();
describe.skipIf(!lab.available)(
  `in a lab${lab.available ? "" : ` (skipped: ${lab.reason})`}`,
  () => {
    test("a job chooses the lane, its ring, and the link's own", async () => {
      const result = await runJob(
        `${GLOBAL}[lane]\nlink = "packet"\nrw = "randrw"\nwrite_lane = ["off", "on"]\nreceive_ring = "128k"\nlane_ring = "64k"\nruntime = "100ms"\n`,
      );
      const [off, on] = result.cells.map(told);
      expect([off?.write_lane, off?.receiveDrops.lane]).toEqual([undefined, undefined]);
      expect([on?.write_lane, typeof on?.receiveDrops.lane]).toEqual([true, "number"]);
      expect([off, on].map((load) => load?.granted.ringBytes)).toEqual([128 << 10, 128 << 10]);
    }, 60_000);

    test("a plan needs a late lab, the ring link, and a device that transmits", async () => {
      const load = `'${process.execPath}' '${AOE}' bench load e7.3 --interface a0 --wait 100ms`;
      const script = `${load} --late hold:0s; echo $?
${load} --link ring --late hold:0s; echo $?
${load} --link ring --transmit-interface a0 --late hold; echo $?
${load} --link ring --transmit-interface a0 --late hold:0s; echo $?`;
      const { stdout, stderr } = await runInLab(["sh", "-c", script]);
      expect(stdout.trim().split("\n")).toEqual(["2", "2", "2", "5"]);
      const needs = "only with --link ring or xdp and --transmit-interface";
      const beside = `Expected \`--late\` to be given ${needs}, got \`hold:0s\``;
      expect(stderr.trim().split("\n")).toEqual([
        beside,
        beside,
        expect.stringContaining("Expected `--late` to be hold:AT, release:AT"),
        expect.stringContaining("No late release here"),
      ]);
    });
  },
);
