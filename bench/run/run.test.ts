// The job of the demo, at a size that measures nothing: does every part still fit together? Shape, never
// speed. In labs of their own where labs can be made, over the memory link in any case.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { probeLab, runInLab } from "../../lab/lab.ts";
import type { RunResult } from "../result/result.ts";
import { AOE } from "../../lab/programs.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";
import { runChild } from "../machine/child.ts";

const DEMO = join(import.meta.dir, "../../fixtures/jobs/demo.toml");
const TINY = [
  "runtime=400ms",
  "ramp_time=20ms",
  "warm_up=20ms",
  "image_size=1m",
  "pool=fixed|scan-swap",
  "kick=20ms",
];
const SECONDS = 1000;

async function aoe(words: string[], env: Record<string, string> = {}) {
  return runChild([process.execPath, AOE, ...words], { env: { ...process.env, ...env } });
}

const sets = (...more: string[]): string[] => [...TINY, ...more].flatMap((set) => ["--set", set]);

function checkShape(result: RunResult, cells: number): void {
  expect(result).toMatchObject({ schema_version: SCHEMA_VERSION, kind: "aoe bench run", seed: 1 });
  expect(result.provenance.bun).toStartWith(Bun.version);
  expect(result.provenance.kernel).not.toBe("");
  expect(result.cells.length).toBe(cells);
  const orders = result.cells.flatMap((cell) => cell.trials.map((trial) => trial.order));
  expect(orders.toSorted((a, b) => a - b)).toEqual(Array.from({ length: cells }, (_, at) => at));
  for (const cell of result.cells) {
    expect(cell.trials.map((trial) => trial.failure)).toEqual([null]);
    expect(cell.median).toMatchObject({ failures: 0, mismatches: 0, littles_law_holds: true });
    expect(cell.median?.iops).toBeGreaterThan(0);
    const fio = cell.trials[0]?.loads[0]?.fio as {
      jobs?: Record<string, Record<string, unknown>>[];
    } | null;
    const job = fio?.jobs?.[0];
    expect(job?.["aoe"]?.["pool"]).toMatchObject({ strategy: cell.values.pool });
    expect(job?.["read"]?.["total_ios"]).toBeGreaterThan(0);
    if (cell.values.reclaim === "eager") expect(cell.median?.pool_length_peak).toBe(0);
  }
  expect(result.findings.length).toBeGreaterThan(0);
}

const lab = probeLab();
describe.skipIf(!lab.available)(
  `over raw sockets${lab.available ? "" : ` (skipped: ${lab.reason})`}`,
  () => {
    test(
      "the demo's job, tiny",
      async () => {
        const { code, stdout, stderr } = await aoe(["bench", "run", DEMO, "--json", ...sets()]);
        expect(stderr).toContain("IOPS");
        expect(code).toBe(0);
        const result = JSON.parse(stdout) as RunResult;
        expect(result.link).toBe("packet");
        expect(result.fallback).toBeNull();
        checkShape(result, 8);
      },
      60 * SECONDS,
    );

    test(
      "`bench load` against a target: reads, verified writes, and what it says when nobody answers",
      async () => {
        const folder = mkdtempSync(join(tmpdir(), "aoe-load-"));
        try {
          await Bun.write(join(folder, "image"), new Uint8Array(1 << 20));
          const bench = `'${process.execPath}' '${AOE}' bench load`;
          const script = `
          '${process.execPath}' '${AOE}' target 7 3 b0 image 2>target.err & target=$!
          ${bench} e7.3 --interface a0 --runtime 100ms --ramp-time 20ms --ndjson --hgrm l.hgrm --hlog l.hlog >read; echo "read $?"
          ${bench} e7.3 --interface a0 --runtime 100ms --ramp-time 0s --rw randrw --verify crc32c --reclaim coalesce:64/1ms --json >write 2>write.err; echo "write $?"
          ${bench} e7.4 --interface a0 --wait 200ms 2>absent.err; echo "absent $?"
          ${bench} e7.3 --interface a0 --bs 2m 2>large.err; echo "large $?"
          long="--runtime 20s --ramp-time 0s --rw randrw"
          ${bench} e7.3 --interface a0 $long --json >cut 2>cut.err & load=$!
          for i in $(seq 1500); do grep -q Writing cut.err && break; sleep 0.1; done
          sleep 0.7; kill -TERM $load; wait $load; echo "stopped $?"
          kill -TERM $target; wait $target`;
          const ran = await runInLab(["sh", "-c", script], { cwd: folder });
          const file = (name: string): string => readFileSync(join(folder, name), "utf8");
          expect(ran.stdout.trim().split("\n")).toEqual([
            "read 0",
            "write 0",
            "absent 6",
            "large 2",
            "stopped 143",
          ]);
          const events = file("read")
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line).event);
          expect([events[0], events.at(-1)]).toEqual(["start", "end"]);
          expect(file("l.hgrm")).toContain("#[Mean");
          expect(file("l.hlog")).toContain("#[Histogram log format version");
          const { verify } = JSON.parse(file("write")).jobs[0].aoe;
          expect(verify).toMatchObject({ mismatches: 0 });
          expect(verify.sectors_verified).toBeGreaterThan(0);
          expect(file("write.err")).toContain("Writing to e7.3 (1 MiB)");
          expect(file("absent.err")).toContain("e7.4 did not answer within 200 ms");
          expect(file("large.err")).toContain("--bs");
          const cut = JSON.parse(file("cut")).jobs[0];
          expect(cut.aoe.interrupted).toBe(true);
          expect(cut.aoe.figures.runtime_ns).toBeLessThan(5e9);
        } finally {
          rmSync(folder, { recursive: true });
        }
      },
      60 * SECONDS,
    );
  },
);

describe("over the memory link", () => {
  test(
    "the demo's job, tiny, marked as what it is",
    async () => {
      const words = ["bench", "run", DEMO, "--ndjson", ...sets("link=memory")];
      const { code, stdout, stderr } = await aoe(words);
      expect(code).toBe(0);
      const events = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      // A busy machine adds a warning.
      const kinds = events.map(({ event }) => event).filter((event) => event !== "warning");
      expect(kinds).toEqual(["start", ...Array(8).fill("trial"), "end"]);
      const result = events.at(-1)?.result as RunResult;
      expect(result.link).toBe("memory");
      checkShape(result, 8);
      expect(stderr).toContain("MEMORY LINK");
    },
    60 * SECONDS,
  );

  const unshare = Bun.which("unshare");
  const nested =
    unshare !== null &&
    Bun.spawnSync([unshare, "-U", "-r", "sh", "-c", "echo 1 >/proc/sys/user/max_user_namespaces"])
      .exitCode === 0;
  test.skipIf(!nested)(
    "where namespaces are forbidden, one sentence says so (needs a user namespace to forbid them in)",
    async () => {
      const words = ["bench", "run", DEMO, ...sets("service=", "reclaim=eager")];
      const quoted = [process.execPath, AOE, ...words].map((word) => `'${word}'`).join(" ");
      const script = `echo 1 >/proc/sys/user/max_user_namespaces; exec unshare -U ${quoted}`;
      const { code, stdout, stderr } = await runChild([
        unshare ?? "",
        "-U",
        "-r",
        "sh",
        "-c",
        script,
      ]);
      expect(code).toBe(0);
      expect(
        stderr.split("\n").filter((line) => line.includes("The memory link is used instead"))
          .length,
      ).toBe(1);
      expect(stdout).toContain("MEMORY LINK");
    },
    60 * SECONDS,
  );
});

describe("thresholds", () => {
  // Under the virtual clock `fixed` waits for its kick all the measured time, so nothing ends in it.
  const stalled = [
    "link=virtual",
    "pool=fixed",
    "service=",
    "reclaim=coalesce:64/10ms",
    "runtime=1ms",
  ];
  const moving = ["link=virtual", "pool=completion", "service=", "reclaim=eager", "runtime=1ms"];
  test.each([
    [stalled, "lat.p99<2ms", 1, "threshold lat.p99<2ms: MISSED, no data"],
    [moving, "lat.p99<1us", 3, "threshold lat.p99<1us: MISSED, 20 µs"],
    [moving, "lat.p99<2ms", 0, "threshold lat.p99<2ms: kept, 20 µs"],
    [moving, "disturbed<=0%", 0, "threshold disturbed<=0%: kept, 0 %"],
  ])("%j %s: exit code %d", async (job, threshold, code, sentence) => {
    const words = [...job, `thresholds=${threshold}`, "warm_up=1ms", "ramp_time=1ms", "kick=20ms"];
    const run = await aoe(["bench", "run", DEMO, ...words.flatMap((set) => ["--set", set])]);
    expect(run.stdout).toContain(sentence);
    expect(run.code).toBe(code);
  });
});

describe("bad input is one sentence and exit code 2", () => {
  test.each([
    [
      ["bench", "run", DEMO, "--set", "iodepth=x"],
      "--set: Expected `iodepth` to be an integer between 1 and 65536, got `x`",
    ],
    [
      ["bench", "load", "e7.3", "--interface", "lo", "--rw", "sideways"],
      "Expected `--rw` to be one of read, write",
    ],
    [
      ["bench", "load", "e7.3", "--interface", "lo", "--json", "--ndjson"],
      "Expected one of `--json` and `--ndjson`, got both",
    ],
    [["bench", "load", "e7.3"], "Expected `--interface` to be given"],
  ])("%j", async (words, sentence) => {
    const { code, stdout, stderr } = await aoe(words);
    expect(stderr).toContain(sentence);
    expect(stderr.trim().split("\n").length).toBe(1);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  test("--show prints the job as resolved and runs nothing", async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith("aoe-bench-"));
    const { code, stdout } = await aoe(["bench", "run", DEMO, "--show", "--set", "bs=512"]);
    expect(code).toBe(0);
    expect(stdout).toContain('bs = "512" # set');
    expect(stdout).toContain("[pools] # 24 cells");
    const after = readdirSync(tmpdir()).filter((name) => name.startsWith("aoe-bench-"));
    expect(after.filter((name) => !before.includes(name)).length).toBeLessThanOrEqual(1);
  });
});
