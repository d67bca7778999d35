// Results of several runs as one: a run of the whole table is long, so its cells may be measured apart. Rounds of a
// cell that several have add up.

import { firstOfOne, readOwnResult } from "../result/join.ts";
import { PEERS, type PeersResult, PeersSchema } from "./peers_result.ts";
import { summaryOf } from "./summary_of.ts";

export function readPeers(file: string): PeersResult {
  return readOwnResult(file, PeersSchema, PEERS);
}

export function joined(results: readonly PeersResult[]): PeersResult {
  const first = firstOfOne(results, ({ setting: { rounds: _, ...setting } }) => setting);
  let rounds = 0;
  const trials = results.flatMap((result) => {
    const own = result.trials.map((trial) => ({ ...trial, round: trial.round + rounds }));
    rounds += result.setting.rounds;
    return own;
  });
  const all = {
    ...first,
    cut_short: results.some(({ cut_short }) => cut_short),
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

function uniqueBy<T>(list: readonly T[], key: (one: T) => string): T[] {
  return list.filter((one, at) => list.findIndex((other) => key(other) === key(one)) === at);
}
