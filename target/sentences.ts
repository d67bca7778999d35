// The sentences that a target says of itself: at its start, of a reload, and at its end.

import { describeErrno } from "../sys/errno.ts";
import { formatAddress } from "../words/address.ts";
import { Failure } from "../words/failure.ts";
import { formatMac } from "../wire/mac.ts";
import type { TargetPlan } from "./config/plan.ts";
import type { MetricsServer } from "./control/metrics_server.ts";
import type { Export } from "./protocol/export.ts";
import type { Applied, Served } from "./exports/reload.ts";
import { ANOTHER } from "./stores/store.ts";
import type { Target } from "./protocol/target.ts";

/** What the user calls a part of the plan where it has another name here. */
const KEY_OF: Readonly<Record<string, string>> = {
  bound: "max_requests",
  statsAtEnd: "stats_at_end",
};

/** Exports that are each told at the start; of more, only their number is. */
const TOLD = 16;

/** What a new configuration says of the process, which only a new process can follow. */
export function effectiveLater(old: TargetPlan, next: TargetPlan): string[] {
  const { exports: _exports, interfaces: _interfaces, ...rest } = next;
  return Object.entries(rest)
    .filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(old[key as keyof TargetPlan]),
    )
    .map(([key]) => `a change of \`${KEY_OF[key] ?? key}\` takes effect at the next start`);
}

export function describeApplied({ added, removed, changed, unchanged }: Applied): string {
  const parts = [
    [added.length, "added"],
    [removed.length, "removed"],
    [changed.length, "changed"],
    [unchanged, "unchanged"],
  ] as const;
  return parts.map(([count, what]) => `${count} ${what}`).join(", ");
}

export function describeStart(
  plan: TargetPlan,
  target: Target,
  exports: readonly Served[],
  metrics: MetricsServer | null,
): string[] {
  const sentences: string[] = [];
  if (exports.some(({ owner }) => owner.major === 0xfff)) {
    sentences.push("shelf 4095 is ignored by the Linux driver");
  }
  if (metrics !== null) sentences.push(`metrics at ${metrics.url}`);
  if (plan.control !== null) sentences.push(`control socket ${plan.control}`);
  for (const { name, link, mostSectors } of target.ports) {
    const where = `on ${name} (${formatMac(link.mac)}), mtu ${link.mtu}, ${mostSectors} sectors a command`;
    if (exports.length > TOLD || exports.length === 0) {
      sentences.push(`serves ${exports.length} exports ${where}`);
      continue;
    }
    for (const { plan: of, owner } of exports) {
      const { store, model, bufferCount } = owner;
      const facts = [
        store.writable ? (of.sync ? "synchronous writes" : null) : "read-only",
        `buffer count ${bufferCount}`,
        model.text === "" ? null : `service ${model.text}`,
        of.masks === null ? null : `for ${of.masks.map(formatMac).join(" ")} only`,
      ].filter((fact) => fact !== null);
      sentences.push(
        `${formatAddress(owner)} serves ${owner.storeName} (${store.sectors} sectors) ${where}, ${facts.join(", ")}`,
      );
    }
  }
  return sentences;
}

export function describeEnd(target: Target): string[] {
  const sentences: string[] = [];
  for (const owner of target.exports.slice(0, TOLD)) {
    const { reads, writes, flushes, ataErrors, aoeErrors, modelDropped } = owner.counters;
    sentences.push(
      `${formatAddress(owner)}: ${reads} reads, ${writes} writes, ${flushes} flushes, ${ataErrors} ATA errors, ${aoeErrors} AoE errors, ${modelDropped} dropped by the service model`,
    );
  }
  for (const { name, link, counters } of target.ports) {
    const dropped = counters.overBufferCount + counters.overGlobalBound;
    sentences.push(
      `${name}: ${counters.received} frames in, ${counters.answered} answered, ${counters.duplicatesDropped + counters.duplicatesAnswered} duplicates, ${dropped} beyond the buffer count, ${link.counters.receiveDrops} lost in the socket, ${counters.transmitBusy} answers that waited`,
    );
  }
  const faults = target.ports.reduce((sum, { counters }) => sum + counters.faults, 0);
  if (faults > 0) sentences.push(`${faults} requests met a fault in this program and were dropped`);
  if (target.inHand > 0) sentences.push(`${target.inHand} requests were left without an answer`);
  return sentences;
}

/** A failure of a store, and what would help where its image is shorter than what is served of it. */
export function describeStoreError(owner: Export, errno: number, operation: string): string {
  const { store, storeName } = owner;
  const sentence = `${formatAddress(owner)}: ${operation} of ${storeName} failed: ${describeErrno(errno)}`;
  let sectors: number;
  try {
    sectors = store.measure?.(null) ?? store.sectors;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return `${sentence}. ${error.message}`;
  }
  if (sectors === ANOTHER || sectors >= store.sectors) return sentence;
  return `${sentence}. It has ${sectors} sectors now, and ${store.sectors} are served: a reload or \`ctl export resize\` takes up its size`;
}
