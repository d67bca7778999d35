// The pool's options on a command line and in a job: --pool, --pool-prealloc, --pool-cap, --kick.

import { expected } from "../../words/failure.ts";
import { MS, parseDuration, parseInteger } from "../../words/quantity.ts";
import { STRATEGIES, type StrategyName } from "./buffer_pool.ts";

export const DEFAULT_STRATEGY: StrategyName = "completion";
export const DEFAULT_PREALLOCATED = 16;
export const DEFAULT_CAP = 256;
export const DEFAULT_KICK = 100 * MS;

/** The greatest that either number may be: a ring link opens a socket for each buffer. */
const MOST = 65_536;

/** As commander gives them: camel case, text, absent where not given. */
export interface PoolOptionTexts {
  readonly pool?: string | undefined;
  readonly poolPrealloc?: string | undefined;
  readonly poolCap?: string | undefined;
  readonly kick?: string | undefined;
}

export interface PoolOptions {
  readonly strategy: StrategyName;
  readonly preallocated: number;
  readonly cap: number;
  /** When a device that is dry with nothing outstanding tries again, ns. */
  readonly kick: number;
  /** Whether it also tries as soon as the link lets go of a buffer. */
  readonly kickOnRelease: boolean;
}

export function parsePoolOptions(texts: PoolOptionTexts): PoolOptions {
  const onRelease = texts.kick === "on-release";
  return {
    strategy: texts.pool === undefined ? DEFAULT_STRATEGY : parseStrategy(texts.pool),
    preallocated: number(texts.poolPrealloc, "--pool-prealloc", 1, DEFAULT_PREALLOCATED),
    cap: number(texts.poolCap, "--pool-cap", 0, DEFAULT_CAP),
    kick: texts.kick === undefined || onRelease ? DEFAULT_KICK : parseKick(texts.kick),
    kickOnRelease: onRelease,
  };
}

/** `--kick` as its user wrote it, for reports. */
export function formatKick(options: PoolOptions, format: (ns: number) => string): string {
  return options.kickOnRelease ? "on-release" : format(options.kick);
}

function parseStrategy(text: string): StrategyName {
  const name = STRATEGIES.find((strategy) => strategy === text);
  if (name === undefined) throw expected("--pool", `one of ${STRATEGIES.join(", ")}`, text);
  return name;
}

function parseKick(text: string): number {
  let kick = 0;
  try {
    kick = parseDuration(text, "--kick");
  } catch {
    // The rule has a word more than a duration's.
  }
  if (kick > 0) return kick;
  throw expected("--kick", "a duration > 0 with a unit (us, ms, s), or on-release", text);
}

function number(text: string | undefined, what: string, least: number, usual: number): number {
  return text === undefined ? usual : parseInteger(text, what, least, MOST);
}
