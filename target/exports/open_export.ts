// From the plan of an export to the export: its store opened, its saved state read, its service model made.

import { statSync } from "node:fs";

import { formatAddress } from "../../words/address.ts";
import { environment } from "../../words/failure.ts";
import { describeErrno } from "../../sys/errno.ts";
import type { Random } from "../../words/random.ts";
import { loadTrace } from "../service/load_trace.ts";
import { describeStore, type ExportPlan } from "../config/plan.ts";
import { EMPTY_STATE, Export, type ExportState } from "../protocol/export.ts";
import { parseServiceModel, type ServiceModel } from "../service/model.ts";
import { INSTANCE, serialOf } from "./serial.ts";
import {
  DamagedState,
  formatState,
  loadState,
  setAside,
  stateFile,
  type StateFile,
} from "./state.ts";
import type { StateSaver } from "./state_saver.ts";
import type { Store } from "../stores/store.ts";
import { openFileStore } from "../stores/file.ts";
import type { FileIo } from "../stores/file_io.ts";
import { createMemoryStore } from "../stores/memory.ts";
import { SECTOR } from "../../wire/ata.ts";

export interface OpenContext {
  /** Where states are kept; null: nowhere. */
  readonly state: { readonly directory: string; readonly saver: Pick<StateSaver, "save"> } | null;
  readonly random: Random;
  /** What a sentence calls the service model: `--service`, `service`. */
  readonly what: string;
  /** What takes file operations that would block. */
  readonly io: FileIo;
  /** Tells people the cause of a failure that may come again and again. */
  readonly sayOnce: (sentence: string) => void;
  /** Files are opened on first use: what many exports want. */
  readonly lazy?: boolean;
  /** A damaged state file is set aside, and its export starts with an empty state. */
  readonly resetState?: boolean;
}

/** Throws a Failure of one sentence; nothing is left open then. */
export function openExport(plan: ExportPlan, context: OpenContext): Export {
  const { address, bufferCount, masks } = plan;
  const store = openStore(plan, context);
  try {
    const kept = context.state === null ? null : stateFile(context.state.directory, address);
    let state = (kept === null ? null : load(kept, context)) ?? EMPTY_STATE;
    if (masks !== null) state = { ...state, masks };
    return new Export({
      ...address,
      store,
      storeName: describeStore(plan.store),
      bufferCount,
      model: makeModel(plan, store.sectors, context),
      // Of many the files are looked at when somebody asks.
      serial: context.lazy ? () => serialOf(plan) : serialOf(plan),
      instance: INSTANCE,
      state,
      ...(kept === null ? {} : { save: saving(kept, context) }),
    });
  } catch (error) {
    store.close();
    throw error;
  }
}

function load(file: StateFile, { resetState = false, sayOnce }: OpenContext): ExportState | null {
  try {
    return loadState(file);
  } catch (error) {
    if (!resetState || !(error instanceof DamagedState)) throw error;
    const { name, path } = file;
    sayOnce(
      `${name} starts without config string, mask list and reservation: ${path} ${error.fault}, and is now ${setAside(file)}`,
    );
    return null;
  }
}

function saving({ name, path }: StateFile, { state: keeping, sayOnce }: OpenContext) {
  return (state: ExportState, ended: (errno: number) => void): void => {
    keeping?.saver.save(path, formatState(state), (errno) => {
      if (errno !== 0) sayOnce(`${name}: saving ${path} failed: ${describeErrno(errno)}`);
      ended(errno);
    });
  };
}

/** The plan's service model for a store of `sectors`. */
export function makeModel(
  { address, service }: ExportPlan,
  sectors: number,
  { random, what }: OpenContext,
): ServiceModel {
  return parseServiceModel(service, {
    what,
    random: random.fork(`service:${formatAddress(address)}`),
    sectors,
    loadTrace,
  });
}

function openStore(plan: ExportPlan, { io, lazy = false }: OpenContext): Store {
  const { store, offset, length, readOnly, sync, direct } = plan;
  if (store.kind === "memory") {
    try {
      return createMemoryStore(store.bytes / SECTOR, !readOnly);
    } catch {
      throw environment(`Can't have ${store.bytes} bytes of memory for sectors`);
    }
  }
  const { path, create } = store;
  if (store.device) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) throw environment(`The device ${path} does not exist`);
    if (!found.isBlockDevice()) throw environment(`${path} is not a block device`);
  }
  return openFileStore({
    path,
    readOnly,
    direct,
    sync,
    offset,
    io,
    lazy,
    ...(length === null ? {} : { length }),
    ...(create === null ? {} : { create }),
  });
}
