// What a target serves under one shelf and slot: a store, and what AoE clients may set about it.

import type { Mac } from "../wire/mac.ts";
import { Histogram } from "../link/histogram.ts";
import { ANY_MAJOR, ANY_MINOR } from "../wire/aoe.ts";
import { LONGEST_STRING } from "../wire/config.ts";
import * as identify from "../wire/identify.ts";
import { Admission } from "./admission.ts";
import { type ExportCounters, createExportCounters } from "./counters.ts";
import { NO_MODEL, type ServiceModel } from "./service/model.ts";
import type { Store } from "./store.ts";

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
  readonly state?: ExportState;
  /** Makes a new state durable before a client hears of it; an errno: it is not, and nothing changes. */
  readonly save?: (state: ExportState) => number;
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
  private readonly save: ((state: ExportState) => number) | null;
  private admitted: Admission | null = null;
  private identity: Uint8Array | null = null;

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
    this.state = options.state ?? EMPTY_STATE;
    this.save = options.save ?? null;
  }

  /** Takes on `state` if it can be made durable. */
  change(state: ExportState): boolean {
    if (state.config.length > LONGEST_STRING) throw new Error("invariant: a config string fits");
    if (this.save !== null) {
      const errno = this.save(state);
      if (errno !== 0) {
        this.counters.storeErrors++;
        this.counters.lastErrno = errno;
        return false;
      }
    }
    this.state = state;
    return true;
  }

  /** P17. */
  admits(source: Mac): boolean {
    const { masks } = this.state;
    return masks.length === 0 || masks.includes(source);
  }

  /** P16. */
  isReservedFrom(source: Mac): boolean {
    const { reservation } = this.state;
    return reservation.length > 0 && !reservation.includes(source);
  }

  recordTime(ns: number): void {
    this.times ??= new Histogram();
    this.times.record(ns);
  }

  /** Made on first use: an idle export stays small. */
  get admission(): Admission {
    this.admitted ??= new Admission();
    return this.admitted;
  }

  /** The sector that IDENTIFY answers with. */
  get identifySector(): Uint8Array {
    if (this.identity === null) {
      this.identity = new Uint8Array(identify.LENGTH);
      identify.emit(
        {
          serial: `AOE-${this.major}.${this.minor}`,
          firmware: "1",
          model: "AoE software target",
          sectors: this.store.sectors,
          writeCache: this.store.writable && !this.store.synchronous,
          smart: true,
          physicalSectorBytes: 512,
          rpm: 0,
        },
        new DataView(this.identity.buffer),
        0,
      );
    }
    return this.identity;
  }
}
