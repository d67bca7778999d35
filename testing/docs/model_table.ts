// What each service model does, by trying it: a thousand reads under the virtual clock for each example of
// docs/target.md. The same seed makes the same table for ever.

import * as ata from "../../wire/ata.ts";
import type { Frame } from "../../wire/frame.ts";
import { formatDuration } from "../../words/quantity.ts";
import { createProbe, model, type Probe, readFrame, SECTORS } from "../doubles/probe.ts";

export interface ModelExample {
  readonly model: string;
  readonly about: string;
}

/** One for each model and each distribution, and some together. */
export const MODEL_EXAMPLES: readonly ModelExample[] = [
  { model: "delay:50us", about: "every command takes 50 µs, the same as `delay:fixed/50us`" },
  { model: "delay:uniform/50us/150us", about: "anything from 50 to 150 µs" },
  { model: "delay:normal/50us/5us", about: "50 µs with a deviation of 5 µs" },
  {
    model: "delay:lognormal/1ms/500us",
    about: "mean 1 ms, deviation 500 µs, skewed to long durations",
  },
  { model: "delay:exponential/1ms", about: "mean 1 ms, memoryless" },
  { model: "delay:pareto/100us/2", about: "at least 100 µs, with a long tail" },
  {
    model: "lanes:4,delay:1ms",
    about: "four commands at a time, the others queue: 4000 commands per second",
  },
  { model: "rate:2000iops", about: "at most 2000 commands per second, evenly spaced" },
  { model: "rate:2000iops/100", about: "the same, with a burst of 100 after a pause" },
  { model: "rate:1m/64k", about: "at most 1 MiB per second, with a burst of 64 KiB after a pause" },
  {
    model: "seek:7200/1ms/15ms",
    about: "a disk of 7200 rpm: a seek of 1 to 15 ms by distance, then half a rotation",
  },
  { model: "delay:1ms,stall:100ms/20ms", about: "1 ms, and every 100 ms a stall of 20 ms" },
  {
    model: "error:unc/5%",
    about:
      "5 % of reads, writes and flushes fail with UNC; also `idnf`, `abrt`, or an AoE error 1 to 6",
  },
  {
    model: "error:unc/100%/read/100-199",
    about: "every read that touches one of these sectors fails",
  },
  {
    model: "hang:1%",
    about: "1 % of commands are never answered, until `release` or a new model",
  },
  { model: "drop:1%", about: "1 % of commands are neither executed nor answered" },
  { model: "duplicate:2%", about: "2 % of answers are sent twice" },
  { model: "reorder:10%/1ms", about: "10 % of commands wait 1 ms while others overtake them" },
  {
    model: "lanes:4,delay:normal/50us/5us,drop:1%",
    about: "four lanes with a delay, and 1 % loss",
  },
];

const READS = 1000;
/** Commands in hand at a time. */
const WINDOW = 8;
/** Virtual ns after which what has not come is counted as lost. */
const PATIENCE = 2e9;

interface Tried {
  readonly answered: number;
  readonly twice: number;
  readonly errors: number;
  /** ns, ascending. */
  readonly times: readonly number[];
}

/** A window of eight reads at random-looking places, one sector each; each begins when one ends. */
function tryModel(text: string): Tried {
  const probe = createProbe();
  probe.target.setModel(probe.owner, model(text));
  const sent = new Map<number, number>();
  const times: number[] = [];
  const answered = new Set<number>();
  let twice = 0;
  let errors = 0;
  let tag = 0;
  const take = (frames: readonly Frame[]): void => {
    for (const { aoe, body } of frames) {
      const at = sent.get(aoe.tag);
      if (at === undefined) {
        if (answered.has(aoe.tag)) twice++;
        continue;
      }
      sent.delete(aoe.tag);
      answered.add(aoe.tag);
      times.push(probe.clock.now() - at);
      if (body.kind === "ata" && (body.command & ata.STATUS_ERR) !== 0) errors++;
    }
  };
  let forgotten = 0;
  while (answered.size + forgotten < READS) {
    while (sent.size < WINDOW && tag < READS) {
      sent.set(++tag, probe.clock.now());
      probe.send(readFrame((tag * 389) % SECTORS, 1, { tag }));
    }
    take(step(probe));
    for (const [lost, at] of sent) {
      if (probe.clock.now() - at < PATIENCE) continue;
      sent.delete(lost);
      forgotten++;
    }
  }
  take(probe.run(PATIENCE));
  return { answered: answered.size, twice, errors, times: times.toSorted((a, b) => a - b) };
}

/** Time as far as the next thing that the target does. */
function step(probe: Probe): Frame[] {
  const now = probe.run(0);
  if (now.length > 0) return now;
  const wait = probe.target.nextDeadline() - probe.clock.now();
  return probe.run(Math.min(Math.max(wait, 1), PATIENCE));
}

/** The rows of docs/target.md. */
export function modelTable(): string {
  const rows = MODEL_EXAMPLES.map(({ model: text, about }) => {
    const { answered, twice, errors, times } = tryModel(text);
    const at = (share: number): string =>
      formatDuration(times[Math.ceil(share * times.length) - 1] ?? 0);
    const more = [
      errors === 0 ? "" : `${errors} errors`,
      twice === 0 ? "" : `${twice} twice`,
      answered === READS ? "" : `${READS - answered} never`,
    ].filter((part) => part !== "");
    return `| \`${text}\` | ${about} | ${at(0.5)} | ${at(0.99)} | ${more.join(", ")} |`;
  });
  return ["| model | what it does | p50 | p99 | answers |", "|---|---|---|---|---|", ...rows].join(
    "\n",
  );
}
