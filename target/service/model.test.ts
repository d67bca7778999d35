// Each service model under the virtual clock, through a whole target: what a client sees is compared with what
// the model promises.

import { describe, expect, test } from "bun:test";

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { type Frame, isError } from "../../wire/frame.ts";
import { parseDistribution } from "../../words/distribution.ts";
import { Failure } from "../../words/failure.ts";
import { MS, S, US } from "../../words/quantity.ts";
import {
  ataOf,
  createProbe,
  model,
  pattern,
  type Probe,
  readFrame,
  writeFrame,
} from "../../testing/doubles/probe.ts";

/** ns until the one answer. */
function timeOf(probe: Probe, frame: Frame): number {
  const start = probe.clock.now();
  probe.send(frame);
  const deadline = start + 100 * S;
  while (probe.take().length === 0) {
    if (probe.clock.now() >= deadline) throw new Error("no answer in 100 s");
    step(probe);
  }
  return probe.clock.now() - start;
}

/** To the next thing that happens. */
function step(probe: Probe): void {
  probe.iterate();
  const next = Math.min(probe.target.nextDeadline(), probe.clock.now() + S);
  if (next > probe.clock.now()) probe.clock.wait(next);
  probe.iterate();
}

/** Sends `count` reads at once and returns when each answer came, by tag. */
function burst(
  probe: Probe,
  count: number,
  make = (tag: number) => readFrame(tag % 900, 1, { tag }),
) {
  const start = probe.clock.now();
  const times = new Map<number, number>();
  for (let tag = 0; tag < count; tag++) probe.send(make(tag));
  for (let idle = 0; times.size < count && idle < 100;) {
    step(probe);
    const answers = probe.take();
    idle = answers.length === 0 ? idle + 1 : 0;
    for (const answer of answers) times.set(answer.aoe.tag, probe.clock.now() - start);
  }
  return times;
}

function quantile(sorted: readonly number[], p: number): number {
  return sorted[Math.floor(p * sorted.length)] as number;
}

describe("delay", () => {
  test.each([
    "fixed/50us",
    "uniform/10us/90us",
    "normal/50us/5us",
    "lognormal/50us/20us",
    "exponential/50us",
    "pareto/20us/3",
  ])("delay:%s makes the distribution that it promises", (text) => {
    const promised = parseDistribution(text, "test");
    const probe = createProbe({ service: `delay:${text}` });
    const times: number[] = [];
    for (let tag = 0; tag < 4000; tag++) times.push(timeOf(probe, readFrame(0, 1, { tag })));
    times.sort((a, b) => a - b);
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    expect(mean / promised.mean()).toBeWithin(0.95, 1.05);
    expect(quantile(times, 0.5) / promised.quantile(0.5)).toBeWithin(0.94, 1.06);
    expect(quantile(times, 0.99) / promised.quantile(0.99)).toBeWithin(0.85, 1.15);
  });

  test("a write under a delay keeps its payload while the receive ring moves on", () => {
    const probe = createProbe({ service: "delay:uniform/1us/1ms" });
    for (let tag = 0; tag < 60; tag++) probe.send(writeFrame(tag * 2, pattern(2, tag), { tag }));
    expect(probe.run(MS)).toHaveLength(60);
    for (let tag = 0; tag < 60; tag++) {
      const at = tag * 2 * 512;
      expect(probe.store.bytes.slice(at, at + 1024)).toEqual(pattern(2, tag));
    }
  });

  test("the same seed gives the same times, another seed others", () => {
    const times = (seed: number): number[] => {
      const probe = createProbe({ service: "delay:exponential/50us", seed });
      return Array.from({ length: 20 }, (_, tag) => timeOf(probe, readFrame(0, 1, { tag })));
    };
    expect(times(1)).toEqual(times(1));
    expect(times(1)).not.toEqual(times(2));
  });
});

describe("lanes", () => {
  test.each([1, 2, 4, 16])("lanes:%d,delay:1ms serves exactly L / D", (lanes) => {
    const probe = createProbe({ service: `lanes:${lanes},delay:1ms` });
    const times = burst(probe, 64);
    for (let tag = 0; tag < 64; tag++) {
      expect(times.get(tag)).toBe((Math.floor(tag / lanes) + 1) * MS);
    }
  });

  test("in the order given: a delay before the lanes is not limited by them", () => {
    const probe = createProbe({ service: "delay:1ms,lanes:1" });
    expect(new Set(burst(probe, 64).values())).toEqual(new Set([MS]));
  });

  test("a command that fails, or is dropped behind the lanes, gives its lane back", () => {
    const probe = createProbe({ service: "lanes:1,delay:1us,drop:50%" });
    for (let tag = 0; tag < 40; tag++) probe.send(readFrame(100_000, 1, { tag }));
    expect(probe.run(S).length).toBeWithin(8, 32);
    expect(probe.target.inHand).toBe(0);
    probe.owner.model = model("");
    expect(probe.ask(readFrame(0, 1))).toHaveLength(1);
  });
});

describe("rate", () => {
  test("rate:1000iops spaces commands by 1 ms, and a burst goes at once after a pause", () => {
    const probe = createProbe({ service: "rate:1000iops/4" });
    const at = (): number[] => [...burst(probe, 20).values()];
    expect(at()).toEqual(Array.from({ length: 20 }, (_, n) => Math.max(0, n - 3) * MS));
    probe.run(S);
    expect(at()).toEqual(Array.from({ length: 20 }, (_, n) => Math.max(0, n - 3) * MS));
  });

  test("rate:1m counts bytes", () => {
    const probe = createProbe({ service: "rate:1m/1k", exported: { bufferCount: 1024 } });
    const times = burst(probe, 1000, (tag) => readFrame(0, 2, { tag }));
    // 1,000 KiB at 1 MiB a second, less the first KiB of credit.
    const last = Math.max(...times.values());
    expect(last / S).toBeWithin(0.97, 0.98);
  });
});

describe("seek", () => {
  test("sequential reads follow the platter, random ones pay for arm and half a turn", () => {
    const probe = createProbe({ service: "seek:7200/1ms/15ms", exported: {} });
    const turn = (60 * S) / 7200;
    timeOf(probe, readFrame(0, 1));
    let sequential = 0;
    for (let lba = 1; lba < 100; lba++)
      sequential += timeOf(probe, readFrame(lba, 1, { tag: lba }));
    expect(sequential / 99).toBeWithin((turn / 1024) * 0.99, (turn / 1024) * 1.01);
    let far = 0;
    for (let tag = 0; tag < 200; tag++) {
      far += timeOf(probe, readFrame((tag * 617) % 1000, 1, { tag: 1000 + tag }));
    }
    // 617 of 1000 sectors: 1 + 14 · √0.617 = 12 ms at the farthest way round, and half a turn of 8.3 ms.
    expect(far / 200 / MS).toBeWithin(9, 20);
  });

  test("one head: commands of a burst come one after the other", () => {
    const probe = createProbe({ service: "seek:15000/100us/1ms" });
    const times = [...burst(probe, 10, (tag) => readFrame(tag * 97, 1, { tag })).values()];
    for (let n = 1; n < times.length; n++) {
      expect((times[n] as number) - (times[n - 1] as number)).toBeGreaterThan(100 * US);
    }
  });
});

test("stall:10ms/2ms stands still for the last fifth of each period", () => {
  const probe = createProbe({ service: "stall:10ms/2ms" });
  let stalled = 0;
  let longest = 0;
  for (let tag = 0; tag < 1000; tag++) {
    const due = tag * 97 * US;
    if (due > probe.clock.now()) probe.run(due - probe.clock.now());
    const time = timeOf(probe, readFrame(0, 1, { tag }));
    if (time > 0) stalled++;
    longest = Math.max(longest, time);
    expect(time).toBeLessThanOrEqual(2 * MS);
  }
  expect(longest).toBeGreaterThan(1.8 * MS);
  // One per period waits, since the next comes only after it.
  expect(stalled).toBeWithin(9, 11);
});

describe("error", () => {
  test.each([
    ["unc", ata.ERROR_UNC],
    ["idnf", ata.ERROR_IDNF],
    ["abrt", ata.ERROR_ABRT],
  ])(
    "error:%s/50%% is an AoE success with that ATA error, and nothing is written",
    (kind, register) => {
      const probe = createProbe({ service: `error:${kind}/50%` });
      let failed = 0;
      for (let tag = 0; tag < 400; tag++) {
        const answer = probe.answer(writeFrame(tag, pattern(1, tag), { tag }));
        expect(isError(answer)).toBe(false);
        const written = probe.store.bytes.slice(tag * 512, tag * 512 + 512);
        if ((ataOf(answer).command & ata.STATUS_ERR) === 0) {
          expect(written).toEqual(pattern(1, tag));
          continue;
        }
        failed++;
        expect(ataOf(answer)).toMatchObject({ feature: register, lba: tag });
        expect(written.every((byte) => byte === 0)).toBe(true);
      }
      expect(failed).toBeWithin(150, 250);
    },
  );

  const outcome = (probe: Probe, frame: Frame): string => {
    const answer = probe.answer(frame);
    if (isError(answer)) return `aoe ${answer.aoe.error}`;
    const { command, feature, lba } = ataOf(answer);
    return (command & ata.STATUS_ERR) === 0 ? "ok" : `ata ${feature} at ${lba}`;
  };
  const other = (opcode: number, count: number): Frame => {
    const frame = readFrame(0, count);
    return { ...frame, body: { ...ataOf(frame), command: opcode } };
  };
  const identify = other(ata.IDENTIFY, 1);
  const flush = other(ata.FLUSH, 0);
  const power = other(ata.CHECK_POWER, 0);
  const write = writeFrame(100, pattern(1, 1));
  const read = readFrame(100, 1);
  const UNC = `ata ${ata.ERROR_UNC} at 100`;
  const flushed = `ata ${ata.ERROR_UNC} at 0`;

  test.each([
    ["error:unc/100%", [UNC, UNC, flushed, "ok", "ok"]],
    ["error:unc/100%/read", [UNC, "ok", "ok", "ok", "ok"]],
    ["error:unc/100%/write", ["ok", UNC, "ok", "ok", "ok"]],
    ["error:unc/100%/flush", ["ok", "ok", flushed, "ok", "ok"]],
    ["error:unc/100%/all", [UNC, UNC, flushed, flushed, flushed]],
    ["error:3/100%/read", ["aoe 3", "ok", "ok", "ok", "ok"]],
    ["error:unc/100%/100", [UNC, UNC, "ok", "ok", "ok"]],
    ["error:unc/100%/read/101-200", ["ok", "ok", "ok", "ok", "ok"]],
    ["error:unc/100%/read,error:unc/100%/flush", [UNC, "ok", flushed, "ok", "ok"]],
  ])("%s: read, write, flush, IDENTIFY, CHECK POWER", (service, outcomes) => {
    const frames = [read, write, flush, identify, power];
    expect(frames.map((frame) => outcome(createProbe({ service }), frame))).toEqual(outcomes);
  });

  test("a range fails what touches it, and the answer names the first sector touched", () => {
    const probe = createProbe({ service: "error:unc/100%/read/100-103" });
    const at = (lba: number, sectors: number) => outcome(probe, readFrame(lba, sectors));
    const bad = (lba: number) => `ata ${ata.ERROR_UNC} at ${lba}`;
    expect([at(99, 1), at(98, 2), at(104, 1), at(104, 2)]).toEqual(["ok", "ok", "ok", "ok"]);
    expect([at(99, 2), at(100, 1), at(102, 2)]).toEqual([bad(100), bad(100), bad(102)]);
    expect([at(103, 1), at(103, 2)]).toEqual([bad(103), bad(103)]);
    // The same request buffer serves another command afterwards.
    expect(at(2000, 1)).toBe(`ata ${ata.ERROR_IDNF} at 2000`);
  });

  test.each([
    ["error:unc", "error:KIND/P[/COMMAND]"],
    ["error:bad/1%", "error:KIND/P[/COMMAND]"],
    ["error:constructor/1%", "error:KIND/P[/COMMAND]"],
    ["error:unc/1%/constructor", "error:KIND/P[/COMMAND]"],
    ["error:unc/1%/reads", "error:KIND/P[/COMMAND]"],
    ["error:unc/1%/read/write", "error:KIND/P[/COMMAND]"],
    ["error:unc/1%/1-2/read", "error:KIND/P[/COMMAND]"],
    ["error:unc/1%/read/1-2/3", "error:KIND/P[/COMMAND]"],
    ["error:unc/1", "`--service error` to be 100% (always) or 1%"],
    ["error:unc/1%/read/9-8", "an integer >= 9, got `8`"],
    ["error:unc/1%/read/1-2-3", "FIRST-LAST"],
    ["error:unc/1%/read/1x", "an integer"],
    ["error:unc/1%/flush/1-2", "a flush has none"],
  ])("%s is refused", (service, part) => {
    expect(() => model(service)).toThrow(part);
  });

  test("error:3/100% is the AoE error 3", () => {
    const probe = createProbe({ service: "error:3/100%" });
    const answer = probe.answer(readFrame(0, 1));
    expect(isError(answer)).toBe(true);
    expect(answer.aoe.error).toBe(aoe.ERROR_UNAVAILABLE);
  });
});

describe("loss, copies, order", () => {
  test("drop:20% leaves a fifth without an answer, unexecuted", () => {
    const probe = createProbe({ service: "drop:20%" });
    let lost = 0;
    for (let tag = 0; tag < 1000; tag++) {
      if (probe.ask(readFrame(0, 1, { tag })).length === 0) lost++;
    }
    expect(lost).toBeWithin(150, 250);
    expect(probe.owner.counters.modelDropped).toBe(lost);
    expect(probe.target.inHand).toBe(0);
  });

  test("duplicate:20% answers a fifth twice, and runs each once", () => {
    const probe = createProbe({ service: "duplicate:20%" });
    let twice = 0;
    for (let tag = 0; tag < 1000; tag++) {
      const answers = probe.ask(writeFrame(0, pattern(1, tag), { tag }));
      if (answers.length === 2) {
        twice++;
        expect(answers[0]).toEqual(answers[1] as Frame);
      }
    }
    expect(twice).toBeWithin(150, 250);
    expect(probe.owner.counters.writes).toBe(1000);
  });

  test("reorder:20%/1ms lets those behind overtake", () => {
    const probe = createProbe({ service: "reorder:20%/1ms", exported: { bufferCount: 1000 } });
    const times = burst(probe, 1000, (tag) => readFrame(0, 1, { tag }));
    const late = [...times.values()].filter((time) => time === MS).length;
    expect(late).toBeWithin(150, 250);
    expect([...times.values()].filter((time) => time === 0)).toHaveLength(1000 - late);
  });

  test("hang:100% takes and never answers, until it is told to release", () => {
    const probe = createProbe({ service: "hang:100%", exported: { bufferCount: 4 } });
    for (let tag = 0; tag < 6; tag++) probe.send(writeFrame(tag, pattern(1, tag), { tag }));
    expect(probe.run(3600 * S)).toHaveLength(0);
    expect(probe.target.inHand).toBe(4);
    const [hang] = probe.owner.model.stages;
    expect(hang?.release(probe.clock.now())).toBe(4);
    expect(probe.run(0)).toHaveLength(4);
    expect(probe.target.inHand).toBe(0);
  });
});

describe("what a user may write", () => {
  test("a model prints as it was given", () => {
    const text = "lanes:4,delay:normal/50us/5us,rate:1000iops/8,drop:1%";
    expect(model(` ${text.replaceAll(",", " , ")} `).text).toBe(text);
    expect(model("").stages).toHaveLength(0);
  });

  test.each([
    "lanes:0",
    "lanes",
    "lanes:4/2",
    "delay:50",
    "delay:normal/50us",
    "slow:1ms",
    "drop:2",
    "rate:fast",
    "rate:0iops",
    "seek:7200/1ms",
    "seek:7200/2ms/1ms",
    "stall:1ms/2ms",
    "error:oops/1%",
    "error:unc",
    "reorder:1%",
    "hang:-1",
    "delay:trace/nowhere",
  ])("`%s` is refused with a sentence that names the option and what was found", (text) => {
    let sentence = "";
    try {
      model(text);
    } catch (error) {
      expect(error).toBeInstanceOf(Failure);
      expect((error as Failure).exitCode).toBe(2);
      sentence = (error as Failure).message;
    }
    expect(sentence).toContain("--service");
    expect(sentence).toMatch(/got `|no service model|no trace/);
  });
});
