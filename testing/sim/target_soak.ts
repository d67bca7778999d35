// A target under the virtual clock for as long as one likes: an export for each service model, clients
// that send whatever a client may, a network that loses, doubles, alters and reorders. At the end
// everything must have been given back, and every frame must have been counted once.
//
//   clients ─ memory link ─ faults ─▶ target ─▶ memory, a disk with bad sectors, a real file
//
// Models are changed while commands are in them, and exports come and go.

import { createDeadlines } from "../../link/deadlines.ts";
import type { FrameView, TxBuffer } from "../../link/link.ts";
import { createFaults } from "../../link/faults.ts";
import { parseFaults } from "../../link/fault_plan.ts";
import { createMemorySwitch } from "../../link/memory.ts";
import { iterate } from "../../link/loop.ts";
import { createVirtualClock } from "../../link/virtual_clock.ts";
import { ENOSPC } from "../../sys/errno.ts";
import { Export } from "../../target/protocol/export.ts";
import {
  ataFrame,
  configFrame,
  type Envelope,
  frame,
  maskFrame,
  OURS,
  pattern,
  PEER,
  readFrame,
  reserveFrame,
  writeFrame,
} from "../doubles/probe.ts";
import { parseServiceModel, type ServiceModel } from "../../target/service/model.ts";
import { loadProfile, profileNames } from "../../target/service/profile.ts";
import type { Store } from "../../target/stores/store.ts";
import { createFaultyStore } from "../../target/stores/faulty.ts";
import { createMemoryStore } from "../../target/stores/memory.ts";
import { Target } from "../../target/protocol/target.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import { type Frame, toBytes } from "../../wire/frame.ts";
import type { Mac } from "../../wire/mac.ts";
import { MS, S } from "../../words/quantity.ts";
import { createRandom } from "../../words/random.ts";

/** One export each, and one for each profile; every stage of design.md's list is among them. */
export const MODELS: readonly string[] = [
  "",
  "lanes:2,delay:fixed/200us",
  "delay:uniform/10us/2ms",
  "delay:normal/1ms/200us,lanes:8",
  "delay:lognormal/500us/400us",
  "lanes:4,delay:exponential/1ms",
  "delay:pareto/100us/2",
  "rate:500iops/8",
  "rate:1m/64k",
  "seek:7200/1ms/15ms",
  "stall:1s/100ms",
  "error:unc/5%,error:3/1%",
  "hang:0.1%",
  "drop:5%",
  "duplicate:10%",
  "reorder:10%/3ms",
];

const SECTORS = 4096;
const BUFFER_COUNT = 16;
const CLIENTS: readonly Mac[] = [PEER, 0x0200_0000_00c1, 0x0200_0000_00c2];
/** Answers are waited for that long before the same frame goes out again, and so many times. */
const PATIENCE = 400 * MS;
const TRIES = 3;
const FAULTS =
  "rx:drop:0.5%,rx:duplicate:1%,rx:corrupt:0.2%,rx:reorder:2%/1ms,tx:drop:0.5%,tx:duplicate:0.5%";

export interface SoakOptions {
  readonly seed: number;
  /** Virtual ns. */
  readonly length: number;
  /** Commands that each client keeps going at each export. */
  readonly depth: number;
  /** Mean pause of a client's slot between two commands, ns. */
  readonly pause: number;
  /** Stores beside those in memory, such as files; closed by their maker. */
  readonly stores?: readonly Store[];
}

export interface SoakReport {
  readonly commands: number;
  readonly answers: number;
  readonly givenUp: number;
  readonly retransmits: number;
  /** Request slots that the target made in all: what it holds for ever. */
  readonly slots: number;
  /** What should be nothing or equal, in words; empty when all is well. */
  readonly wrong: readonly string[];
}

/** One command that a client has going, or the pause behind it. */
interface Going {
  readonly index: number;
  readonly client: Mac;
  readonly owner: number;
  tag: number;
  bytes: Uint8Array;
  tries: number;
}

export function soak(options: SoakOptions): SoakReport {
  const random = createRandom(options.seed);
  const clock = createVirtualClock();
  const network = createMemorySwitch({
    clock,
    mtu: 1500,
    latency: 20e3,
    macs: [OURS, PEER],
    queueFrames: 65_536,
  });
  const [own, peer] = network.links;
  if (own === undefined || peer === undefined) throw new Error("invariant: two ports, two links");
  const link = createFaults(own, parseFaults(FAULTS, "faults"), {
    clock,
    random: random.fork("faults"),
  });
  const target = new Target();
  const models = [...MODELS, ...profileNames().map((name) => loadProfile(name, "profile").service)];
  const makeModel = (text: string, label: string): ServiceModel =>
    parseServiceModel(text, { what: "service", random: random.fork(label), sectors: SECTORS });
  const stores: Store[] = models.map((_text, index) => makeStore(index, random.fork(`s${index}`)));
  stores.push(...(options.stores ?? []));
  while (models.length < stores.length) models.push("delay:fixed/100us");
  const owners = stores.map((store, index) => {
    const owner = new Export({
      major: 1,
      minor: index,
      store,
      bufferCount: BUFFER_COUNT,
      model: makeModel(models[index] as string, `m${index}`),
    });
    target.addExport(owner);
    return owner;
  });
  const port = target.addPort(link, "soak");

  const clientRandom = random.fork("clients");
  const going: Going[] = [];
  /** When each is to be looked at again, by its index. */
  const due = createDeadlines();
  const byTag = new Map<number, Going>();
  const buffer = peer.allocate(1514) as TxBuffer;
  const counts = { commands: 0, answers: 0, givenUp: 0, retransmits: 0 };
  let tags = 0;
  for (let owner = 0; owner < owners.length; owner++) {
    for (const client of CLIENTS) {
      for (let slot = 0; slot < options.depth; slot++) {
        const index = going.length;
        going.push({ index, client, owner, tag: -1, bytes: new Uint8Array(0), tries: 0 });
        due.set(index, Math.floor(clientRandom.float() * options.pause));
      }
    }
  }
  const send = (each: Going): void => {
    buffer.bytes.set(each.bytes);
    peer.transmit(buffer, each.bytes.length);
    due.set(each.index, clock.now() + PATIENCE);
    each.tries++;
  };
  const rest = (each: Going): void => {
    byTag.delete(each.tag);
    each.tag = -1;
    due.set(each.index, Math.ceil(clock.now() + 1 + clientRandom.float() * 2 * options.pause));
  };
  const begin = (each: Going): void => {
    each.tag = tags = (tags + 1) % 0x7fff_ffff;
    each.bytes = toBytes(anything(clientRandom, each.owner, each.client, each.tag));
    each.tries = 0;
    byTag.set(each.tag, each);
    counts.commands++;
    send(each);
  };
  const step = (ending: boolean): void => {
    for (let index = due.pop(clock.now()); index >= 0; index = due.pop(clock.now())) {
      const each = going[index] as Going;
      if (each.tag < 0) {
        if (!ending) begin(each);
      } else if (each.tries < TRIES) {
        counts.retransmits++;
        send(each);
      } else {
        counts.givenUp++;
        rest(each);
      }
    }
  };
  const visit = ({ view, base, length }: FrameView): void => {
    if (length < aoe.LENGTH) return;
    const each = byTag.get(aoe.tag(view, base));
    // Copies, late answers, announcements.
    if (each === undefined) return;
    counts.answers++;
    rest(each);
  };

  let nextChange = 30 * S;
  const run = (until: number, ending: boolean): void => {
    for (;;) {
      step(ending);
      iterate(target, clock.now());
      while (peer.receive(visit, 256) > 0);
      const next = Math.min(
        due.next(),
        target.nextDeadline(),
        link.nextDeadline(),
        peer.nextDeadline(),
      );
      if (next > until) break;
      if (next > clock.now()) clock.wait(next);
      if (clock.now() >= nextChange && !ending) {
        nextChange += 30 * S;
        const at = clientRandom.below(models.length);
        const owner = owners[at];
        if (owner !== undefined) {
          target.setModel(
            owner,
            makeModel(models[clientRandom.below(MODELS.length)] as string, `${nextChange}`),
          );
        }
      }
    }
    while (clock.now() < until && until < Infinity) clock.wait(until);
  };
  run(options.length, false);
  // No new ones; what hangs is released, what the clients wait for comes or is given up.
  run(options.length + 60 * S, true);
  for (const owner of owners) target.release(owner);
  run(options.length + 120 * S, true);

  const wrong: string[] = [];
  const same = (what: string, got: number, expected: number): void => {
    if (got !== expected) wrong.push(`${what}: ${got}, not ${expected}`);
  };
  const all = port.counters;
  const sum = (of: (owner: Export) => number): number =>
    owners.reduce((total, owner) => total + of(owner), 0);
  const dropped = sum(({ counters }) => counters.modelDropped);
  const kinds = sum(({ counters: { reads, writes, flushes, otherAta, control } }) => {
    return reads + writes + flushes + otherAta + control;
  });
  same("requests in hand", target.inHand, 0);
  same(
    "requests in hand at the exports",
    sum(({ counters }) => counters.inService),
    0,
  );
  same("requests in service for P28", port.duplicates.inService, 0);
  same("answers that wait for room", port.backlog.length, 0);
  same("a deadline, Infinity for none", target.nextDeadline(), Infinity);
  same("commands that clients wait for", byTag.size, 0);
  same("commands, answered or given up", counts.answers + counts.givenUp, counts.commands);
  same(
    "frames in, by where they ended",
    all.responses +
      all.foreign +
      all.short +
      all.otherHost +
      all.badSource +
      all.otherAddress +
      all.masked +
      all.wildcardWrites +
      all.unmatchedTests +
      all.duplicatesDropped +
      all.overBufferCount +
      all.overGlobalBound +
      all.answered +
      dropped,
    all.received,
  );
  same(
    "requests by kind",
    kinds + all.badVersion + all.unknownCommand + all.duplicatesAnswered,
    all.answered + all.unmatchedTests + dropped + all.overBufferCount,
  );
  for (const owner of owners) {
    // Every place of P12 is free again: an initiator can take all of them.
    const places: number[] = [];
    for (let place = 0; place < owner.bufferCount; place++) {
      places.push(owner.admission.enter(PEER, port.index, owner.bufferCount));
    }
    if (places.includes(-1)) wrong.push(`places of P12 at e1.${owner.minor} are not free`);
    for (const place of places) if (place >= 0) owner.admission.leave(place);
  }
  const most = owners.length * CLIENTS.length * BUFFER_COUNT + 64;
  if (target.slots > most) wrong.push(`slots: ${target.slots}, more than ${most}`);
  return { ...counts, slots: target.slots, wrong };
}

/** Every fourth store has flaws: bad sectors, a disk that is full now and then, ends that come later. */
function makeStore(index: number, random: ReturnType<typeof createRandom>): Store {
  const inner = createMemoryStore(SECTORS);
  if (index % 4 !== 1) return inner;
  return createFaultyStore(inner, {
    badSectors: [17, 900],
    writeErrno: () => (random.below(200) === 0 ? ENOSPC : 0),
    polls: 2,
  });
}

/** A frame that a client may send, rarely one that it may not. */
function anything(
  random: ReturnType<typeof createRandom>,
  owner: number,
  from: Mac,
  tag: number,
): Frame {
  const to: Envelope = { major: 1, minor: owner, from, tag };
  const lba = random.below(SECTORS + 8);
  const kind = random.below(100);
  if (kind < 45) return readFrame(lba, 1 + random.below(2), to);
  if (kind < 80) return writeFrame(lba, PAYLOADS[random.below(2)] as Uint8Array, to);
  if (kind < 83) return ataFrame({ command: ata.FLUSH_EXT }, to);
  if (kind < 85) return ataFrame({ command: ata.IDENTIFY, count: 1 }, to);
  if (kind < 87) return ataFrame({ command: random.below(256) }, to);
  if (kind < 90) return configFrame(config.READ, "", to);
  if (kind < 92) return configFrame(config.FORCE_SET, `soak ${tag}`, to);
  // Tests that match go unanswered only now and then.
  if (kind < 93) return configFrame(config.TEST, "nothing of the kind", to);
  if (kind < 94) return maskFrame(0, [], to);
  if (kind < 95) return reserveFrame(0, [], to);
  if (kind < 96) return frame(0xf0 + random.below(16), { kind: "vendor" }, to);
  if (kind < 97) return readFrame(lba, 1, { ...to, version: 2 });
  if (kind < 98) return readFrame(lba, 1, { ...to, minor: 200 });
  return readFrame(lba, 200, to);
}

const PAYLOADS = [pattern(1, 1), pattern(2, 2)];
