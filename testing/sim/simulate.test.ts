// Seeds, each a world of its own; and that a seed is the same run for ever.

import { expect, test } from "bun:test";
import { join } from "node:path";

import type { Store } from "../../target/stores/store.ts";
import { generate } from "./generate.ts";
import { minimize } from "./minimize.ts";
import { parseScenario } from "./scenario.ts";
import { summary } from "./sim_action.ts";
import { simulate, type Verdict } from "./simulate.ts";

const FIRST = 0;
const SEEDS = 500;
const AOE = join(import.meta.dir, "../../aoe.ts");

test(`seeds ${FIRST} to ${FIRST + SEEDS - 1} pass, and what the rules are about does happen in them`, () => {
  const total = new Map<string, number>();
  const failed: string[] = [];
  const begun = performance.now();
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const { failure, figures } = simulate(generate(seed));
    if (failure !== null) failed.push(`seed ${seed}: ${failure.checker}: ${failure.message}`);
    for (const [key, value] of Object.entries(figures) as [string, number][]) {
      total.set(key, (total.get(key) ?? 0) + value);
    }
  }
  const took = (performance.now() - begun) * 1e6;
  console.log(
    `seeds ${FIRST} to ${FIRST + SEEDS - 1}: ${summary(SEEDS, failed.length, total, took)}`,
  );
  expect(failed).toEqual([]);
  // A simulator in which nothing goes wrong tries nothing.
  for (const [key, value] of total) {
    // Nobody takes a caller's memory or a disk away, and no stale write may land.
    const never = ["stale_writes", "memory_lost", "other_disk"];
    if (never.includes(key)) expect([key, value]).toEqual([key, 0]);
    else expect([key, value > 0]).toEqual([key, true]);
  }
}, 60_000);

/** Of many kinds, by the first seeds. */
const AGAIN = [1, 2, 3, 5, 8, 13, 21, 34];

test("a seed gives the same trace on two runs, and another one another", () => {
  const hashes = AGAIN.map((seed) => simulate(generate(seed)).hash);
  expect(AGAIN.map((seed) => simulate(generate(seed)).hash)).toEqual(hashes);
  expect(new Set(hashes).size).toBe(AGAIN.length);
  for (const hash of hashes) expect(hash).toMatch(/^[0-9a-f]{16}$/);
}, 60_000);

test("in another process, and with --smol, too", async () => {
  const wanted = AGAIN.slice(0, 4).map((seed) => simulate(generate(seed)).hash);
  const got: string[][] = [];
  for (const mode of [[], ["--smol"]]) {
    const hashes: string[] = [];
    for (const seed of AGAIN.slice(0, 4)) {
      const run = Bun.spawn(
        [process.execPath, ...mode, AOE, "bench", "sim", "--seed", `${seed}`, "--json"],
        { stdout: "pipe", stderr: "pipe" },
      );
      const verdict = JSON.parse(await run.stdout.text()) as Verdict & { seed: number };
      expect([await run.exited, verdict.seed, verdict.failure]).toEqual([0, seed, null]);
      hashes.push(verdict.hash);
    }
    got.push(hashes);
  }
  expect(got).toEqual([wanted, wanted]);
}, 60_000);

test("a scenario is plain JSON: what is printed and read again is the same run", () => {
  for (const seed of AGAIN) {
    const scenario = generate(seed);
    const again = parseScenario(JSON.stringify(scenario), "scenario");
    expect(again).toEqual(scenario);
    expect(simulate(again).hash).toBe(simulate(scenario).hash);
  }
}, 60_000);

test("a scenario that is none is refused with what is wrong with it", () => {
  const scenario = generate(1);
  const broken = JSON.stringify({ ...scenario, mtu: 100 });
  expect(() => parseScenario(broken, "FILE")).toThrow(/^FILE is not a scenario: mtu: /);
  expect(() => parseScenario("{", "FILE")).toThrow("FILE is not JSON");
});

/** A target whose flush does nothing. */
const LOST_FLUSH = {
  store: (store: Store) => Object.assign(Object.create(store) as Store, { flush: () => 0 }),
};

test("a failure is made smaller and stays the same failure", async () => {
  for (let seed = 0; ; seed++) {
    const scenario = generate(seed);
    const { failure } = simulate(scenario, LOST_FLUSH);
    if (failure === null) continue;
    expect(failure.checker).toBe("history");
    const small = await minimize(
      scenario,
      (smaller) => simulate(smaller, LOST_FLUSH).failure?.checker === "history",
      1000,
    );
    expect(simulate(small, LOST_FLUSH).failure?.checker).toBe("history");
    expect(simulate(small).failure).toBeNull();
    expect(size(small)).toBeLessThan(size(scenario) / 2);
    // It takes a crash to lose what was flushed, or a takeover, which is one.
    expect(small.events.some(({ kind }) => kind === "crash" || kind === "takeover")).toBe(true);
    return;
  }
}, 60_000);

/** Commands, over all initiators and targets. */
function size({ initiators, targets }: ReturnType<typeof generate>): number {
  return initiators.reduce((sum, { commands }) => sum + commands, 0) * targets.length;
}
