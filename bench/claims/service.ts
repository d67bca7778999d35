// Service models over raw sockets: how late a delay is, whether lanes saturate where they should, and what
// each model does to reads one at a time.
//
//   bun bench/claims/service.ts [--reads 2000] [--json]
//
// It makes a lab of its own. Lateness is the median of whole round trips under `delay:D` less D: the wire
// and both ends' system calls are in it. The asking end spins, so that its own waking up is not. Lanes are
// kept full by as many outstanding as the target takes, and their rate is the median of stretches. Exit code 3
// where a delay of 50 us is later than 20 us, or lanes are off by more than 2 %.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { now } from "../../sys/clock.ts";
import { EXIT, Failure } from "../../words/failure.ts";
import { MS, S, US, parseInteger } from "../../words/quantity.ts";
import { DEFAULT_BUFFER_COUNT } from "../../target/protocol/export.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import type { Mac } from "../../wire/mac.ts";
import { Asker, awaitExport } from "../machine/asker.ts";
import { labCommandLine, labEnv, requireLab } from "../../lab/lab.ts";
import { makeScratch } from "../machine/scratch.ts";
import { quantile, sorted } from "../../statistics/quantile.ts";
import { printableJson } from "../../words/printable.ts";

const AOE = join(import.meta.dir, "../../aoe.ts");
const SHAPE = { mtu: 1500 } as const;
/** How long an answer is waited for that a model may have swallowed, ns. */
const PATIENCE = 60 * MS;
const LANES = [1, 4, 16];
const STRETCHES = 21;
/** So that sixteen lanes ask for half of what a target without a model serves on two CPUs. */
const LANE_DELAY = 500 * US;

/** Every stage of the list, with what becomes of a read: the least time that it takes, and the share answered. */
export const MODELS: readonly { text: string; least: number; answered: number }[] = [
  { text: "", least: 0, answered: 1 },
  { text: "delay:50us", least: 50 * US, answered: 1 },
  { text: "delay:1ms", least: MS, answered: 1 },
  { text: "delay:uniform/50us/150us", least: 50 * US, answered: 1 },
  { text: "delay:normal/200us/20us", least: 100 * US, answered: 1 },
  { text: "delay:lognormal/100us/50us", least: 10 * US, answered: 1 },
  { text: "delay:exponential/100us", least: 0, answered: 1 },
  { text: "delay:pareto/100us/3", least: 100 * US, answered: 1 },
  { text: "lanes:1,delay:100us", least: 100 * US, answered: 1 },
  { text: "rate:2000iops", least: 0, answered: 1 },
  { text: "rate:4m/1k", least: 0, answered: 1 },
  { text: "seek:15000/100us/1ms", least: 0, answered: 1 },
  { text: "stall:20ms/2ms", least: 0, answered: 1 },
  { text: "error:unc/50%", least: 0, answered: 1 },
  { text: "hang:20%", least: 0, answered: 0.8 },
  { text: "drop:20%", least: 0, answered: 0.8 },
  { text: "duplicate:50%", least: 0, answered: 1 },
  { text: "reorder:50%/500us", least: 0, answered: 1 },
];

interface Row {
  readonly service: string;
  readonly reads: number;
  readonly answered: number;
  /** Answers beyond the first. */
  readonly copies: number;
  readonly ata_errors: number;
  readonly p50_ns: number;
  readonly p99_ns: number;
  readonly least_ns: number;
}

interface Figures {
  /** ns by which a delay of 50 us, of 1 ms is late at the median. */
  readonly late_50us_ns: number;
  readonly late_1ms_ns: number;
  readonly lanes: readonly { lanes: number; per_second: number; ratio: number }[];
  readonly models: readonly Row[];
}

const MAJOR = 9;

interface Lab {
  readonly asker: Asker;
  readonly mac: Mac;
}

interface Seen {
  /** Answers with an ATA error; answers to earlier reads, copies or late ones. */
  ata: number;
  others: number;
}

/** One read; its ns, or null. Others' late answers are not its own. */
function readOnce({ asker, mac }: Lab, minor: number, seen: Seen): number | null {
  const at = now();
  const tag = asker.sendRead(mac, MAJOR, minor, 0);
  for (;;) {
    const view = asker.take(PATIENCE, true);
    if (view === null) return null;
    if (aoe.tag(view, 0) !== tag) {
      seen.others++;
      continue;
    }
    if ((ata.command(view, 0) & ata.STATUS_ERR) !== 0) seen.ata++;
    return now() - at;
  }
}

function measureModel(lab: Lab, minor: number, reads: number): Row {
  const { text } = MODELS[minor] as (typeof MODELS)[number];
  const times: number[] = [];
  const seen: Seen = { ata: 0, others: 0 };
  for (let index = 0; index < reads; index++) {
    const time = readOnce(lab, minor, seen);
    if (time !== null) times.push(time);
  }
  while (lab.asker.take(2 * MS) !== null) seen.others++;
  const ascending = sorted(times);
  return {
    service: text,
    reads,
    answered: times.length,
    copies: seen.others,
    ata_errors: seen.ata,
    p50_ns: quantile(ascending, 0.5),
    p99_ns: quantile(ascending, 0.99),
    least_ns: ascending[0] ?? Number.NaN,
  };
}

/** Medians of the exports in turns: whatever disturbs one disturbs all. */
function medians(lab: Lab, minors: readonly number[], reads: number): number[] {
  const times: number[][] = minors.map(() => []);
  const seen: Seen = { ata: 0, others: 0 };
  for (let index = 0; index < reads; index++) {
    for (const [which, minor] of minors.entries()) {
      const time = readOnce(lab, minor, seen);
      if (time !== null) times[which]?.push(time);
    }
  }
  return times.map((each) => quantile(sorted(each), 0.5));
}

/**
 * Commands a second with more outstanding than there are lanes: the median of stretches of `span` commands, since
 * one in which this process or the other lost its CPU tells nothing of lanes.
 */
function saturate({ asker, mac }: Lab, minor: number, span: number, depth: number): number {
  const rates: number[] = [];
  let begun = 0;
  for (let sent = 0, done = 0; rates.length < STRETCHES; done++) {
    for (; sent - done < depth; sent++) asker.sendRead(mac, MAJOR, minor, 0);
    if (asker.take(S, true) === null) throw new Failure("A read went unanswered", EXIT.failed);
    if (done < depth || (done - depth) % span !== 0) continue;
    const at = now();
    if (done > depth) rates.push(span / ((at - begun) / S));
    begun = at;
  }
  return quantile(sorted(rates), 0.5);
}

async function measure(reads: number): Promise<Figures> {
  const { folder, remove } = makeScratch("service");
  const laneTexts = LANES.map((lanes) => `lanes:${lanes},delay:${LANE_DELAY / US}us`);
  const texts = [...MODELS.map(({ text }) => text), ...laneTexts];
  const exports = texts.map(
    (text, minor) =>
      `[[export]]\naddress = "e${MAJOR}.${minor}"\nmemory = "1m"\nservice = "${text}"\n`,
  );
  const file = join(folder, "lab.toml");
  writeFileSync(file, `interfaces = ["b0"]\n${exports.join("")}`);
  const asker = new Asker("a0");
  const child = Bun.spawn([process.execPath, AOE, "target", "--config", file], {
    stdout: "ignore",
    stderr: "ignore",
  });
  try {
    const lab: Lab = { asker, mac: awaitExport(asker, MAJOR, texts.length - 1).mac };
    asker.drain(50 * MS);
    // Compiled before anything counts.
    medians(lab, [0, 1], Math.min(reads, 2000));
    const [short = 0, long = 0] = medians(lab, [1, 2], reads);
    const lanes = LANES.map((count, index) => {
      const span = Math.max(1, Math.round(reads / 20)) * count;
      const per_second = saturate(lab, MODELS.length + index, span, DEFAULT_BUFFER_COUNT);
      return { lanes: count, per_second, ratio: per_second / (count / (LANE_DELAY / S)) };
    });
    // What the last lanes still had in hand is no copy of what follows.
    asker.drain(50 * MS);
    const each = Math.min(reads, 200);
    return {
      late_50us_ns: short - 50 * US,
      late_1ms_ns: long - MS,
      lanes,
      models: MODELS.map((_model, minor) => measureModel(lab, minor, each)),
    };
  } finally {
    child.kill("SIGKILL");
    await child.exited;
    asker.close();
    remove();
  }
}

function missed({ late_50us_ns, lanes }: Figures): string[] {
  const sentences: string[] = [];
  if (!(late_50us_ns <= 20 * US)) {
    sentences.push(`a delay of 50 us is ${(late_50us_ns / US).toFixed(1)} us late, and may be 20`);
  }
  for (const { lanes: count, ratio } of lanes) {
    if (!(Math.abs(ratio - 1) <= 0.02)) {
      sentences.push(
        `${count} lanes serve ${ratio.toFixed(3)} of what they should, and may be 2 % off`,
      );
    }
  }
  return sentences;
}

function print({ late_50us_ns, late_1ms_ns, lanes, models }: Figures): void {
  const us = (ns: number): string => (ns / US).toFixed(1).padStart(9);
  const lines = [
    `delay:50us is late by ${(late_50us_ns / US).toFixed(1)} us at the median, delay:1ms by ${(late_1ms_ns / US).toFixed(1)} us`,
    ...lanes.map(
      ({ lanes: count, per_second, ratio }) =>
        `lanes:${count},delay:${LANE_DELAY / US}us serves ${per_second.toFixed(0)} a second, ${ratio.toFixed(4)} of lanes / delay`,
    ),
    "",
    "       p50       p99  answered  copies  errors  service (us; reads one at a time)",
    ...models.map(
      ({ service, reads, answered, copies, ata_errors, p50_ns, p99_ns }) =>
        `${us(p50_ns)} ${us(p99_ns)} ${`${answered}/${reads}`.padStart(9)} ${String(copies).padStart(7)} ${String(ata_errors).padStart(7)}  ${service === "" ? "none" : service}`,
    ),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}

async function main(): Promise<number> {
  if (process.env["AOE_LAB"] === undefined) {
    requireLab(SHAPE);
    // A signal ends the lab and all in it at once: what is left in the folder goes from out here.
    const { folder, remove } = makeScratch("service");
    const child = Bun.spawn(
      labCommandLine([process.execPath, import.meta.path, ...process.argv.slice(2)], SHAPE),
      { env: { ...labEnv(SHAPE), TMPDIR: folder }, stdio: ["ignore", "inherit", "inherit"] },
    );
    return child.exited.finally(remove);
  }
  const at = process.argv.indexOf("--reads");
  const reads = at < 0 ? 2000 : parseInteger(process.argv[at + 1] ?? "", "--reads", 20);
  const figures = await measure(reads);
  if (process.argv.includes("--json")) process.stdout.write(`${printableJson(figures)}\n`);
  else print(figures);
  const sentences = missed(figures);
  for (const sentence of sentences) process.stderr.write(`missed: ${sentence}\n`);
  return sentences.length === 0 ? EXIT.done : EXIT.threshold;
}

if (import.meta.main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}
