// Every scenario at smoke size, through the command itself, and what judges them: that growth, a leaked
// descriptor and counters that are apart are seen.

import { closeSync, openSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "bun:test";

import { EXIT } from "../../words/failure.ts";
import { probeLab } from "../../lab/lab.ts";
import { soakCommand } from "./command.ts";
import { apart, FAULT_PLANS, inTheory } from "./fault_check.ts";
import { SizeTrack, sizeOf } from "./process_size.ts";
import { SCENARIOS, type SoakOutcome } from "./scenarios.ts";

const AOE = join(import.meta.dir, "../../aoe.ts");
const SECONDS = "0.3";

const lab = probeLab({ mtu: 1500 });
describe("over raw sockets, at smoke size", () => {
  if (!lab.available) {
    test.skip(`soak: ${lab.reason}`, () => {});
    return;
  }
  for (const { name, about } of SCENARIOS) {
    // Only `faults` compares with theory, which knows no busy machine: it runs alone.
    const run = name === "faults" ? test : test.concurrent;
    run(
      `${name}: ${about}`,
      async () => {
        const child = Bun.spawn(
          [process.execPath, AOE, "bench", "soak", name, "--seconds", SECONDS, "--json"],
          { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
        );
        const [stdout, stderr] = await Promise.all([
          new Response(child.stdout).text(),
          new Response(child.stderr).text(),
        ]);
        const code = await child.exited;
        if (/Operation not supported|Unknown device type/.test(stderr)) {
          // This kernel has no macvlan.
          console.log(`${name}: not tried: ${stderr.trim()}`);
          return;
        }
        expect(stderr).toBe("");
        const { outcomes } = JSON.parse(stdout) as { outcomes: SoakOutcome[] };
        expect(outcomes.map(({ broken }) => broken)).toEqual([[]]);
        expect(code).toBe(EXIT.done);
        console.log(`${name}: ${JSON.stringify(outcomes[0]?.figures)}`);
      },
      60_000,
    );
  }
});

describe("what judges", () => {
  test("a size that grows and a descriptor that stays open are seen", () => {
    const track = new SizeTrack();
    for (let round = 0; round < 30; round++) {
      const residentBytes = (round < 20 ? 60 : 60 + round) * 1e6;
      track.sample({ residentBytes, descriptors: round < 25 ? 13 : 14 });
    }
    expect([track.peak(1 / 3, 2 / 3), track.peak(2 / 3, 1)]).toEqual([60e6, 89e6]);
    expect(track.descriptors).toEqual([13, 14]);
  });

  test("a process's size is what the kernel says", () => {
    const { residentBytes, descriptors } = sizeOf("self");
    expect(residentBytes).toBeWithin(10e6, 10e9);
    const opened = openSync("/dev/null", "r");
    expect(sizeOf(process.pid).descriptors).toBe(descriptors + 1);
    closeSync(opened);
    // Above the largest that the kernel gives out.
    expect(sizeOf(2 ** 30)).toEqual({ residentBytes: 0, descriptors: 0 });
  });

  test("counters of other random numbers differ, of the same do not", () => {
    for (const [plan] of FAULT_PLANS.filter(([each]) => /drop|duplicate/.test(each))) {
      const theory = inTheory(plan, 200);
      expect([plan, apart(theory, inTheory(plan, 200))]).toEqual([plan, []]);
      const more = inTheory(plan.replace(/\d+%/, "40%"), 200);
      expect([plan, apart(theory, more).length > 0]).toEqual([plan, true]);
    }
  });

  test("docs/soak.md names every scenario and every option", async () => {
    const text = await Bun.file(join(import.meta.dir, "../../docs/soak.md")).text();
    for (const { name } of SCENARIOS) expect(text).toMatch(new RegExp(`\\| \`${name}\` +\\|`));
    for (const { long, hidden } of soakCommand().options) {
      if (!hidden) expect(text).toContain(`\`${long}`);
    }
  });
});
