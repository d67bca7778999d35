// A fixed number of cases of each surface, the corpus, and the loop itself: that a planted fault is
// found, named by its seed and shrunk.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "bun:test";

import { Duplicates } from "../../target/protocol/duplicates.ts";
import { environment } from "../../words/failure.ts";
import { createRandom } from "../../words/random.ts";
import { fuzzCommand } from "./command.ts";
import { fuzz, inputOf, OUTSIDE, SURFACES } from "./fuzz.ts";
import type { Surface } from "./surface.ts";
import { targetSurface } from "./target_surface.ts";
import { READERS, textSurface } from "./text_surface.ts";

/** Cases of each surface: a second or so of each. */
const CASES: Readonly<Record<string, number>> = {
  target: 80,
  service: 60,
  initiator: 60,
  nbd: 120,
  control: 150,
  captures: 1500,
  texts: 15_000,
};
const seed = Number(process.env["FUZZ_SEED"] ?? 20_261_123);

describe(`fuzzing (FUZZ_SEED=${seed})`, () => {
  for (const surface of SURFACES) {
    test(`${surface.name}: ${CASES[surface.name]} cases`, async () => {
      const most = CASES[surface.name] ?? 100;
      const { tallies, findings } = await fuzz([surface], seed, (_, cases) => cases >= most);
      expect(findings).toEqual([]);
      const [tally] = tallies;
      expect(tally?.cases).toBe(most);
      // The grammar reaches what it is meant to reach: no outcome has it all, nor nearly none.
      const counts = Object.values(tally?.outcomes ?? {}).sort((a, b) => b - a);
      expect(counts.length).toBeGreaterThan(1);
      console.log(`${surface.name}: seed ${seed}, ${JSON.stringify(tally?.outcomes)}`);
    }, 60_000);
  }
});

const CORPUS = join(import.meta.dir, "../../fixtures/corpus");

describe("the corpus", () => {
  for (const surface of SURFACES) {
    const files = readdirSync(join(CORPUS, surface.name)).sort();
    test(`${surface.name}: ${files.length} inputs`, () => {
      expect(files.length).toBeGreaterThan(0);
      for (const file of files) {
        const input = readFileSync(join(CORPUS, surface.name, file), "utf8");
        expect(() => surface.run(input), file).not.toThrow();
      }
    });
  }
});

test("every reader takes its own good texts", () => {
  for (const [name, reader] of Object.entries(READERS)) {
    const taken = reader.texts.filter((text) => textSurface.run(`${name}\n${text}`) === "read");
    expect([name, taken.length]).toEqual([name, name === "integer" ? 3 : reader.texts.length]);
  }
});

test("docs/fuzzing.md names every surface and every option", async () => {
  const text = await Bun.file(join(import.meta.dir, "../../docs/fuzzing.md")).text();
  for (const { name } of [...SURFACES, ...OUTSIDE])
    expect(text).toMatch(new RegExp(`\\| \`${name}\` +\\|`));
  for (const { long } of fuzzCommand().options) expect(text).toContain(`\`${long}`);
});

describe("the grammar reaches the last place and the last instant", () => {
  const cases = 700;

  test("P28's window: one that is over a nanosecond early is found", async () => {
    const { find } = Duplicates.prototype;
    Duplicates.prototype.find = function (frame, base, length, source, tag, now) {
      return find.call(this, frame, base, length, source, tag, now + 1);
    };
    try {
      const { findings } = await fuzz([targetSurface], 20_261_123, (_, run) => run >= cases);
      expect(findings.length).toBeGreaterThan(0);
    } finally {
      Duplicates.prototype.find = find;
    }
    expect((await fuzz([targetSurface], 20_261_123, (_, run) => run >= cases)).findings).toEqual(
      [],
    );
  }, 60_000);

  test("P17: mask lists that are full, and those with one place left, by each MTU", () => {
    const full = new Map<string, Set<number>>();
    for (let at = 0; at < cases; at++) {
      const [mtu = "", ...lines] = inputOf(targetSurface, 20_261_123, at).split("\n");
      for (const line of lines) {
        const bytes = Buffer.from(line.slice("send ".length), "hex");
        if (!line.startsWith("send ") || bytes.length < 28 || bytes[19] !== 2) continue;
        const counts = full.get(mtu) ?? new Set<number>();
        full.set(mtu, counts.add(bytes[27] as number));
      }
    }
    for (const [mtu, most] of [
      ["mtu 600", 73],
      ["mtu 1500", 185],
      ["mtu 9000", 255],
    ] as const) {
      expect([mtu, full.get(mtu)?.has(most), full.get(mtu)?.has(most - 1)]).toEqual([
        mtu,
        true,
        true,
      ]);
    }
  });
});

describe("the loop", () => {
  /** Breaks on every input that has `x` and `y` in it. */
  const brittle: Surface = {
    name: "brittle",
    about: "",
    make: (random) =>
      Array.from({ length: 200 }, () => String.fromCharCode(97 + random.below(26))).join(""),
    run(input) {
      if (input.includes("x") && input.includes("y")) throw new Error(`broke at ${input.length}`);
      return "fine";
    },
  };

  test("what the machine can't do ends the run, and is no finding", async () => {
    const barred: Surface = {
      ...brittle,
      run() {
        throw environment("Can't use the TAP interface: Permission denied (EACCES)");
      },
    };
    const run = fuzz([barred], 5, (_, cases) => cases >= 50);
    await expect(run).rejects.toThrow("Permission denied");
  });

  test("finds a planted fault, shrinks it and names its seed", async () => {
    const { findings } = await fuzz([brittle], 5, (_, cases) => cases >= 50);
    expect(findings).toHaveLength(1);
    const [finding] = findings;
    expect([...(finding?.input ?? "")].sort().join("")).toBe("xy");
    const input = inputOf(brittle, finding?.seed ?? 0, finding?.case ?? 0);
    expect(() => brittle.run(input)).toThrow();
  });

  test("makes the same inputs from the same seed, others from others", () => {
    for (const surface of SURFACES) {
      expect(inputOf(surface, 1, 2)).toBe(inputOf(surface, 1, 2));
      expect(inputOf(surface, 1, 2)).not.toBe(inputOf(surface, 2, 2));
      expect(surface.make(createRandom(3))).not.toBe(surface.make(createRandom(4)));
    }
  });
});
