// Every service model over raw sockets, at a size for every day: what each does to reads, as far as a busy
// machine lets it be told.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { probeLab } from "../../lab/lab.ts";
import { MODELS } from "./service.ts";

const probe = probeLab({ mtu: 1500 });
const why = probe.available ? "" : ` (skipped: ${probe.reason})`;

test.skipIf(why !== "")(
  `each service model does what it says to reads over raw sockets${why}`,
  async () => {
    const reads = 40;
    const child = Bun.spawn(
      [
        ...[process.execPath, join(import.meta.dir, "service.ts")],
        ...["--reads", String(reads), "--json"],
      ],
      { stdout: "pipe", stderr: "pipe" },
    );
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    if (out === "") throw new Error(err);
    const { models, late_50us_ns, lanes } = JSON.parse(out);
    expect(models).toHaveLength(MODELS.length);
    for (const [index, { text, least, answered }] of MODELS.entries()) {
      const row = models[index];
      expect(row.service).toBe(text);
      // Never before its time; by how much later is the machine's affair as well.
      expect([text, row.least_ns >= least]).toEqual([text, true]);
      if (answered === 1) expect([text, row.answered]).toEqual([text, reads]);
      else expect([text, row.answered < reads && row.answered > reads / 2]).toEqual([text, true]);
      if (text.startsWith("error")) expect(row.ata_errors).toBeWithin(reads / 5, reads);
      if (text.startsWith("duplicate")) expect(row.copies).toBeWithin(reads / 5, reads);
    }
    expect(late_50us_ns).toBeGreaterThan(0);
    // So few commands say no more than that every lane was at work: the ratio is for long runs.
    expect(lanes.map(({ lanes: count }: { lanes: number }) => count)).toEqual([1, 4, 16]);
    for (const { per_second } of lanes) expect(per_second).toBeGreaterThan(100);
  },
  60_000,
);
