// What a target serves under one shelf and slot: a store, and what AoE clients may set about it.

import type { Mac } from "../../wire/mac.ts";
import { COARSE, Histogram } from "../../statistics/histogram.ts";
import { ANY_MAJOR, ANY_MINOR } from "../../wire/aoe.ts";
import { LONGEST_STRING } from "../../wire/config.ts";
import * as identify from "../../wire/identify.ts";
import { Admission } from "./admission.ts";
import { type ExportCounters, createExportCounters } from "./counters.ts";
import type { Outcome } from "../outcome.ts";
import { NO_MODEL, type ServiceModel } from "../service/model.ts";
import type { Store } from "../stores/store.ts";

/** What clients set and what a restart must find again. */
export interface ExportState {
  readonly config: Uint8Array;
  readonly masks: readonly Mac[];
  readonly reservation: readonly Mac[];
}

export const EMPTY_STATE: ExportState = { config: new Uint8Array(0), masks: [], reservation: [] };

export interface ExportOptions {
  /** 0 … 65534 and 0 … 254 (P20). */
  readonly major: number;
  readonly minor: number;
  readonly store: Store;
  /** What people call the store. */
  readonly storeName?: string;
  /** Messages that the target holds for one initiator; 2 … 65535 (P12); default 64. */
  readonly bufferCount?: number;
  readonly model?: ServiceModel;
  /** Of its IDENTIFY sector; a function is asked at the first. `AOE-` and the address. */
  readonly serial?: string | (() => string);
  /** Which run of the target this is, below 2^48; 0, not told. */
  readonly instance?: number;
  readonly state?: ExportState;
  /** Makes a state durable and calls `ended` with 0, or with an errno: it is not. One at a time. */
  readonly save?: (state: ExportState, ended: (errno: number) => void) => void;
}

/** What a command makes of a state, and how it ends once that is durable. */
export interface StateChange {
  readonly state: ExportState;
  readonly outcome: Outcome;
}

interface PendingChange {
  readonly state: ExportState;
  readonly done: (saved: boolean) => void;
}

export const DEFAULT_BUFFER_COUNT = 64;

export class Export {
  // What each command looks at stands in front, as in the counters.
  state: ExportState;
  readonly counters: ExportCounters = createExportCounters();
  model: ServiceModel;
  readonly store: Store;
  /** Times from arrival to answer of ATA commands; made on first use. */
  times: Histogram | null = null;
  readonly major: number;
  readonly minor: number;
  readonly storeName: string;
  bufferCount: number;
  /** P25: a flush has failed, and a second one would succeed falsely. */
  failed = false;
  private readonly save: NonNullable<ExportOptions["save"]> | null;
  /** Changes that are not durable, oldest first; each begins from the one before. The first `saving` are being saved. */
  private readonly changes: PendingChange[] = [];
  private saving = 0;
  private admitted: Admission | null = null;
  private identity: Uint8Array | null = null;
  private serial: string | (() => string);
  private readonly instance: number;

  constructor(options: ExportOptions) {
    const { major, minor, bufferCount = DEFAULT_BUFFER_COUNT } = options;
    if (!(major >= 0 && major < ANY_MAJOR && minor >= 0 && minor < ANY_MINOR)) {
      throw new Error(`invariant: e${major}.${minor} is an address that an export may have`);
    }
    if (!(bufferCount >= 2 && bufferCount <= 0xffff)) {
      throw new Error(`invariant: buffer count ${bufferCount} is 2 to 65535`);
    }
    this.major = major;
    this.minor = minor;
    this.store = options.store;
    this.storeName = options.storeName ?? "its store";
    this.bufferCount = bufferCount;
    this.model = options.model ?? NO_MODEL;
    this.serial = options.serial ?? `AOE-${major}.${minor}`;
    this.instance = options.instance ?? 0;
    this.state = options.state ?? EMPTY_STATE;
    this.save = options.save ?? null;
  }

  /** Whether a change takes time: it must be durable before a client hears of it. */
  get savesState(): boolean {
    return this.save !== null;
  }
  /** The state that a change begins from: what those before it make of `state`. */
  get next(): ExportState {
    return this.changes.at(-1)?.state ?? this.state;
  }
  get isChanging(): boolean {
    return this.changes.length > 0;
  }

  /** Takes on `state`, made from `next`, once it is durable; `done` hears whether it is. What comes meanwhile is gathered. */
  change(state: ExportState, done: (saved: boolean) => void = () => {}): void {
    if (state.config.length > LONGEST_STRING) throw new Error("invariant: a config string fits");
    this.changes.push({ state, done });
    if (this.saving === 0) this.saveChanges();
  }

  private saveChanges(): void {
    const { state } = this.changes.at(-1) as PendingChange;
    this.saving = this.changes.length;
    if (this.save === null || state === this.state) this.saved(0);
    else this.save(state, (errno) => this.saved(errno));
  }

  private saved(errno: number): void {
    if (errno !== 0) {
      this.counters.storeErrors++;
      this.counters.lastErrno = errno;
    }
    // Where it failed, so have those that were gathered: they begin from what is not.
    const over = this.changes.splice(0, errno === 0 ? this.saving : this.changes.length);
    this.saving = 0;
    for (const { state, done } of over) {
      // One after the other, so that each answer tells what its own change made.
      if (errno === 0) this.state = state;
      done(errno === 0);
    }
    if (this.isChanging && this.saving === 0) this.saveChanges();
  }

  /** P17. */
  admits(source: Mac): boolean {
    const { masks } = this.state;
    return masks.length === 0 || masks.includes(source);
  }

  /** P16. */
  isReservedFrom(source: Mac, { reservation }: ExportState = this.state): boolean {
    return reservation.length > 0 && !reservation.includes(source);
  }

  /** Serves so many sectors from now on, as its store measured. */
  resize(sectors: number): void {
    this.store.resize?.(sectors);
    this.identity = null;
  }

  recordTime(ns: number): void {
    this.times ??= new Histogram(COARSE);
    this.times.record(ns);
  }

  /** Made on first use: an idle export stays small. */
  get admission(): Admission {
    this.admitted ??= new Admission();
    return this.admitted;
  }

  /** From now on; initiators are told by an announcement. */
  setSerial(serial: string | (() => string)): void {
    this.serial = serial;
    this.identity = null;
  }

  /** The sector that IDENTIFY answers with. */
  get identifySector(): Uint8Array {
    if (this.identity === null) {
      if (typeof this.serial !== "string") this.serial = this.serial();
      this.identity = new Uint8Array(identify.LENGTH);
      identify.emit(
        {
          serial: this.serial,
          firmware: "1",
          model: "AoE software target",
          sectors: this.store.sectors,
          writeCache: this.store.writable && !this.store.synchronous,
          smart: true,
          physicalSectorBytes: 512,
          rpm: 0,
          instance: this.instance,
        },
        new DataView(this.identity.buffer),
        0,
      );
    }
    return this.identity;
  }
}
