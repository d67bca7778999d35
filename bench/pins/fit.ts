// The reclaim model that fits best what was seen of an interface.
//
//   observed ─▶ each form, begun at what the figures suggest ─▶ steps that lessen the error ─▶ the
//               form of least error; of those that are as good the simplest
//
// A release lies between two looks, which are far apart where the process did not run for a
// while: a model that puts it there is right. Elsewhere its error is the distance. The mean of a
// phase is without its worst 15 %, and all phases count alike: what a model says of the few
// frames of an idle line weighs as much as what it says of hundreds.

import { parseReclaim } from "../../link/reclaim_model.ts";
import { quantile, sorted } from "../../statistics/quantile.ts";
import { S, US } from "../../words/quantity.ts";
import { groups, holds, type Observed, PHASES, type Send } from "./observed.ts";
import { replay } from "./replay.ts";

export interface Candidate {
  /** As `--reclaim` takes it. */
  readonly model: string;
  /** Mean distance to what was seen, ns. */
  readonly error_ns: number;
}

export interface Fit extends Candidate {
  /** Of the mean hold. */
  readonly error_share: number;
  readonly mean_hold_ns: number;
  /** Each form at its best, the best first. */
  readonly candidates: readonly Candidate[];
}

/** What is left of the errors of a phase. */
const KEPT = 0.85;
/** A form is as good as the best one within this share of its error, or this many looks. */
const AS_GOOD = 1.15;
const LOOKS = 4;
/** Steps of a parameter, as factors. */
const STEPS = [1.5, 1.1, 1.03, 1.01];
const ROUNDS = 40;
/** Of a form, so many are followed. */
const BEGINS = 4;
/** Released that soon is released at once: what a look, a softirq and a call take. */
const AT_ONCE = 100 * US;

interface Form {
  readonly write: (parameters: readonly number[]) => string;
  readonly begins: readonly (readonly number[])[];
}

const time = (ns: number): string => {
  const rounded = Number(Math.max(0, ns).toPrecision(4));
  return rounded >= 10 * US ? `${Number((rounded / US).toFixed(2))}us` : `${Math.round(rounded)}ns`;
};
const count = (value: number): string => `${Math.max(1, Math.round(value))}`;
const bytes = (value: number): string => `${Math.max(0, Math.round(value))}`;

/** The simplest first. */
function forms(observed: Observed): Form[] {
  const of = sorted(holds(observed));
  const at = (share: number): number => quantile(of, share);
  const times = [0.1, 0.5, 0.9, 1].map((share) => at(share));
  const sizes = sorted(groups(observed));
  const batches = [...new Set([0.5, 0.9, 1].map((share) => Math.round(quantile(sizes, share))))];
  const few = batches.filter((size) => size > 1);
  const ages = [0, at(0), at(0.1)];
  const most = mostHeld(observed);
  const one = (write: (value: number) => string, begins: readonly number[]): Form => ({
    write: ([value = 0]) => write(value),
    begins: begins.map((begin) => [begin]),
  });
  return [
    { write: () => "eager", begins: [[]] },
    { write: () => "stuck", begins: [[]] },
    one((value) => `delay:${time(value)}`, times),
    one((value) => `next-xmit:${time(value)}`, ages),
    ...(observed.receives.length > 0 ? [one((value) => `on-receive:${time(value)}`, ages)] : []),
    one((value) => `batch:${count(value)}`, few),
    {
      write: ([rate = 1, ahead = 0]) => `line:${count(rate)}/${bytes(ahead)}`,
      begins: lines(observed),
    },
    {
      write: ([size = 1, after = 0]) => `coalesce:${count(size)}/${time(after)}`,
      begins: [...few, 2 * most].flatMap((size) => times.map((after) => [size, after])),
    },
    {
      write: ([size = 1, batch = 1]) => {
        const descriptors = Math.max(1, Math.round(size));
        return `ring:${descriptors}/${Math.min(descriptors, Math.max(1, Math.round(batch)))}`;
      },
      begins: few.flatMap((batch) => [0, batch - 1].map((more) => [most + more, batch])),
    },
  ];
}

/** Most frames that were held at one time. */
export function mostHeld({ sends, until }: Observed): number {
  const ends = sorted(sends.map(({ released }) => released ?? until));
  let [most, ended] = [0, 0];
  for (const [index, { at }] of sends.entries()) {
    while ((ends[ended] ?? Infinity) <= at) ended++;
    most = Math.max(most, index + 1 - ended);
  }
  return most;
}

/** Rates and buckets of a line, by the frames that were released one behind the other. */
function lines({ sends, resolution }: Observed): number[][] {
  const rates: number[] = [];
  for (const [index, { length, released, at }] of sends.entries()) {
    const before = sends[index - 1]?.released ?? null;
    // It waited for the one before it.
    if (before === null || released === null || at >= before) continue;
    if (released - before > 2 * resolution) rates.push((length * S) / (released - before));
  }
  if (rates.length === 0) return [];
  const ascending = sorted(rates);
  const longest = Math.max(...sends.map(({ length }) => length));
  return [0.25, 0.5, 0.75].flatMap((share) =>
    [0, 1, 2, 8].map((frames) => [quantile(ascending, share), frames * longest]),
  );
}

/** Mean distance between what was seen and what `model` says, ns. */
export function errorOf(model: string, observed: Observed): number {
  const { sends, until } = observed;
  const said = replay(parseReclaim(model, "the model"), observed);
  const off = (index: number, { heldAt, released }: Send): number => {
    const by = Math.min(said[index] ?? until, until);
    return Math.max(0, heldAt - by, by - (released ?? until));
  };
  const means = PHASES.flatMap((phase) => {
    const errors = sends.flatMap((send, index) => (send.phase === phase ? [off(index, send)] : []));
    const kept = sorted(errors).slice(0, Math.ceil(KEPT * errors.length));
    return kept.length === 0 ? [] : [mean(kept)];
  });
  return mean(means);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** `form` at its best: from its best begins by steps of one parameter, as long as they help. */
function best({ write, begins }: Form, observed: Observed): Candidate | null {
  let found: Candidate | null = null;
  const begun = begins
    .map((begin) => ({ begin, error: errorOf(write(begin), observed) }))
    .toSorted((a, b) => a.error - b.error);
  for (const { begin, error: atBegin } of begun.slice(0, BEGINS)) {
    const at = [...begin];
    let model = write(at);
    let error = atBegin;
    for (let round = 0, moved = true; round < ROUNDS && moved; round++) {
      moved = false;
      for (const place of at.keys()) {
        for (const step of STEPS.flatMap((factor) => [factor, 1 / factor])) {
          const tried = at.with(place, (at[place] ?? 0) * step);
          const text = write(tried);
          if (text === model) continue;
          const less = errorOf(text, observed);
          if (less >= error) continue;
          [model, error, moved] = [text, less, true];
          at.splice(0, at.length, ...tried);
        }
      }
    }
    if (found === null || error < found.error_ns) found = { model, error_ns: error };
  }
  return found;
}

/** Throws where nothing was sent. */
export function bestFit(observed: Observed): Fit {
  const held = holds(observed);
  if (held.length === 0) throw new Error("invariant: a fit is of frames that were sent");
  const meanHold = mean(held);
  const simplestFirst = forms(observed).flatMap((form) => best(form, observed) ?? []);
  const candidates = simplestFirst.toSorted((a, b) => a.error_ns - b.error_ns);
  const least = candidates[0]?.error_ns ?? 0;
  const enough = Math.max(least * AS_GOOD, least + LOOKS * observed.resolution);
  const atLeast = sorted(observed.sends.map(({ at, heldAt }) => heldAt - at));
  const isEager = quantile(atLeast, 0.9) <= AT_ONCE;
  const chosen = isEager
    ? simplestFirst[0]
    : simplestFirst.find(({ error_ns }) => error_ns <= enough);
  const { model, error_ns } = chosen ?? { model: "eager", error_ns: 0 };
  return {
    model,
    error_ns,
    error_share: meanHold === 0 ? 0 : error_ns / meanHold,
    mean_hold_ns: meanHold,
    candidates,
  };
}

/** In words: by what such a driver releases. */
export function dependsOn(model: string): string {
  const [form = ""] = model.split(":");
  const said: Readonly<Record<string, string>> = {
    eager: "nothing: each buffer is released at once",
    stuck: "nothing that was seen: no buffer was released",
    delay: "time: each buffer is released so long after its transmit",
    "next-xmit": "the next transmit: the last frame before a pause keeps its buffer",
    "on-receive": "the next receive: without one buffers stay pinned",
    batch: "a count: buffers are released when so many are held",
    line: "what was sent before: buffers are released at a line's rate, in turn",
    coalesce: "a count or a time, whichever comes first",
    ring: "free descriptors: buffers are released when a transmit finds few of them",
  };
  return said[form] ?? "unknown";
}
