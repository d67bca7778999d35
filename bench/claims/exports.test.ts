// The scaling benchmark at a size for every day: it runs, finds every export, and its figures are figures.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { probeLab } from "../../lab/lab.ts";
import { LIMITS, missed } from "./exports.ts";

const probe = probeLab({ pairs: 2, mtu: 1500 });
const why = probe.available ? "" : ` (skipped: ${probe.reason})`;

test.skipIf(why !== "")(
  `600 exports in one process: started, discovered, read${why}`,
  async () => {
    const child = Bun.spawn(
      [
        ...[process.execPath, join(import.meta.dir, "exports.ts")],
        ...["--exports", "600", "--rounds", "2", "--json"],
      ],
      { stdout: "pipe", stderr: "pipe" },
    );
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    if (out === "") throw new Error(err);
    const figures = JSON.parse(out);
    expect(figures).toMatchObject({ exports: 600, discovered: 600 });
    expect(figures.start_ns).toBeWithin(1e6, LIMITS.start_ns * 5);
    for (const key of [
      "read_p50_ns",
      "alone_p50_ns",
      "read_deep_ns",
      "read_one_deep_ns",
      "part_deep_ns",
      "alone_deep_ns",
    ]) {
      expect(figures[key]).toBeWithin(1e3, 10e6);
    }
    expect(figures.kernel_ns).toBeWithin(100, 1e6);
    expect(figures.kernel_alone_ns).toBeWithin(100, 1e6);
    expect(figures.read_ratio).toBeWithin(0.2, 5);
  },
  60_000,
);

test("a figure that misses what is promised is named", () => {
  const good = {
    exports: 10_000,
    first_start_ns: 1e9,
    start_ns: 1e9,
    discovered: 10_000,
    discovery_ns: 1e9,
    idle_export_bytes: 4000,
    first_read_p50_ns: 1,
    read_p50_ns: 1,
    alone_p50_ns: 1,
    read_ratio: 1.1,
    read_one_deep_ns: 1,
    part_deep_ns: 1,
    read_one_deep_ratio: 1.05,
    read_deep_ns: 1,
    alone_deep_ns: 1,
    read_deep_ratio: 1.4,
    kernel_ns: null,
    kernel_alone_ns: null,
  };
  expect(missed(good)).toEqual([]);
  expect(
    missed({
      ...good,
      start_ns: 3e9,
      discovered: 9999,
      idle_export_bytes: Number.NaN,
      read_ratio: 1.2,
      read_one_deep_ratio: 1.3,
    }),
  ).toHaveLength(5);
});
