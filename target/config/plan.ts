// What a target process is to do, however it was told: by a command line, a file, or the control socket.

import type { DriveMode } from "../../link/drive.ts";
import type { XdpUse } from "../../link/xdp_use.ts";
import type { BlockingKind } from "../../sys/blocking_io.ts";
import type { Address } from "../../words/address.ts";
import type { Mac } from "../../wire/mac.ts";
import { DEFAULT_BUFFER_COUNT } from "../protocol/export.ts";
import { DEFAULT_BOUND } from "../protocol/target.ts";
import type { ExportValues, ProcessValues } from "./keys.ts";

export type StorePlan =
  | {
      readonly kind: "file";
      readonly path: string;
      /** Whether a file will not do. */
      readonly device: boolean;
      /** Bytes of the sparse file to make where it is missing; null: it must be there. */
      readonly create: number | null;
    }
  | { readonly kind: "memory"; readonly bytes: number };

export interface ExportPlan {
  readonly address: Address;
  readonly store: StorePlan;
  /** Sectors. */
  readonly offset: number;
  readonly length: number | null;
  readonly readOnly: boolean;
  readonly sync: boolean;
  readonly direct: boolean;
  /** In place of a saved mask list; null: the saved one, or none. */
  readonly masks: readonly Mac[] | null;
  readonly bufferCount: number;
  /** Null: one that follows from host and image. */
  readonly serial: string | null;
  /** As interfaces.md writes it; empty: none. */
  readonly service: string;
}

export interface TargetPlan {
  readonly exports: readonly ExportPlan[];
  readonly interfaces: readonly string[];
  readonly control: string | null;
  readonly metrics: string | null;
  readonly state: string | null;
  /** Damaged state files are set aside, and their exports start with an empty state. */
  readonly resetState: boolean;
  readonly user: string | null;
  readonly mode: DriveMode | null;
  /** Whether small answers leave by AF_XDP. */
  readonly xdp: XdpUse;
  readonly cpus: readonly number[];
  readonly bound: number;
  readonly seed: number;
  readonly faults: string | null;
  readonly capture: string | null;
  /** Where the figures go as the target ends. */
  readonly statsAtEnd: string | null;
  /** What does file operations that block; null: the best there is. */
  readonly blocking: BlockingKind | null;
}

/** What stands beside the values of an export's keys. */
type Place = Pick<ExportPlan, "address" | "store" | "service">;

export function exportPlan(values: Omit<ExportValues, keyof Place>, place: Place): ExportPlan {
  return {
    ...place,
    offset: values.offset ?? 0,
    length: values.length ?? null,
    readOnly: values.readOnly ?? false,
    sync: values.sync ?? false,
    direct: values.direct ?? false,
    masks: values.mask ?? null,
    bufferCount: values.bufferCount ?? DEFAULT_BUFFER_COUNT,
    serial: values.serial ?? null,
  };
}

export type ProcessPlan = Omit<TargetPlan, "exports" | "interfaces">;

const NOTHING: ProcessPlan = {
  control: null,
  metrics: null,
  state: null,
  resetState: false,
  user: null,
  mode: null,
  xdp: "auto",
  cpus: [],
  bound: DEFAULT_BOUND,
  seed: 1,
  faults: null,
  capture: null,
  statsAtEnd: null,
  blocking: null,
};

/** What the values say of the process, else what `otherwise` says. */
export function processPlan(values: ProcessValues, otherwise: ProcessPlan = NOTHING): ProcessPlan {
  return {
    // For one start: a file would say it for ever.
    resetState: false,
    control: values.control ?? otherwise.control,
    metrics: values.metrics ?? otherwise.metrics,
    state: values.state ?? otherwise.state,
    user: values.user ?? otherwise.user,
    mode: values.mode ?? otherwise.mode,
    xdp: values.xdp ?? otherwise.xdp,
    cpus: values.cpus ?? otherwise.cpus,
    bound: values.maxRequests ?? otherwise.bound,
    seed: values.seed ?? otherwise.seed,
    faults: values.faults ?? otherwise.faults,
    capture: values.capture ?? otherwise.capture,
    statsAtEnd: values.statsAtEnd ?? otherwise.statsAtEnd,
    blocking: values.blocking ?? otherwise.blocking,
  };
}

/** What an export's sectors are called in sentences. */
export function describeStore(store: StorePlan): string {
  return store.kind === "memory" ? `${store.bytes} bytes of memory` : store.path;
}

/** Whether two plans open the same sectors in the same way, so that one store can serve both. */
export function sameStore(a: ExportPlan, b: ExportPlan): boolean {
  return storeKey(a) === storeKey(b);
}

function storeKey({ store, offset, length, readOnly, sync, direct }: ExportPlan): string {
  // What made the file is of no account once it is there.
  const where = store.kind === "file" ? { ...store, create: null } : store;
  return JSON.stringify([where, offset, length, readOnly, sync, direct]);
}
