// From the plan of an export to the export: its store opened, its saved state read, its service model made.

import { statSync } from "node:fs";

import { formatAddress } from "../words/address.ts";
import { environment } from "../words/failure.ts";
import { describeErrno } from "../sys/errno.ts";
import type { Random } from "../words/random.ts";
import { loadTrace } from "./config/load_trace.ts";
import { describeStore, type ExportPlan } from "./config/plan.ts";
import { EMPTY_STATE, Export, type ExportState } from "./export.ts";
import { parseServiceModel, type ServiceModel } from "./service/model.ts";
import { openStateFile, type StateFile } from "./state.ts";
import type { Store } from "./store.ts";
import { openFileStore } from "./stores/file.ts";
import type { FileIo } from "./stores/file_io.ts";
import { createMemoryStore } from "./stores/memory.ts";
import { SECTOR } from "../wire/ata.ts";

export interface OpenContext {
  /** Directory of the state files; null: nothing is kept. */
  readonly state: string | null;
  readonly random: Random;
  /** What a sentence calls the service model: `--service`, `service`. */
  readonly what: string;
  /** What takes file operations that would block. */
  readonly io: FileIo;
  /** Tells people the cause of a failure that may come again and again. */
  readonly sayOnce: (sentence: string) => void;
  /** Files are opened on first use: what many exports want. */
  readonly lazy?: boolean;
}

/** Throws a Failure of one sentence; nothing is left open then. */
export function openExport(plan: ExportPlan, context: OpenContext): Export {
  const { address, bufferCount, masks } = plan;
  const store = openStore(plan, context);
  try {
    let state: ExportState = EMPTY_STATE;
    let file: StateFile | null = null;
    if (context.state !== null) {
      file = openStateFile(context.state, address);
      state = file.load() ?? EMPTY_STATE;
    }
    if (masks !== null) state = { ...state, masks };
    return new Export({
      ...address,
      store,
      storeName: describeStore(plan.store),
      bufferCount,
      model: makeModel(plan, store.sectors, context),
      state,
      ...(file === null ? {} : { save: saving(file, formatAddress(address), context) }),
    });
  } catch (error) {
    store.close();
    throw error;
  }
}

function saving({ path, save }: StateFile, name: string, { sayOnce }: OpenContext) {
  return (state: ExportState): number => {
    const errno = save(state);
    if (errno !== 0) sayOnce(`${name}: saving ${path} failed: ${describeErrno(errno)}`);
    return errno;
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
    if (!found.isBlockDevice()) throw environment(`${path} must be a block device, and is none`);
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
