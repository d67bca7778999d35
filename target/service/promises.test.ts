// Each service model's distribution of times under the virtual clock against what the model promises, worked out
// here by other means: queueing theory, integrals, plain counting. Mean, p50 and p99.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Failure } from "../../words/failure.ts";
import { MS, S, US } from "../../words/quantity.ts";
import { createRandom } from "../../words/random.ts";
import {
  createProbe,
  pattern,
  type Probe,
  readFrame,
  SECTORS,
  writeFrame,
} from "../../testing/doubles/probe.ts";
import { parseServiceModel } from "./model.ts";
import {
  type Arrival,
  serveArrivals,
  type Summary,
  summarize,
} from "../../testing/doubles/open_loop.ts";
import { loadProfile, profileNames } from "./profile.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-promises-"));
afterAll(() => rmSync(directory, { recursive: true }));

const BUFFERS = 4096;

function probeOf(service: string, seed = 1): Probe {
  return createProbe({ service, seed, exported: { bufferCount: BUFFERS } });
}

const random = createRandom(7);

/** Arrivals of a Poisson process, reads of one random sector each. */
function poisson(count: number, meanGap: number): Arrival[] {
  let at = 0;
  return Array.from({ length: count }, (_, tag) => {
    at += Math.round(-meanGap * Math.log(1 - random.float()));
    return { at, frame: readFrame(random.below(SECTORS), 1, { tag }) };
  });
}

/** So far apart that each is alone, at no fixed phase. */
function alone(count: number, gap: number): Arrival[] {
  return Array.from({ length: count }, (_, tag) => ({
    at: tag * gap + random.below(gap / 4),
    frame: readFrame(random.below(SECTORS), 1, { tag }),
  }));
}

function expectNear(got: Summary, promised: Summary, tolerance: number): void {
  for (const key of ["mean", "p50", "p99"] as const) {
    if (promised[key] === 0) expect([key, got[key]]).toEqual([key, 0]);
    else expect(got[key] / promised[key]).toBeWithin(1 - tolerance, 1 + tolerance);
  }
}

/** Quantiles of seek + rotation + transfer for random places, by adding up the plane of both. */
function seekPromise(rpm: number, least: number, most: number): Summary {
  const turn = (60 * S) / rpm;
  const transfer = turn / 1024;
  const cells = 400;
  const times: [number, number][] = [];
  let total = 0;
  let mean = 0;
  for (let i = 0; i < cells; i++) {
    const distance = (i + 0.5) / cells;
    // Two random places lie this far apart with density 2 (1 − d).
    const weight = 2 * (1 - distance);
    const seek = least + (most - least) * Math.sqrt(distance);
    for (let j = 0; j < cells; j++) {
      const time = seek + ((j + 0.5) / cells) * turn + transfer;
      times.push([time, weight]);
      total += weight;
      mean += time * weight;
    }
  }
  times.sort((a, b) => a[0] - b[0]);
  const at = (p: number): number => {
    let sum = 0;
    for (const [time, weight] of times) {
      sum += weight;
      if (sum >= p * total) return time;
    }
    throw new Error("p is below 1");
  };
  return { mean: mean / total, p50: at(0.5), p99: at(0.99) };
}

describe("what is promised is what is served", () => {
  test("delay:trace plays the file, in order, again from the top", () => {
    const trace = join(directory, "trace");
    const durations = [10, 20, 30, 40, 1000];
    writeFileSync(trace, durations.map((us) => `${us}us`).join("\n"));
    const model = parseServiceModel(`delay:trace/${trace}`, {
      what: "--service",
      random: createRandom(1),
      sectors: SECTORS,
      loadTrace: (path) => readFileSync(path, "utf8"),
    });
    const probe = createProbe({ exported: { model, bufferCount: BUFFERS } });
    const got = summarize(serveArrivals(probe, alone(5000, 2 * MS)));
    expectNear(got, { mean: 220 * US, p50: 30 * US, p99: 1000 * US }, 1e-9);
  });

  test("lanes:1 with an exponential delay at half load is M/M/1", () => {
    // Time in the system is exponential with mean 1 / (μ − λ).
    const mean = 200 * US;
    const got = summarize(
      serveArrivals(probeOf("lanes:1,delay:exponential/100us"), poisson(20_000, 200 * US)),
    );
    expectNear(got, { mean, p50: mean * Math.log(2), p99: mean * Math.log(100) }, 0.1);
  });

  test("lanes:4 with an exponential delay waits as Erlang's C formula says", () => {
    const [lanes, offered, service] = [4, 3, 100 * US];
    let sum = 0;
    let term = 1;
    for (let k = 0; k < lanes; k++) {
      sum += term;
      term *= offered / (k + 1);
    }
    const busy = (term * lanes) / (lanes - offered);
    const waits = busy / (sum + busy);
    const mean = service + (waits * service) / (lanes - offered);
    const got = summarize(
      serveArrivals(probeOf("lanes:4,delay:exponential/100us"), poisson(20_000, service / offered)),
    );
    expect(got.mean / mean).toBeWithin(0.93, 1.07);
  });

  test.each([1, 2, 4, 8, 16])(
    "lanes:%d under load serves L / D within two in a hundred",
    (lanes) => {
      const delay = 50 * US;
      const count = 4000;
      const arrivals = Array.from({ length: count }, (_, tag) => ({
        at: 0,
        frame: readFrame(tag % 900, 1, { tag }),
      }));
      const times = serveArrivals(probeOf(`lanes:${lanes},delay:normal/50us/5us`), arrivals);
      const perSecond = count / ((times.at(-1) as number) / S);
      expect(perSecond / (lanes / (delay / S))).toBeWithin(0.98, 1.02);
    },
  );

  test("rate:1000iops lets ten at once out over nine milliseconds", () => {
    const arrivals = Array.from({ length: 5000 }, (_, tag) => ({
      at: Math.floor(tag / 10) * 20 * MS,
      frame: readFrame(tag % 900, 1, { tag }),
    }));
    const got = summarize(serveArrivals(probeOf("rate:1000iops"), arrivals));
    expectNear(got, { mean: 4.5 * MS, p50: 5 * MS, p99: 9 * MS }, 1e-9);
  });

  test("rate:1m/1k lets ten KiB at once out one KiB a token", () => {
    const arrivals = Array.from({ length: 2000 }, (_, tag) => ({
      at: Math.floor(tag / 10) * 40 * MS,
      frame: readFrame(tag % 900, 2, { tag }),
    }));
    const token = S / 1024;
    const got = summarize(serveArrivals(probeOf("rate:1m/1k"), arrivals));
    expectNear(got, { mean: 4.5 * token, p50: 5 * token, p99: 9 * token }, 1e-6);
  });

  test.each([
    [7200, 1 * MS, 15 * MS],
    [15_000, 200 * US, 4 * MS],
  ])("seek:%d with random places is a seek and a share of a turn", (rpm, least, most) => {
    const got = summarize(
      serveArrivals(probeOf(`seek:${rpm}/${least / US}us/${most / US}us`), alone(10_000, 50 * MS)),
    );
    expectNear(got, seekPromise(rpm, least, most), 0.02);
  });

  test("stall:10ms/2ms holds a fifth, each for the rest of the pause", () => {
    const arrivals = Array.from({ length: 10_000 }, (_, tag) => ({
      // The first starts the clock of the pauses; the others come at any phase.
      at: tag === 0 ? 0 : tag * 11 * MS + random.below(10 * MS),
      frame: readFrame(0, 1, { tag }),
    }));
    const got = summarize(serveArrivals(probeOf("stall:10ms/2ms"), arrivals));
    // Uniform over 2 ms with probability 1/5: the mean is 1/5 of 1 ms, the p99 leaves 1/20 of the waits.
    expectNear(got, { mean: 0.2 * MS, p50: 0, p99: 1.9 * MS }, 0.03);
  });

  test("reorder:5%/1ms holds a twentieth for 1 ms", () => {
    const got = summarize(serveArrivals(probeOf("reorder:5%/1ms"), alone(10_000, 2 * MS)));
    expectNear(got, { mean: 0.05 * MS, p50: 0, p99: MS }, 0.1);
  });

  test.each([
    ["drop:10%", 0.9],
    ["duplicate:10%", 1.1],
    ["hang:10%", 0.9],
    ["error:unc/10%", 1],
  ])("%s changes how many answers there are and not when", (service, answers) => {
    const count = 10_000;
    const probe = createProbe({
      service,
      target: { bound: 1e5 },
      exported: { bufferCount: 0xffff },
    });
    const times = serveArrivals(probe, alone(count, MS));
    // Within four standard deviations of a count of independent chances.
    const spread = 4 * Math.sqrt(0.1 * 0.9 * count);
    expect(Math.abs(times.length - answers * count)).toBeLessThan(answers === 1 ? 1 : spread);
    expect(times.at(-1)).toBe(0);
    if (service.startsWith("error")) {
      expect(Math.abs(probe.owner.counters.ataErrors - 0.1 * count)).toBeLessThan(spread);
    }
  });
});

describe("profiles", () => {
  test("the six that are promised are there", () => {
    expect(profileNames()).toEqual(["disk", "fast", "flaky", "slow", "ssd", "stalling"]);
  });

  test.each(profileNames())("%s says what it is, and serves what it says", (name) => {
    const profile = loadProfile(name, "--profile");
    expect(profile.source.length).toBeGreaterThan(40);
    const probe = probeOf(profile.service);
    let at = 0;
    const arrivals = Array.from({ length: 10_000 }, (_, tag) => {
      at += name === "stalling" ? 3 * MS + random.below(MS) : 60 * MS;
      return { at, frame: readFrame(random.below(SECTORS), 1, { tag }) };
    });
    const got = summarize(serveArrivals(probe, arrivals));
    expect(got.p50 / profile.p50).toBeWithin(0.95, 1.05);
    expect(got.p99 / profile.p99).toBeWithin(0.85, 1.15);
  });

  test("one of your own by path; a bad one is a sentence", () => {
    const path = join(directory, "mine.toml");
    const keys = 'about = "a"\nsource = "s"\np50 = "1ms"\np99 = "2ms"\n';
    writeFileSync(path, `${keys}service = "delay:1ms"`);
    expect(loadProfile(path, "--profile").service).toBe("delay:1ms");
    const sentences: [string, string][] = [
      ["unknown", "one of disk, fast, flaky, slow, ssd, stalling, or a file"],
      [join(directory, "none.toml"), "Can't read the profile"],
    ];
    writeFileSync(path, keys);
    sentences.push([path, "service"]);
    for (const [text, part] of sentences) {
      try {
        loadProfile(text, "--profile");
        throw new Error("loaded");
      } catch (error) {
        expect(error).toBeInstanceOf(Failure);
        expect((error as Failure).message).toContain(part);
      }
    }
    writeFileSync(path, "= nonsense");
    expect(() => loadProfile(path, "--profile")).toThrow(`${path} line 1: Expected TOML, got`);
  });
});

test("writes are paced as reads are", () => {
  const arrivals = Array.from({ length: 100 }, (_, tag) => ({
    at: 0,
    frame: writeFrame(tag, pattern(1, tag), { tag }),
  }));
  const got = summarize(serveArrivals(probeOf("lanes:1,delay:1ms"), arrivals));
  expectNear(got, { mean: 50.5 * MS, p50: 51 * MS, p99: 100 * MS }, 1e-9);
});
