// Distributions of durations, as service models and faults name them.
//
//   fixed/D            always D; a bare duration is short for it (`50us`)
//   uniform/A/B        A to B
//   normal/M/S         mean M, standard deviation S, negatives cut to 0
//   lognormal/M/S      mean M and standard deviation S of the durations themselves, not of their log
//   exponential/M      mean M
//   pareto/MIN/SHAPE   at least MIN; the smaller SHAPE, the heavier the tail (mean infinite at <= 1)
//   trace/FILE         the durations in FILE, one a line, in their order, again from the top
//
// A sample is the quantile of one uniform draw, so equal seeds give equal samples and a tail is as
// exact as its formula. Samples are whole nanoseconds: where two machines' logarithms differ in the
// last bit, the samples do not.

import { expected, usage } from "./failure.ts";
import { normalCdf, normalDensity, normalQuantile } from "./normal.ts";
import { parseDuration } from "./quantity.ts";
import type { Random } from "./random.ts";

export interface Distribution {
  /** As given, trimmed: `normal/50us/5us`. */
  readonly text: string;
  /** A duration in whole ns, >= 0. Allocates nothing. */
  sample(random: Random): number;
  /** The exact mean in ns, before samples are rounded; Infinity where there is none. */
  mean(): number;
  /** The duration in ns that a share p (0 <= p < 1) of samples stays within, before rounding. */
  quantile(p: number): number;
}

/** Gives the text of a trace file; words/ does no I/O itself. */
export type LoadTrace = (file: string) => string;

const FORMS =
  "a duration or fixed/D, uniform/A/B, normal/M/S, lognormal/M/S, exponential/M, pareto/MIN/SHAPE, trace/FILE";

/** Throws the usage Failure for an unknown name, a wrong count of values, or a value out of range. */
export function parseDistribution(text: string, what: string, loadTrace?: LoadTrace): Distribution {
  const trimmed = text.trim();
  const [name = "", ...values] = trimmed.split("/");
  if (values.length === 0) {
    // A word without values is an attempt at a name; anything else an attempt at a duration.
    if (/^[a-z]+$/i.test(name)) throw expected(what, FORMS, text);
    return fixed(trimmed, parseDuration(trimmed, what));
  }
  const [first = "", second = ""] = values;
  switch (name) {
    case "fixed":
      need(values, 1, "fixed/D", text, what);
      return fixed(trimmed, parseDuration(first, what));
    case "uniform": {
      need(values, 2, "uniform/A/B", text, what);
      const low = parseDuration(first, what);
      const high = parseDuration(second, what);
      if (high < low) throw expected(what, "uniform/A/B with A <= B", text);
      return fromQuantile(trimmed, (low + high) / 2, (p) => low + p * (high - low));
    }
    case "normal":
      need(values, 2, "normal/M/S", text, what);
      return normal(trimmed, parseDuration(first, what), parseDuration(second, what));
    case "lognormal": {
      need(values, 2, "lognormal/M/S", text, what);
      const mean = parseDuration(first, what);
      if (mean === 0) throw expected(what, "lognormal/M/S with M above 0", text);
      return lognormal(trimmed, mean, parseDuration(second, what));
    }
    case "exponential": {
      need(values, 1, "exponential/M", text, what);
      const mean = parseDuration(first, what);
      return fromQuantile(trimmed, mean, (p) => -mean * Math.log1p(-p));
    }
    case "pareto": {
      need(values, 2, "pareto/MIN/SHAPE", text, what);
      const shape = /^\d*\.?\d+$/.test(second) ? Number(second) : Number.NaN;
      if (!(shape > 0)) throw expected(what, "pareto/MIN/SHAPE with a number SHAPE above 0", text);
      return pareto(trimmed, parseDuration(first, what), shape);
    }
    case "trace":
      return trace(trimmed, values.join("/"), what, loadTrace);
    default:
      throw expected(what, FORMS, text);
  }
}

function need(values: string[], count: number, form: string, text: string, what: string): void {
  if (values.length !== count) throw expected(what, form, text);
}

function fromQuantile(text: string, mean: number, quantile: (p: number) => number): Distribution {
  return {
    text,
    sample: (random) => wholeNs(quantile(random.float())),
    mean: () => mean,
    quantile,
  };
}

/** Whole ns; a pareto tail may leave the range in which numbers are exact, so it ends there. */
function wholeNs(ns: number): number {
  return Math.min(Math.round(ns), Number.MAX_SAFE_INTEGER);
}

function fixed(text: string, ns: number): Distribution {
  // A fixed duration draws nothing, so that it costs nothing and shifts no other stream.
  return { text, sample: () => ns, mean: () => ns, quantile: () => ns };
}

function normal(text: string, mean: number, deviation: number): Distribution {
  if (deviation === 0) return fixed(text, mean);
  // The cut at 0 lifts the mean: E[max(0, X)] = M cdf(M/S) + S density(M/S).
  const ratio = mean / deviation;
  const cutMean = mean * normalCdf(ratio) + deviation * normalDensity(ratio);
  return fromQuantile(text, cutMean, (p) =>
    p <= 0 ? 0 : Math.max(0, mean + deviation * normalQuantile(p)),
  );
}

function lognormal(text: string, mean: number, deviation: number): Distribution {
  if (deviation === 0) return fixed(text, mean);
  const variance = Math.log1p((deviation / mean) ** 2);
  const sigma = Math.sqrt(variance);
  const mu = Math.log(mean) - variance / 2;
  return fromQuantile(text, mean, (p) => (p <= 0 ? 0 : Math.exp(mu + sigma * normalQuantile(p))));
}

function pareto(text: string, min: number, shape: number): Distribution {
  const mean = shape > 1 ? (shape * min) / (shape - 1) : min === 0 ? 0 : Number.POSITIVE_INFINITY;
  return fromQuantile(text, mean, (p) => min * (1 - p) ** (-1 / shape));
}

function trace(
  text: string,
  file: string,
  what: string,
  loadTrace: LoadTrace | undefined,
): Distribution {
  if (file === "") throw expected(what, "trace/FILE", text);
  if (loadTrace === undefined) throw usage(`\`${what}\` takes no trace file here, got \`${text}\``);
  const durations: number[] = [];
  for (const [index, line] of loadTrace(file).split("\n").entries()) {
    const value = line.replace(/#.*/, "").trim();
    if (value !== "") durations.push(parseDuration(value, `${file}:${index + 1}`));
  }
  if (durations.length === 0) throw usage(`The trace ${file} has no durations (one a line)`);
  const sorted = Float64Array.from(durations).sort();
  const mean = durations.reduce((sum, ns) => sum + ns, 0) / durations.length;
  let next = 0;
  return {
    text,
    sample: () => {
      const ns = durations[next] ?? 0;
      next = next + 1 === durations.length ? 0 : next + 1;
      return ns;
    },
    mean: () => mean,
    quantile: (p) => sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? 0,
  };
}
