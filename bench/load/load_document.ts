// What a load leaves behind, as a fio-shaped document and as words for a person.

import { outcomeFigures } from "../../initiator/protocol/outcomes.ts";
import { littlesLaw as poolLittlesLaw } from "../../initiator/pool/littles_law.ts";
import { fioDocument, fioJob, latencyFigures } from "./fio_json.ts";
import { Histogram } from "../../statistics/histogram.ts";
import { littlesLaw } from "../../statistics/littles_law.ts";
import { type Direction, INTERVALS } from "./load.ts";
import type { LoadOptions } from "./options.ts";
import type { LoadOutcome } from "./run_load.ts";
import { steadyState } from "../../statistics/steady_state.ts";
import { describeMismatch } from "./verifier.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";
import type { Figures } from "./figures.ts";
import { shownBytes, shownTime, rate } from "../../words/shown.ts";
import type { Counts, PoolSnapshot } from "../../initiator/pool/snapshot.ts";

const EIO = 5;
const EILSEQ = 84;

/** What changed since the warm-up's end. */
function sinceWarm(pool: PoolSnapshot): Counts {
  const warm = pool.at_warm;
  const difference = (name: keyof Counts): number => pool[name] - (warm?.[name] ?? 0);
  return {
    acquires: difference("acquires"),
    releases: difference("releases"),
    allocations: difference("allocations"),
    reuse_hits: difference("reuse_hits"),
    pool_touches: difference("pool_touches"),
    head_blocked: difference("head_blocked"),
    dry: difference("dry"),
    frames_busy: difference("frames_busy"),
    allocation_failures: difference("allocation_failures"),
    given_back: difference("given_back"),
    kicks: difference("kicks"),
    kick_stall_ns: difference("kick_stall_ns"),
  };
}

function measures(outcome: LoadOutcome) {
  const { load } = outcome;
  const runtime = load.measuredTo - load.measuredFrom;
  const perInterval = Array.from(
    load.read.intervals,
    (count, index) => count + (load.write.intervals[index] ?? 0),
  );
  return {
    runtime,
    steady: outcome.interrupted ? null : steadyState(perInterval),
    law: littlesLaw(runtime, load.totalTime, load.area),
  };
}

export function figuresOf(outcome: LoadOutcome): Figures {
  const { load, pool } = outcome;
  const { lat } = load;
  const { runtime, steady, law } = measures(outcome);
  const counts = sinceWarm(pool);
  return {
    iops: runtime === 0 ? 0 : (load.completed * 1e9) / runtime,
    runtime_ns: runtime,
    lat_mean_ns: lat.mean(),
    lat_p50_ns: lat.percentile(50),
    lat_p90_ns: lat.percentile(90),
    lat_p99_ns: lat.percentile(99),
    lat_p999_ns: lat.percentile(99.9),
    lat_max_ns: lat.most,
    buffer_wait_mean_ns: load.bufferWait.mean(),
    buffer_wait_p99_ns: load.bufferWait.percentile(99),
    cpu_per_command_ns: load.completed === 0 ? null : cpuOf(outcome) / load.completed,
    cpu_quiet_ns: outcome.series.quietCpu(),
    pool_length: pool.pool_length,
    pool_length_peak: pool.pool_length_peak,
    pool_preallocated: pool.preallocated,
    pool_cap: pool.cap,
    allocations: counts.allocations,
    head_blocked: counts.head_blocked,
    pool_touches: counts.pool_touches,
    dry: counts.dry,
    kicks: counts.kicks,
    kick_stall_ns: counts.kick_stall_ns,
    kick_commands_p50: outcome.series.kickCommands(),
    retransmits: outcome.device.counters.retransmits,
    failures: load.failures,
    mismatches: outcome.verifier?.mismatches ?? 0,
    receive_drops: outcome.linkCounters.receiveDrops,
    steady: steady?.steady ?? null,
    littles_law_holds: law.holds,
  };
}

/** What makes the load a failure, in a sentence each; empty: nothing does. */
export function shortcomings(outcome: LoadOutcome): string[] {
  const { load, verifier } = outcome;
  const sentences: string[] = [];
  if (load.failures > 0) {
    sentences.push(`${load.failures} commands failed; the first: ${load.firstFailure}`);
  }
  if (verifier !== null && verifier.mismatches > 0) {
    sentences.push(`${verifier.mismatches} sectors read wrong.`);
    sentences.push(...verifier.first.map(describeMismatch));
  }
  if (load.completed === 0) {
    const runtime = shownTime(load.measuredTo - load.measuredFrom);
    sentences.push(
      `No command ended well in the measured time of ${runtime}, so there is no rate; a longer --runtime (in a job: \`runtime\`) may change that.`,
    );
  }
  return sentences;
}

function cpuOf({ usageBefore, usageAfter }: LoadOutcome): number {
  return usageAfter.user - usageBefore.user + usageAfter.system - usageBefore.system;
}

/** The document that --json prints: fio's json+ with our two blocks. `environment`: interface, provenance and the like. */
export function loadDocument(
  outcome: LoadOutcome,
  options: LoadOptions,
  jobname: string,
  at: number,
  environment: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const { load, device, pool, verifier, usageBefore, usageAfter } = outcome;
  const { runtime, steady, law } = measures(outcome);
  const cpu = (ns: number): number => (runtime === 0 ? 0 : (100 * ns) / runtime);
  const path = device.paths[0];
  const direction = (one: Direction) => ({
    ios: one.ios,
    bytes: one.ios * options.bs,
    slat: one.slat,
    clat: one.clat,
    lat: one.lat,
    intervals: Array.from(one.intervals),
  });
  const mismatches = verifier?.mismatches ?? 0;
  const job = fioJob(
    {
      jobname,
      options: options.texts,
      error: load.failures > 0 ? EIO : mismatches > 0 ? EILSEQ : 0,
      runtimeNs: runtime,
      elapsedNs: outcome.elapsed,
      intervalNs: options.runtime / INTERVALS,
      bs: options.bs,
      iodepth: options.iodepth,
      read: direction(load.read),
      write: direction(load.write),
      lat: load.lat,
      depths: Array.from(load.depths),
      userCpuPercent: cpu(usageAfter.user - usageBefore.user),
      systemCpuPercent: cpu(usageAfter.system - usageBefore.system),
      contextSwitches:
        usageAfter.voluntarySwitches +
        usageAfter.involuntarySwitches -
        usageBefore.voluntarySwitches -
        usageBefore.involuntarySwitches,
      majorFaults: usageAfter.majorFaults - usageBefore.majorFaults,
      minorFaults: usageAfter.minorFaults - usageBefore.minorFaults,
      aoe: {
        figures: figuresOf(outcome),
        interrupted: outcome.interrupted,
        latency_split: {
          schedule_ns: latencyFigures(load.schedule, true),
          hold_back_ns: latencyFigures(load.holdBack, true),
          window_wait_ns: latencyFigures(load.windowWait, true),
          buffer_wait_ns: latencyFigures(load.bufferWait, true),
          link_wait_ns: latencyFigures(load.linkWait, true),
          target_and_wire_ns: latencyFigures(load.wire, true),
        },
        lat_all_ns: latencyFigures(load.lat, true),
        lat_buckets_ns: load.lat.buckets(),
        series: outcome.series.table(),
        stalls_ns: outcome.series.stallTable().stalls,
        stall_count: outcome.series.stallTable().count,
        outcomes: {
          ...outcomeFigures((outcome) => load.outcomes[outcome] ?? 0),
          first_failure: load.firstFailure === "" ? null : load.firstFailure,
        },
        overdue: load.overdue,
        pool: { ...pool, measured: sinceWarm(pool), leak: outcome.leak },
        pool_littles_law: poolLittlesLaw(pool),
        littles_law: law,
        steady_state: steady,
        device: {
          sectors: device.sectors,
          buffer_count: device.bufferCount,
          sectors_per_frame: device.sectorsPerFrame,
          counters: { ...device.counters },
        },
        window:
          path === undefined
            ? null
            : {
                size: path.window.size,
                limit: path.window.limit,
                threshold: path.window.threshold,
              },
        rtt:
          path === undefined
            ? null
            : {
                smoothed_ns: path.rtt.smoothed,
                deviation_ns: path.rtt.deviation,
                rto_ns: path.rtt.rto(),
                samples: path.rtt.samples,
              },
        link: outcome.linkCounters,
        faults: outcome.faults,
        verify:
          verifier === null
            ? null
            : {
                sectors_verified: verifier.sectorsVerified,
                sectors_open: verifier.sectorsOpen,
                sectors_unwritten: verifier.sectorsUnwritten,
                blocks_written: verifier.blocksWritten,
                blocks_read_back: load.readBackBlocks,
                mismatches,
                first: verifier.first.map((mismatch) => ({
                  ...mismatch,
                  sentence: describeMismatch(mismatch),
                })),
              },
        cpu: {
          user_ns: usageAfter.user - usageBefore.user,
          system_ns: usageAfter.system - usageBefore.system,
          peak_bytes: usageAfter.peakBytes,
        },
      },
    },
    new Histogram(),
  );
  return fioDocument([job], at, { schema_version: SCHEMA_VERSION, ...environment });
}

/** The figures as lines for a person. */
export function describeLoad(outcome: LoadOutcome, options: LoadOptions): string[] {
  const { load, pool, verifier } = outcome;
  const figures = figuresOf(outcome);
  const counts = sinceWarm(pool);
  const { rw, bs } = options;
  const mean = (histogram: Histogram): string => shownTime(histogram.mean());
  const lines = [
    `${rw} ${shownBytes(bs)} depth ${options.iodepth}: ${rate(figures.iops)} IOPS, ${shownBytes(figures.iops * bs)}/s over ${shownTime(figures.runtime_ns)}`,
    ...(figures.lat_p50_ns !== null
      ? [
          `latency p50 ${shownTime(figures.lat_p50_ns)}, p99 ${shownTime(figures.lat_p99_ns)}, max ${shownTime(figures.lat_max_ns)}`,
          `mean ${mean(load.lat)} by part: schedule ${mean(load.schedule)}, hold-back ${mean(load.holdBack)}, window ${mean(load.windowWait)}, buffer ${mean(load.bufferWait)}, link ${mean(load.linkWait)}, target and wire ${mean(load.wire)}`,
        ]
      : ["latency: no data"]),
    `pool ${pool.strategy}: ${pool.pool_length} extra buffers (most ${pool.pool_length_peak}${pool.cap === null ? "" : ` of ${pool.cap}`}), ${counts.allocations} allocated, ${counts.dry} times dry, ${counts.kicks} kicks (${shownTime(counts.kick_stall_ns)} stalled)`,
  ];
  const { queries } = outcome.device.counters;
  if (figures.retransmits > 0 || figures.receive_drops > 0) {
    const sent = `${figures.retransmits} frames sent again`;
    const lost = `${figures.receive_drops} dropped by our socket`;
    lines.push(`${sent}, ${queries} config queries after time-outs, ${lost}`);
  }
  if (verifier !== null) {
    lines.push(
      `verify: ${verifier.sectorsVerified} sectors checked, ${verifier.sectorsUnwritten} not written by this run, ${verifier.mismatches} wrong`,
    );
    if (verifier.sectorsOpen > 0) {
      lines.push(
        `${verifier.sectorsOpen} of these are of blocks whose last write was refused or not answered: old and new are both right there`,
      );
    }
  }
  if (load.overdue > 0)
    lines.push(
      `${load.overdue} commands were due and not yet submitted at the end: the target does not keep up`,
    );
  const { steady, law } = measures(outcome);
  if (steady !== null && steady.steady === false) {
    lines.push(
      `not steady: an interval deviates by ${Math.round(100 * steady.deviation)} % from the mean, the rate drifts by ${Math.round(100 * steady.drift)} %`,
    );
  }
  if (!law.holds) {
    lines.push(
      `Little's law fails: ${law.occupancy.toFixed(2)} outstanding, but rate × time gives ${law.product.toFixed(2)}`,
    );
  }
  if (outcome.leak !== null) lines.push(outcome.leak);
  return lines;
}
