// A target in a process: opens what the command line names, runs the core until a signal, and closes in an
// order that loses nothing: no new requests, answers for what is in hand, a flush, the counters.

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

import { createCapture } from "../link/capture.ts";
import { type DriveMode, drive } from "../link/drive.ts";
import { type FaultPlan, parseFaults } from "../link/fault_plan.ts";
import { createFaults } from "../link/faults.ts";
import type { Link } from "../link/link.ts";
import { openPacketLink } from "../link/packet.ts";
import { createPollWaiter } from "../link/ppoll_waiter.ts";
import { type Wrapper, wrapLink } from "../link/wrap.ts";
import { allowedCpus, pinToCpus } from "../sys/affinity.ts";
import { wallClockAtZero } from "../sys/clock.ts";
import { describeErrno } from "../sys/errno.ts";
import { notify } from "../sys/notify.ts";
import { formatAddress } from "../words/address.ts";
import { environment } from "../words/failure.ts";
import { createRandom, type Random } from "../words/random.ts";
import { type Mac, formatMac } from "../wire/mac.ts";
import { EMPTY_STATE, Export, type ExportState } from "./export.ts";
import { LEAST_MTU } from "./port.ts";
import { parseServiceModel, type ServiceModel } from "./service/model.ts";
import { openStateFile, type StateFile } from "./state.ts";
import { openFileStore } from "./stores/file.ts";
import type { Store } from "./store.ts";
import { Target } from "./target.ts";

export interface ServeOptions {
  readonly major: number;
  readonly minor: number;
  readonly interfaces: readonly string[];
  readonly path: string;
  readonly bufferCount: number;
  readonly direct: boolean;
  readonly sync: boolean;
  readonly readOnly: boolean;
  /** The mask list at start, in place of a saved one; null: the saved one, or none. */
  readonly masks: readonly Mac[] | null;
  readonly offset: number;
  readonly length: number | null;
  /** As interfaces.md writes it; empty: none. */
  readonly service: string;
  readonly faults: string | null;
  readonly capture: string | null;
  readonly state: string | null;
  readonly seed: number;
  readonly mode: DriveMode | null;
  readonly cpus: readonly number[];
  readonly bound: number;
}

/** How long what is in hand may take to be answered after a signal, ns; the rest is reported. */
const GRACE = 5e9;

/** Serves until SIGINT or SIGTERM. */
export async function serve(options: ServeOptions): Promise<void> {
  // Asked before pinning: a CPU that we were given is ours to spin on, the only one there is is not.
  const mode = options.mode ?? (allowedCpus().length > 1 ? "low-latency" : "frugal");
  if (options.cpus.length > 0) pinToCpus(options.cpus);
  const random = createRandom(options.seed);
  // What the user wrote is judged before anything that may be refused for other reasons.
  const plan = options.faults === null ? null : parseFaults(options.faults, "--faults", loadTrace);
  const store = openFileStore({
    path: options.path,
    readOnly: options.readOnly,
    direct: options.direct,
    sync: options.sync,
    offset: options.offset,
    ...(options.length === null ? {} : { length: options.length }),
  });
  const model = parseServiceModel(options.service, {
    what: "--service",
    random: random.fork("service"),
    sectors: store.sectors,
    loadTrace,
  });
  const target = new Target({
    bound: options.bound,
    onStoreError: (owner, errno, operation) =>
      say(
        `${formatAddress(owner)}: ${operation} of ${options.path} failed: ${describeErrno(errno)}`,
      ),
  });
  target.addExport(makeExport(options, store, model));

  const waiter = createPollWaiter();
  const capture = options.capture === null ? null : openSync(options.capture, "w", 0o644);
  const links = options.interfaces.map((name) => {
    const link = openLink(name, plan, random, waiter, capture);
    target.addPort(link, name);
    for (const fd of link.fds) waiter.add(fd);
    return link;
  });

  let stopping = false;
  let giveUp = 0;
  const stop = (): void => {
    // Twice means now.
    giveUp = stopping ? 0 : waiter.now() + GRACE;
    stopping = true;
    target.close();
    waiter.wake();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  for (const sentence of describeStart(options, target, store, model)) say(sentence);
  const deaf = notify("READY=1");
  if (deaf !== null) say(`systemd was not told that the target is ready: ${deaf}`);

  try {
    await drive({
      core: target,
      waiter,
      mode,
      until: () => stopping && (target.isIdle || waiter.now() >= giveUp),
    });
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
    if (store.writable) {
      const errno = store.flush(0);
      if (errno > 0) say(`the last flush of ${options.path} failed: ${describeErrno(errno)}`);
    }
    for (const sentence of describeEnd(target)) say(sentence);
    for (const link of links) link.close();
    store.close();
    waiter.close();
    if (capture !== null) closeSync(capture);
  }
}

function makeExport(options: ServeOptions, store: Store, model: ServiceModel): Export {
  const { major, minor, bufferCount, masks } = options;
  let state: ExportState = EMPTY_STATE;
  let file: StateFile | null = null;
  if (options.state !== null) {
    file = openStateFile(options.state, { major, minor });
    state = file.load() ?? EMPTY_STATE;
  }
  if (masks !== null) state = { ...state, masks };
  return new Export({
    major,
    minor,
    store,
    bufferCount,
    model,
    state,
    ...(file === null ? {} : { save: file.save }),
  });
}

function openLink(
  name: string,
  plan: FaultPlan | null,
  random: Random,
  clock: { now(): number },
  capture: number | null,
): Link {
  const link = openPacketLink({ interface: name });
  if (link.mtu < LEAST_MTU) {
    const { mtu } = link;
    link.close();
    throw environment(
      `The MTU of ${name} must be ${LEAST_MTU} or more, what one sector takes, and is ${mtu}`,
    );
  }
  for (const warning of link.granted.warnings) say(warning);
  const wrappers: Wrapper[] = [];
  if (plan !== null) {
    wrappers.push((inner) =>
      createFaults(inner, plan, { clock, random: random.fork(`faults:${name}`) }),
    );
  }
  if (capture !== null) {
    // Next to the wire: the capture shows what the faults have left.
    const { seconds, nanoseconds } = wallClockAtZero();
    wrappers.push((inner) =>
      createCapture(inner, {
        clock,
        sink: (bytes) => writeSync(capture, bytes),
        epochSeconds: seconds + nanoseconds / 1e9,
      }),
    );
  }
  return wrapLink(link, wrappers);
}

function loadTrace(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw environment(`Can't read the trace ${path}: ${(error as Error).message}`);
  }
}

function describeStart(
  options: ServeOptions,
  target: Target,
  store: Store,
  model: ServiceModel,
): string[] {
  const sentences: string[] = [];
  if (options.major === 0xfff) {
    sentences.push("shelf 4095 is ignored by the Linux driver");
  }
  const facts = [
    store.writable ? (store.synchronous ? "synchronous writes" : null) : "read-only",
    `buffer count ${options.bufferCount}`,
    model.text === "" ? null : `service ${model.text}`,
    options.masks === null ? null : `for ${options.masks.map(formatMac).join(" ")} only`,
  ].filter((fact) => fact !== null);
  for (const { name, link, mostSectors } of target.ports) {
    sentences.push(
      `${formatAddress(options)} serves ${options.path} (${store.sectors} sectors) on ${name} (${formatMac(link.mac)}), mtu ${link.mtu}, ${mostSectors} sectors a command, ${facts.join(", ")}`,
    );
  }
  return sentences;
}

function describeEnd(target: Target): string[] {
  const sentences: string[] = [];
  for (const owner of target.exports) {
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
  if (target.inHand > 0) sentences.push(`${target.inHand} requests were left without an answer`);
  return sentences;
}

function say(sentence: string): void {
  process.stderr.write(`aoe target: ${sentence}\n`);
}
