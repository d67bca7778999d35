// Results of several runs as one: a run of the whole table is long, so its cells may be measured apart. Only results
// of one machine and one revision with one setting belong together; rounds of a cell that several have add up.

import { readFileSync } from "node:fs";
import * as v from "valibot";
import { environment, usage } from "../../words/failure.ts";
import { SCHEMA_VERSION } from "../result.ts";
import { PEERS, type PeersResult, PeersSchema } from "./peers_result.ts";
import { summaryOf } from "./summary_of.ts";

export function readPeers(file: string): PeersResult {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw environment(`Can't read ${file}: ${error instanceof Error ? error.message : error}`);
  }
  const parsed = v.safeParse(PeersSchema, value);
  if (!parsed.success || parsed.output.schema_version > SCHEMA_VERSION) {
    throw usage(`Expected ${file} to be a result of \`${PEERS}\` that this program knows`);
  }
  return parsed.output;
}

export function joined(results: readonly PeersResult[]): PeersResult {
  const [first, ...others] = results;
  if (first === undefined) throw new Error("invariant: there is a result");
  for (const other of others) {
    const differs = differenceOf(first, other);
    if (differs !== null) {
      throw environment(`These results can't be shown as one: their ${differs} differ`);
    }
  }
  let rounds = 0;
  const trials = results.flatMap((result) => {
    const own = result.trials.map((trial) => ({ ...trial, round: trial.round + rounds }));
    rounds += result.setting.rounds;
    return own;
  });
  const all = {
    ...first,
    elapsed_ns: results.reduce((sum, { elapsed_ns }) => sum + elapsed_ns, 0),
    seeds: results.flatMap(({ seeds }) => seeds),
    arms: uniqueBy(
      results.flatMap(({ arms }) => arms),
      ({ arm }) => arm,
    ),
    absent: [...new Set(results.flatMap(({ absent }) => absent))],
    trials,
    idle: results.flatMap(({ idle }) => idle).reduce(addIdle, []),
  };
  return { ...all, ...summaryOf(all) };
}

type Idle = PeersResult["idle"];

function addIdle(sofar: Idle, one: Idle[number]): Idle {
  const same = sofar.find(({ arm }) => arm === one.arm);
  if (same === undefined) return [...sofar, one];
  const both = {
    arm: one.arm,
    start_ns: [...same.start_ns, ...one.start_ns],
    idle_cpu_share: [...same.idle_cpu_share, ...one.idle_cpu_share],
    resident_bytes: [...same.resident_bytes, ...one.resident_bytes],
  };
  return sofar.map((other) => (other === same ? both : other));
}

function differenceOf(a: PeersResult, b: PeersResult): string | null {
  if (a.provenance.machine !== b.provenance.machine) return "machines";
  if (a.provenance.git_revision !== b.provenance.git_revision) return "revisions";
  const settings = [a, b].map(({ setting: { rounds: _, ...setting } }) => JSON.stringify(setting));
  return settings[0] === settings[1] ? null : "settings";
}

function uniqueBy<T>(list: readonly T[], key: (one: T) => string): T[] {
  return list.filter((one, at) => list.findIndex((other) => key(other) === key(one)) === at);
}
