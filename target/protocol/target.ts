// The target: exports × ports, a state machine without I/O of its own (link/loop.ts, Core).
//
//   frame ─▶ receive ─▶ serve ─┬▶ control ──────────────────────────────┐
//            P3 … P4    P17 …  └▶ ataCommand ─▶ model ─▶ run ─▶ finish ─┴▶ send ─▶ link
//                       P33                     time     store             backlog
//
// A read without a service model goes from the page cache into its transmit buffer, and a write from
// the receive ring to the file, within `receive`: no queue, no copy, nothing allocated. Whatever can't
// end at once holds a request slot, a place at P12 and an entry of P28 until it is answered.
//
// Long on purpose: the order of checks and a request's whole life stand in one place.

import type { FrameView, Link, Memory } from "../../link/link.ts";
import { createDeadlines } from "../../link/deadlines.ts";
import type { Core } from "../../link/loop.ts";
import { TO_BROADCAST, TO_OTHER } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { BROADCAST, type Mac, isGroup } from "../../wire/mac.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import { AddressTable } from "./address_table.ts";
import * as ataCommands from "./ata_commands.ts";
import { changesSomething, headerLength, requestLength } from "./command.ts";
import * as configCommands from "./config_commands.ts";
import { copyMemory } from "../../link/copy_memory.ts";
import type { Export, StateChange } from "./export.ts";
import * as maskCommands from "./mask_commands.ts";
import {
  type Outcome,
  SILENCE,
  SUCCESS,
  UNDECIDED,
  aoeError,
  aoeFailure,
  registers,
  status,
} from "../outcome.ts";
import { TargetPort, Request } from "./port.ts";
import * as reserveCommands from "./reserve_commands.ts";
import { advance as advanceModel, leave as leaveModel } from "../service/model.ts";
import type { ServiceModel } from "../service/model.ts";
import { DROPPED, HELD } from "../service/stage.ts";
import type { Completions, Store } from "../stores/store.ts";
import { INTERVAL, STEP, Sweep } from "./sweep.ts";
import { decodeAta } from "./ata_commands.ts";

/** Requests that the whole target holds at once: P12's global bound. */
export const DEFAULT_BOUND = 4096;
/** Broadcasts that wait to be answered by many exports, per port; beyond that they are dropped. */
const MOST_SWEEPS = 16;
/** How soon a store with something pending is asked again (ns). */
const AGAIN = 50e3;

export interface TargetOptions {
  readonly bound?: number;
  /** Called once for each new kind of failure of a store: what to tell people. */
  readonly onStoreError?: (
    owner: Export,
    errno: number,
    operation: "read" | "write" | "flush",
  ) => void;
  /**
   * Told of a fault of ours that a request met: the request is dropped, and those behind it are served. Not given:
   * the error is thrown, as tests want it.
   */
  readonly onFault?: (error: unknown) => void;
}

export class Target implements Core {
  readonly ports: TargetPort[] = [];
  readonly exports: Export[] = [];
  private readonly byAddress = new AddressTable();
  private readonly requests: Request[] = [];
  /** Places in `requests` whose port is gone. */
  private readonly vacant: number[] = [];
  private readonly draining: Draining[] = [];
  private portsMade = 0;
  private readonly deadlines = createDeadlines();
  /** Where completions of pending operations are polled, each with how many of the exports' stores it serves. */
  private readonly completionSources: {
    readonly from: Pick<Completions, "poll">;
    stores: number;
  }[] = [];
  private readonly bound: number;
  private readonly onStoreError: TargetOptions["onStoreError"];
  private readonly onFault: TargetOptions["onFault"];
  /** Being worked at now, if nothing else has it; what a fault of ours drops. */
  private serving: Request | null = null;
  private now = 0;
  private held = 0;
  private pending = 0;
  /** Of them, those whose end wakes nobody. */
  private silent = 0;
  /** Commands whose change of a state is not durable yet. */
  private saving = 0;
  private closing = false;

  constructor(options: TargetOptions = {}) {
    this.bound = options.bound ?? DEFAULT_BOUND;
    this.onStoreError = options.onStoreError;
    this.onFault = options.onFault;
  }

  /** Serves every export over `link` too; they are announced there. */
  addPort(link: Link, name: string): TargetPort {
    const port = new TargetPort(link, this.portsMade++, name, this.receive);
    this.ports.push(port);
    link.onChange = () => {
      if (port.measure()) this.announceOn(port);
    };
    this.announceOn(port);
    return port;
  }

  /**
   * Takes no more frames from the port and sends none. `gone` is called once nothing in hand uses its
   * link: what it has in hand is run to its end, and not answered.
   */
  removePort(port: TargetPort, gone: () => void): void {
    const at = this.ports.indexOf(port);
    if (at < 0) throw new Error(`invariant: ${port.name} is a port of this target`);
    // The loop does not come to it any more.
    port.link.flush();
    this.ports.splice(at, 1);
    port.removed = true;
    port.link.onChange = null;
    port.sweeps.length = 0;
    for (let waits = port.backlog.shift(); waits !== null; waits = port.backlog.shift()) {
      this.end(waits as Request, (waits as Request).outcome, this.now);
    }
    this.draining.push({
      isOver: () => port.held === 0,
      gone: () => {
        for (const { id } of port.spare()) this.vacant.push(id);
        gone();
      },
    });
  }

  exportAt(major: number, minor: number): Export | null {
    return this.byAddress.get(major, minor) ?? null;
  }

  /**
   * The address falls silent at once. What is in hand is answered, what a `hang` holds too; what was written is
   * flushed; then `gone` is called, with 0 or the errno of that flush, and nothing uses the store any more.
   */
  removeExport(owner: Export, gone: (errno: number) => void): void {
    const at = this.exports.indexOf(owner);
    if (at < 0) throw new Error(`invariant: e${owner.major}.${owner.minor} is served`);
    this.exports.splice(at, 1);
    this.byAddress.delete(owner);
    for (const { sweeps } of this.ports) {
      for (let index = sweeps.length - 1; index >= 0; index--) {
        const sweep = sweeps[index] as Sweep;
        if (sweep.only === owner) sweeps.splice(index, 1);
        else if (sweep.cursor > at) sweep.cursor--;
      }
    }
    this.release(owner);
    this.draining.push({
      isOver: () => owner.counters.inService === 0,
      gone: () => {
        this.settle(owner, (errno) => {
          this.forgetStore(owner.store);
          gone(errno);
        });
      },
    });
  }

  /** Makes durable what was written: `ended` hears 0 or an errno, at once or in a later iteration. */
  settle({ store }: Export, ended: (errno: number) => void): void {
    if (store.settle === undefined) {
      ended(0);
      return;
    }
    this.operationBegan(store);
    store.settle((errno) => {
      this.operationEnded(store);
      ended(errno);
    });
  }

  private operationBegan(store: Store): void {
    this.pending++;
    if (store.completions?.signals !== true) this.silent++;
  }

  private operationEnded(store: Store): void {
    this.pending--;
    if (store.completions?.signals !== true) this.silent--;
  }

  /** From now on commands take `model`; those in the one before stay there, but what that one hangs is released. */
  setModel(owner: Export, model: ServiceModel): void {
    this.release(owner);
    owner.model = model;
    this.useModel(owner);
  }

  /** Releases the commands that the export's model would hold forever; their number. */
  release(owner: Export): number {
    let released = 0;
    for (const stage of owner.model.stages) released += stage.release(this.now);
    return released;
  }

  /** The export has so many sectors from now on. An announcement makes initiators ask for its IDENTIFY sector. */
  resize(owner: Export, sectors: number): void {
    owner.resize(sectors);
    this.announceExport(owner);
  }

  /** What a config answer says has changed (P10, P11). */
  announceExport(owner: Export): void {
    for (const port of this.ports) port.sweeps.push(new Sweep(null, this.now, owner));
  }

  /** Throws where the address is taken. */
  addExport(added: Export): void {
    if (this.byAddress.get(added.major, added.minor) !== undefined) {
      throw new Error(`invariant: e${added.major}.${added.minor} is served once`);
    }
    this.exports.push(added);
    this.byAddress.set(added);
    if (added.store.asynchronous) this.listenTo(added.store);
    this.useModel(added);
    this.announceExport(added);
  }

  private listenTo(store: Store): void {
    const from = store.completions ?? store;
    const source = this.completionSources.find((each) => each.from === from);
    if (source === undefined) this.completionSources.push({ from, stores: 1 });
    else source.stores++;
  }

  private forgetStore(store: Store): void {
    const from = store.completions ?? store;
    const at = this.completionSources.findIndex((each) => each.from === from);
    const source = this.completionSources[at];
    if (source !== undefined && --source.stores === 0) this.completionSources.splice(at, 1);
  }

  /** A command that a stage gives back goes on in this core's own time. Call it after setting `model`. */
  useModel(owner: Export): void {
    for (const stage of owner.model.stages) {
      stage.resume = (job, at) => this.deadlines.set((job as Request).id, at);
    }
  }

  /** Requests in hand: taken and not yet answered. */
  get inHand(): number {
    return this.held;
  }

  /** Requests that there is room for without making more, those in hand included. */
  get slots(): number {
    return this.requests.length;
  }

  /** Nothing in hand that time, a store, a saved state or a link will bring to an end: what a `hang` holds does not count. */
  get isIdle(): boolean {
    if (this.pending > 0 || this.saving > 0) return false;
    if (this.held === 0 && this.draining.length === 0) return true;
    return this.nextDeadline() === Infinity;
  }

  /** Takes no more requests; what is in hand is still answered. */
  close(): void {
    this.closing = true;
  }

  // Core

  begin(now: number): void {
    this.now = now;
  }

  advance(now: number): void {
    this.now = now;
    // From the last: an export that goes takes its own along.
    for (let at = this.completionSources.length - 1; at >= 0 && this.pending > 0; at--) {
      this.completionSources[at]?.from.poll(this.storeEnded);
    }
    for (;;) {
      // The time that was asked for, not the time it is: what follows is not late because we are.
      const at = this.deadlines.next();
      const id = this.deadlines.pop(now);
      if (id < 0) break;
      this.proceed(this.requests[id] as Request, at);
    }
    for (const port of this.ports) {
      if (port.backlog.length > 0 && now >= port.againAt) this.retry(port);
      if (port.sweeps.length > 0) this.sweep(port);
    }
    if (this.draining.length > 0) this.finishRemoved();
  }

  private finishRemoved(): void {
    // Answers leave first: `gone` promises that they have.
    for (const { link } of this.ports) link.flush();
    for (let index = this.draining.length - 1; index >= 0; index--) {
      const draining = this.draining[index] as Draining;
      if (!draining.isOver()) continue;
      this.draining.splice(index, 1);
      draining.gone();
    }
  }

  nextDeadline(): number {
    let next = this.deadlines.next();
    for (const port of this.ports) {
      const sweep = port.sweeps[0];
      // Sweeps wait for the backlog: what is due then is the next try.
      if (port.backlog.length > 0) next = Math.min(next, port.againAt);
      else if (sweep !== undefined) next = Math.min(next, sweep.dueAt);
    }
    for (const draining of this.draining) if (draining.isOver()) return this.now;
    return this.silent > 0 ? Math.min(next, this.now + AGAIN) : next;
  }

  // P34: one order of checks. First those that need no export …

  private readonly receive = (port: TargetPort, frame: FrameView): void => {
    this.serving = null;
    try {
      this.judge(port, frame);
    } catch (error) {
      this.faulted(port, error);
    }
  };

  /** No frame, whatever is in it, ends the service of others. */
  private faulted(port: TargetPort, error: unknown): void {
    const request = this.serving;
    this.serving = null;
    if (request !== null && request.owner !== null) this.end(request, SILENCE, this.now);
    if (this.onFault === undefined) throw error;
    port.counters.faults++;
    this.onFault(error);
  }

  private judge(port: TargetPort, frame: FrameView): void {
    const { view, base, length } = frame;
    const { counters } = port;
    counters.received++;
    counters.receivedBytes += length;
    if (frame.addressed === TO_BROADCAST) counters.broadcasts++;
    if (this.closing) return;
    // P13: a limit of 0 sectors would be read as 2, so an MTU that fell this far is no interface of ours.
    if (port.mostSectors === 0) {
      counters.mtuTooSmall++;
      return;
    }
    if (length < ethernet.LENGTH || ethernet.type(view, base) !== ethernet.ETHERTYPE_AOE) {
      counters.foreign++;
      return;
    }
    // P3
    if (length > aoe.VERSION_FLAGS && aoe.isResponse(view, base)) {
      counters.responses++;
      return;
    }
    if (length < aoe.LENGTH) {
      counters.short++;
      return;
    }
    // P32
    if (frame.addressed >= TO_OTHER) {
      counters.otherHost++;
      return;
    }
    const source = ethernet.source(view, base);
    // Zero is everyone's on the loopback, ours too.
    if (source === 0 ? port.link.mac !== 0 : isGroup(source)) {
      counters.badSource++;
      return;
    }
    // P4
    const major = aoe.major(view, base);
    const minor = aoe.minor(view, base);
    if (major !== aoe.ANY_MAJOR && minor !== aoe.ANY_MINOR) {
      const owner = this.byAddress.get(major, minor);
      if (owner === undefined) counters.otherAddress++;
      else this.serveOne(port, frame, owner, source);
      return;
    }
    this.serveAll(port, frame, major, minor, source);
  }

  /** A wildcard concerns each export that it matches: the few at once, the many in steps. */
  private serveAll(
    port: TargetPort,
    frame: FrameView,
    major: number,
    minor: number,
    source: Mac,
  ): void {
    const { exports } = this;
    if (exports.length > STEP) {
      if (port.sweeps.length >= MOST_SWEEPS) port.counters.overGlobalBound++;
      else port.sweeps.push(new Sweep(frame, this.now));
      return;
    }
    let matched = false;
    for (let index = 0; index < exports.length; index++) {
      const owner = exports[index] as Export;
      if (!matches(owner, major, minor)) continue;
      matched = true;
      this.serve(port, frame, owner, source);
    }
    if (!matched) port.counters.otherAddress++;
  }

  // … then those that one export makes.

  private serve(port: TargetPort, frame: FrameView, owner: Export, source: Mac): void {
    this.serving = null;
    try {
      this.serveOne(port, frame, owner, source);
    } catch (error) {
      this.faulted(port, error);
    }
  }

  private serveOne(port: TargetPort, frame: FrameView, owner: Export, source: Mac): void {
    const { view, base, length } = frame;
    const { counters } = port;
    // Mask list, P17
    if (!owner.admits(source)) {
      counters.masked++;
      return;
    }
    // P7
    if (aoe.version(view, base) !== aoe.VERSION) {
      counters.badVersion++;
      if (ethernet.destination(view, base) === port.link.mac) {
        this.refuse(port, frame, owner, source, aoe.ERROR_VERSION);
      }
      return;
    }
    // Command known, P8
    const command = aoe.command(view, base);
    if (command > aoe.COMMAND_RESERVE) {
      counters.unknownCommand++;
      this.refuse(port, frame, owner, source, aoe.ERROR_UNRECOGNIZED);
      return;
    }
    // P30
    if (length < headerLength(command)) {
      counters.short++;
      return;
    }
    // P33
    const changes = changesSomething(command, view, base);
    const wildcard =
      aoe.major(view, base) === aoe.ANY_MAJOR || aoe.minor(view, base) === aoe.ANY_MINOR;
    if (changes && wildcard) {
      counters.wildcardWrites++;
      return;
    }
    // P28, then reservation, arguments and range.
    const { duplicates } = port;
    const tag = aoe.tag(view, base);
    let entry = -1;
    let own = 0;
    if (!wildcard && (changes || duplicates.inService > 0)) {
      own = requestLength(command, view, base, length);
      entry = duplicates.find(frame, base, own, source, tag, this.now);
      if (entry >= 0 && duplicates.isInService(entry)) {
        counters.duplicatesDropped++;
        return;
      }
    }
    const request = this.take(port, owner, source, tag, command);
    if (request === null) {
      counters.overGlobalBound++;
      return;
    }
    request.changes = changes;
    if (entry >= 0) {
      counters.duplicatesAnswered++;
      if (command === aoe.COMMAND_ATA) decodeAta(request, view, base);
      request.failedLba = duplicates.lba(entry);
      this.answer(request, frame, duplicates.outcome(entry), this.now);
      return;
    }
    if (changes) {
      request.duplicate = duplicates.insert(frame, base, own, source, tag, this.now);
      counters.duplicatesEvicted = duplicates.evicted;
    }
    if (command === aoe.COMMAND_ATA) this.ata(request, frame, owner);
    else this.control(request, frame, owner);
  }

  private control(request: Request, frame: FrameView, owner: Export): void {
    owner.counters.control++;
    const asked = this.controlOutcome(request, frame, owner);
    if (typeof asked !== "number") {
      this.change(request, frame, owner, asked);
    } else if (request.changes && owner.isChanging) {
      // It follows from a change that is not durable yet.
      this.change(request, frame, owner, { state: owner.next, outcome: asked });
    } else if (asked === SILENCE) {
      request.port.counters.unmatchedTests++;
      this.end(request, SILENCE, this.now);
    } else {
      this.answer(request, frame, asked, this.now);
    }
  }

  private controlOutcome(request: Request, frame: FrameView, owner: Export): Outcome | StateChange {
    const { base, length } = frame;
    const mtu = this.leastMtu();
    switch (request.command) {
      case aoe.COMMAND_CONFIG:
        return configCommands.apply(owner, frame, base, length, configCommands.longestString(mtu));
      case aoe.COMMAND_MASK:
        return maskCommands.apply(owner, frame, base, length, maskCommands.mostEntries(mtu));
      default:
        return reserveCommands.apply(
          owner,
          frame,
          base,
          length,
          request.source,
          reserveCommands.mostMembers(mtu),
        );
    }
  }

  /** Answers once what the command makes of the export's state is durable. */
  private change(
    request: Request,
    frame: FrameView,
    owner: Export,
    { state, outcome }: StateChange,
  ): void {
    const waits = owner.savesState;
    if (waits) {
      if (!this.admit(request, frame, owner)) {
        this.end(request, SILENCE, this.now);
        return;
      }
      // The answer repeats some of it.
      const { buffer } = request;
      copyMemory(frame, frame.base, buffer, 0, Math.min(frame.length, buffer.bytes.length));
    }
    this.saving++;
    owner.change(state, (saved) => {
      this.saving--;
      this.serving = request;
      try {
        const end = saved ? outcome : unsaved(request.command);
        this.answer(request, waits ? null : frame, end, this.now);
      } catch (error) {
        this.faulted(request.port, error);
      }
    });
  }

  private ata(request: Request, frame: FrameView, owner: Export): void {
    const { view, base, length } = frame;
    const { port } = request;
    decodeAta(request, view, base);
    const outcome = ataCommands.check(request, owner, length, port.mostSectors);
    count(owner, request);
    const { model } = owner;
    const atOnce = model.stages.length === 0;
    if (atOnce && outcome === UNDECIDED && this.sendInPlace(request, owner)) return;
    const result =
      atOnce && outcome === UNDECIDED
        ? this.execute(request, owner, frame, base + ata.LENGTH, true)
        : outcome;
    if (result !== UNDECIDED && (atOnce || aoeError(result) !== 0)) {
      this.answer(request, frame, result, this.now);
      return;
    }
    if (!this.admit(request, frame, owner)) {
      this.end(request, SILENCE, this.now);
      return;
    }
    owner.counters.deferred++;
    request.decided = outcome;
    if (request.write && outcome === UNDECIDED) ataCommands.keepPayload(request, frame);
    request.model = model;
    request.stage = 0;
    this.proceed(request, this.now);
  }

  /** A read of what is known to be in memory, sent from where it is. False: nothing was done. */
  private sendInPlace(request: Request, owner: Export): boolean {
    const { port, sectors } = request;
    const { link } = port;
    const { store } = owner;
    if (sectors === 0 || request.write) return false;
    if (link.transmitBoth === undefined || store.addressOf === undefined) return false;
    if (port.backlog.length > 0 || port.removed) return false;
    const address = store.addressOf(request.lba, sectors);
    if (address === 0) return false;
    writeHeaders(request, owner, 0);
    const length = ataCommands.answer(request, ataCommands.OK);
    const bytes = length - ata.LENGTH;
    if (!link.transmitBoth(request.buffer, ata.LENGTH, address, bytes)) return false;
    port.counters.sentBytes += length;
    port.counters.answered++;
    this.end(request, ataCommands.OK, this.now);
    return true;
  }

  /** P12, and an entry of P28 for what will be in service for a while. False: it must be dropped. */
  private admit(request: Request, frame: FrameView, owner: Export): boolean {
    const { port, source, tag } = request;
    request.admission = owner.admission.enter(source, port.index, owner.bufferCount);
    if (request.admission < 0) {
      port.counters.overBufferCount++;
      owner.counters.over++;
      return false;
    }
    if (request.duplicate < 0 && !isWildcard(frame)) {
      const { view, base, length } = frame;
      const own = requestLength(request.command, view, base, length);
      request.duplicate = port.duplicates.insert(frame, base, own, source, tag, this.now);
    }
    return true;
  }

  /** On through the service model from where the request stands, at `at` ns. */
  private proceed(request: Request, at: number): void {
    this.serving = request;
    try {
      this.goOn(request, at);
    } catch (error) {
      this.faulted(request.port, error);
    }
  }

  private goOn(request: Request, at: number): void {
    const { model, owner } = request;
    if (model === null || owner === null) throw new Error("invariant: a request in service");
    const next = advanceModel(model, request, at);
    if (next === HELD) return;
    if (next === DROPPED) {
      owner.counters.modelDropped++;
      this.end(request, SILENCE, at);
      return;
    }
    if (next > this.now) {
      this.deadlines.set(request.id, next);
      return;
    }
    // Due already, but the stages behind count from when it was due.
    if (request.stage < model.stages.length) {
      this.goOn(request, next);
      return;
    }
    if (request.decided === UNDECIDED) {
      const outcome = this.execute(request, owner, request.buffer, ata.LENGTH);
      if (outcome === UNDECIDED) {
        request.heldAt = next;
        this.operationBegan(owner.store);
        return;
      }
      this.answer(request, null, outcome, next);
    } else {
      this.answer(request, null, request.decided, next);
    }
  }

  /** `now`: only what needs no waiting, or UNDECIDED with nothing begun. */
  private execute(
    request: Request,
    owner: Export,
    payload: Memory,
    offset: number,
    now = false,
  ): Outcome {
    const errors = owner.counters.storeErrors;
    const last = owner.counters.lastErrno;
    const outcome = now
      ? ataCommands.executeNow(request, owner, payload, offset)
      : ataCommands.execute(request, owner, payload, offset);
    if (owner.counters.storeErrors !== errors) this.report(request, owner, last);
    return outcome;
  }

  private readonly storeEnded = (token: number, errno: number, good: number): void => {
    const request = this.requests[token] as Request;
    const { owner } = request;
    if (owner === null) throw new Error("invariant: a store ends what it was given, once");
    this.operationEnded(owner.store);
    const last = owner.counters.lastErrno;
    this.serving = request;
    try {
      const outcome = ataCommands.ended(request, owner, errno, good);
      if (errno !== 0) this.report(request, owner, last);
      this.answer(request, null, outcome, this.now);
    } catch (error) {
      this.faulted(request.port, error);
    }
  };

  private report(request: Request, owner: Export, last: number): void {
    if (owner.counters.lastErrno === last) return;
    const operation = request.write ? "write" : request.sectors > 0 ? "read" : "flush";
    this.onStoreError?.(owner, owner.counters.lastErrno, operation);
  }

  // Answers.

  /** Writes the answer into the request's buffer and sends it. `frame` is there while it is being received. */
  private answer(request: Request, frame: FrameView | null, outcome: Outcome, at: number): void {
    const { owner, command } = request;
    if (owner === null) throw new Error("invariant: a request in hand has an owner");
    const { view } = request.buffer;
    const failure = aoeError(outcome);
    request.outcome = outcome;
    writeHeaders(request, owner, failure);
    let length: number;
    if (command === aoe.COMMAND_ATA) {
      length = ataCommands.answer(request, outcome);
      if (failure === 0 && (status(outcome) & ata.STATUS_ERR) !== 0) owner.counters.ataErrors++;
    } else {
      // One that had to wait was kept in its buffer.
      length = this.controlAnswer(
        request,
        owner,
        frame ?? request.buffer,
        frame?.base ?? 0,
        outcome,
      );
    }
    if (failure !== 0) owner.counters.aoeErrors++;
    request.length = ethernet.pad(view, 0, length);
    this.send(request, frame, at);
  }

  private controlAnswer(
    request: Request,
    owner: Export,
    frame: Memory,
    base: number,
    outcome: Outcome,
  ): number {
    const { port } = request;
    const { view } = request.buffer;
    const mtu = this.leastMtu();
    switch (request.command) {
      case aoe.COMMAND_CONFIG:
        return configCommands.answer(
          owner,
          view,
          config.command(frame.view, base),
          port.mostSectors,
          port.frameBytes,
        );
      case aoe.COMMAND_MASK:
        return maskCommands.answer(
          owner,
          view,
          mask.command(frame.view, base),
          outcome,
          frame,
          base,
          maskCommands.mostEntries(mtu),
          port.frameBytes,
        );
      default:
        return reserveCommands.answer(
          owner,
          view,
          reserve.command(frame.view, base),
          reserveCommands.mostMembers(mtu),
        );
    }
  }

  /** An error that needs no more than the header: P7, P8. */
  private refuse(
    port: TargetPort,
    frame: FrameView,
    owner: Export,
    source: Mac,
    failure: number,
  ): void {
    const { view, base } = frame;
    const request = this.take(port, owner, source, aoe.tag(view, base), aoe.command(view, base));
    if (request === null) {
      port.counters.overGlobalBound++;
      return;
    }
    owner.counters.aoeErrors++;
    request.outcome = failure;
    writeHeaders(request, owner, failure);
    request.length = ethernet.pad(request.buffer.view, 0, aoe.LENGTH);
    this.send(request, null, this.now);
  }

  private send(request: Request, frame: FrameView | null, at: number): void {
    const { port } = request;
    if (port.removed) {
      this.end(request, request.outcome, at);
      return;
    }
    if (port.backlog.length === 0 && this.transmit(request)) {
      this.end(request, request.outcome, at);
      return;
    }
    // The answer waits, so the request is in hand for longer than this frame: P12 and P28 hold for it.
    port.counters.transmitBusy++;
    const { owner } = request;
    if (frame !== null && request.admission < 0 && owner !== null) {
      if (!this.admit(request, frame, owner)) {
        this.end(request, request.outcome, at);
        return;
      }
    }
    request.heldAt = at;
    port.backlog.push(request);
  }

  /** Every copy of the answer, or false where the link has no room for the next one. */
  private transmit(request: Request): boolean {
    const { port } = request;
    while (request.copies > 0) {
      if (!port.link.transmit(request.buffer, request.length)) {
        port.refused(this.now);
        return false;
      }
      port.counters.sentBytes += request.length;
      request.copies--;
    }
    if (request.announcement) port.counters.announced++;
    else port.counters.answered++;
    return true;
  }

  private retry(port: TargetPort): void {
    for (let left = port.backlog.length; left > 0; left--) {
      const request = port.backlog.first as Request;
      // It may have changed since the answer was made.
      ethernet.writeSource(request.buffer.view, 0, port.link.mac);
      if (!this.transmit(request)) return;
      port.accepted();
      port.backlog.shift();
      this.end(request, request.outcome, request.heldAt);
    }
  }

  // Slots.

  private take(
    port: TargetPort,
    owner: Export,
    source: Mac,
    tag: number,
    command: number,
  ): Request | null {
    if (this.held >= this.bound) return null;
    const request = port.take() ?? this.make(port);
    if (request === null) return null;
    this.serving = request;
    this.held++;
    port.held++;
    request.owner = owner;
    request.source = source;
    request.tag = tag;
    request.command = command;
    request.arrivedAt = this.now;
    request.copies = 1;
    request.decided = UNDECIDED;
    request.changes = false;
    request.announcement = false;
    const { counters } = owner;
    counters.inService++;
    if (counters.inService > counters.mostInService) counters.mostInService = counters.inService;
    return request;
  }

  private make(port: TargetPort): Request | null {
    const buffer = port.link.allocate(port.frameBytes);
    if (buffer === null) return null;
    const id = this.vacant.pop() ?? this.requests.length;
    const request = new Request(id, port, buffer);
    this.requests[id] = request;
    return request;
  }

  /** The request is over, answered or not: everything it held is free. `at`: when it was due, ns. */
  private end(request: Request, outcome: Outcome, at: number): void {
    const { owner, port, model } = request;
    if (owner === null) throw new Error("invariant: a request ends once");
    if (request.duplicate >= 0) {
      const keep = outcome !== SILENCE && request.changes;
      if (keep) port.duplicates.complete(request.duplicate, outcome, request.failedLba, this.now);
      else port.duplicates.forget(request.duplicate);
      request.duplicate = -1;
    }
    if (request.admission >= 0) {
      owner.admission.leave(request.admission);
      request.admission = -1;
    }
    owner.counters.inService--;
    if (request.command === aoe.COMMAND_ATA) {
      const ns = this.now - request.arrivedAt;
      if (request.write) owner.counters.writeNs += ns;
      else if (request.sectors > 0) owner.counters.readNs += ns;
      else owner.counters.otherNs += ns;
      owner.recordTime(ns);
    }
    request.owner = null;
    request.model = null;
    this.held--;
    port.held--;
    // Last: it may bring the next one in line to life.
    if (model !== null) leaveModel(model, request, at);
    port.give(request);
  }

  // Announcements and wildcards.

  private announceOn(port: TargetPort): void {
    if (port.mostSectors === 0) return;
    // One that has not begun will say what there is to say.
    if (
      port.sweeps.some(
        ({ isAnnouncement, only, cursor }) => isAnnouncement && only === null && cursor === 0,
      )
    )
      return;
    port.sweeps.push(new Sweep(null, this.now));
  }

  private sweep(port: TargetPort): void {
    const sweep = port.sweeps[0] as Sweep;
    if (this.now < sweep.dueAt || port.backlog.length > 0) return;
    if (sweep.only !== null) {
      this.sweepEach(port);
      return;
    }
    const { exports } = this;
    const end = Math.min(exports.length, sweep.cursor + STEP);
    for (; sweep.cursor < end; sweep.cursor++) {
      const owner = exports[sweep.cursor] as Export;
      if (sweep.isAnnouncement) this.announce(port, owner);
      else if (matches(owner, aoe.major(sweep.view, 0), aoe.minor(sweep.view, 0))) {
        this.serve(port, sweep, owner, ethernet.source(sweep.view, 0));
      }
    }
    sweep.dueAt = this.now + INTERVAL;
    if (sweep.cursor >= exports.length) port.sweeps.shift();
  }

  /** A step over announcements of one export each. */
  private sweepEach(port: TargetPort): void {
    const { sweeps } = port;
    let done = 0;
    for (; done < STEP; done++) {
      const owner = sweeps[done]?.only ?? null;
      if (owner === null) break;
      this.announce(port, owner);
    }
    sweeps.splice(0, done);
    const [next] = sweeps;
    if (next !== undefined) next.dueAt = Math.max(next.dueAt, this.now + INTERVAL);
  }

  /** P11: to everyone, or to each of the mask list. */
  private announce(port: TargetPort, owner: Export): void {
    const { masks } = owner.state;
    if (masks.length === 0) this.announceTo(port, owner, BROADCAST);
    else for (const mac of masks) this.announceTo(port, owner, mac);
  }

  private announceTo(port: TargetPort, owner: Export, to: Mac): void {
    const request = this.take(port, owner, to, 0, aoe.COMMAND_CONFIG);
    if (request === null) return;
    const { view } = request.buffer;
    writeHeaders(request, owner, 0);
    const length = configCommands.answer(
      owner,
      view,
      config.READ,
      port.mostSectors,
      port.frameBytes,
    );
    request.outcome = SUCCESS;
    request.announcement = true;
    request.length = ethernet.pad(view, 0, length);
    this.send(request, null, this.now);
  }

  /** What limits a list that every interface must be able to tell (P16, P17). */
  private leastMtu(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const port of this.ports) least = Math.min(least, port.link.mtu);
    return least;
  }
}

/** What is no longer served but still in use. */
interface Draining {
  readonly isOver: () => boolean;
  readonly gone: () => void;
}

/** How a command ends whose change could not be saved. */
function unsaved(command: number): Outcome {
  return command === aoe.COMMAND_MASK
    ? registers(mask.ERROR_UNSPECIFIED, 0)
    : aoeFailure(aoe.ERROR_UNAVAILABLE);
}

/** P4: shelf and slot each on its own. */
function matches(owner: Export, major: number, minor: number): boolean {
  return (
    (major === owner.major || major === aoe.ANY_MAJOR) &&
    (minor === owner.minor || minor === aoe.ANY_MINOR)
  );
}

function isWildcard(frame: FrameView): boolean {
  const { view, base } = frame;
  return aoe.major(view, base) === aoe.ANY_MAJOR || aoe.minor(view, base) === aoe.ANY_MINOR;
}

/** P5. */
function writeHeaders(request: Request, owner: Export, failure: number): void {
  const { view } = request.buffer;
  ethernet.write(view, 0, request.source, request.port.link.mac);
  const flags = failure === 0 ? aoe.FLAG_RESPONSE : aoe.FLAG_RESPONSE | aoe.FLAG_ERROR;
  aoe.write(view, 0, flags, failure, owner.major, owner.minor, request.command, request.tag);
}

function count(owner: Export, request: Request): void {
  const { counters } = owner;
  counters.queueLength += counters.inService;
  switch (request.opcode) {
    case ata.READ:
    case ata.READ_EXT:
      counters.reads++;
      counters.readBytes += request.count * ata.SECTOR;
      break;
    case ata.WRITE:
    case ata.WRITE_EXT:
      counters.writes++;
      counters.writtenBytes += request.count * ata.SECTOR;
      break;
    case ata.FLUSH:
    case ata.FLUSH_EXT:
      counters.flushes++;
      break;
    default:
      counters.otherAta++;
  }
}
