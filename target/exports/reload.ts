// What a new set of plans asks of the exports that are served, judged as a whole before anything is touched: whatever
// can't be opened, measured or understood is thrown, and what was opened for it goes again.
//
//   same plan                      untouched: not a request is lost
//   same sectors, another model,
//   mask list, buffer count,
//   serial number, or an image
//   of another size                changed in place
//   other sectors                  answered what is in hand, then gone, then the new one
//
// The new one is open by then. Where it has the image of an old one it takes over the lock, too.

import { formatAddress } from "../../words/address.ts";
import { type ExportPlan, sameStore } from "../config/plan.ts";
import type { Export } from "../protocol/export.ts";
import { makeModel, type OpenContext, openExport } from "./open_export.ts";
import type { ServiceModel } from "../service/model.ts";
import { ANOTHER, type Store } from "../stores/store.ts";

/** What a new set of plans came to, by address. */
export interface Applied {
  readonly added: string[];
  readonly removed: string[];
  readonly changed: string[];
  unchanged: number;
}

/** An export that goes on with another plan. */
export interface ChangeInPlace {
  readonly served: Served;
  readonly plan: ExportPlan;
  /** Null: as it is. */
  readonly model: ServiceModel | null;
  readonly sectors: number;
  readonly masked: boolean;
}

export interface Opened {
  readonly plan: ExportPlan;
  readonly owner: Export;
  /** The one at its address until now. */
  readonly before: Export | null;
}

export interface Reload {
  readonly applied: Applied;
  readonly changes: readonly ChangeInPlace[];
  readonly draining: readonly Served[];
  /** Served at once, and once those that leave are gone: their address or image is in use until then. */
  readonly early: readonly Opened[];
  readonly late: readonly Opened[];
  /** Nothing comes of it: everything is as before. */
  undo(): void;
}

/** Throws a Failure, with nothing changed. */
export function judgeReload(
  all: ReadonlyMap<string, Served>,
  plans: readonly ExportPlan[],
  context: OpenContext,
): Reload {
  const wanted = new Map(plans.map((plan) => [formatAddress(plan.address), plan]));
  const applied: Applied = { added: [], removed: [], changed: [], unchanged: 0 };
  const changes: ChangeInPlace[] = [];
  const draining: Served[] = [];
  const stays = new Set<string>();
  for (const [name, served] of all) {
    const plan = wanted.get(name);
    const sectors = plan === undefined ? ANOTHER : sectorsNow(served, plan);
    if (plan === undefined || sectors === ANOTHER) {
      draining.push(served);
      if (plan === undefined) applied.removed.push(name);
      continue;
    }
    stays.add(name);
    const change = changeInPlace(served, plan, sectors, context);
    if (change === null) {
      applied.unchanged++;
    } else {
      changes.push(change);
      applied.changed.push(name);
    }
  }
  const held = heldBy(draining);
  const early: Opened[] = [];
  const late: Opened[] = [];
  const yielded: Store[] = [];
  const undo = (): void => {
    for (const { owner } of [...early, ...late]) {
      if (owner.store.undo === undefined) owner.store.close();
      else owner.store.undo();
    }
    for (const store of yielded) store.lock?.(true);
  };
  try {
    for (const [name, plan] of wanted) {
      if (stays.has(name)) continue;
      const image = plan.store.kind === "file" ? (held.get(plan.store.path) ?? []) : [];
      for (const store of image) {
        store.lock?.(false);
        yielded.push(store);
      }
      const before = all.get(name)?.owner ?? null;
      const opened = { plan, owner: openExport(plan, context), before };
      (before === null && image.length === 0 ? early : late).push(opened);
      (before === null ? applied.added : applied.changed).push(name);
    }
  } catch (error) {
    undo();
    throw error;
  }
  return { applied, changes, draining, early, late, undo };
}

/** By path, the stores of those that leave. */
function heldBy(draining: readonly Served[]): Map<string, Store[]> {
  const held = new Map<string, Store[]>();
  for (const { plan, owner } of draining) {
    if (plan.store.kind !== "file") continue;
    const stores = held.get(plan.store.path) ?? [];
    stores.push(owner.store);
    held.set(plan.store.path, stores);
  }
  return held;
}

/** What `plan` would serve of the store that is open, or ANOTHER where it takes a store of its own. */
function sectorsNow({ plan: old, owner: { store } }: Served, plan: ExportPlan): number {
  if (!sameStore(plan, old)) return ANOTHER;
  const create = plan.store.kind === "file" ? plan.store.create : null;
  return store.measure?.(create) ?? store.sectors;
}

/** Null: it is so already. */
function changeInPlace(
  served: Served,
  plan: ExportPlan,
  sectors: number,
  context: OpenContext,
): ChangeInPlace | null {
  const { plan: old, owner } = served;
  const resized = sectors !== owner.store.sectors;
  const masked = JSON.stringify(old.masks) !== JSON.stringify(plan.masks);
  const modelled = old.service !== plan.service || (resized && dependsOnSize(owner.model));
  const told = old.bufferCount !== plan.bufferCount || old.serial !== plan.serial;
  if (!resized && !masked && !modelled && !told) return null;
  const model = modelled ? makeModel(plan, sectors, context) : null;
  return { served, plan, model, sectors, masked };
}

/** The way of a disk's arm is a share of the whole. */
export function dependsOnSize({ stages }: ServiceModel): boolean {
  return stages.some(({ text }) => text.startsWith("seek:"));
}

export interface Served {
  plan: ExportPlan;
  readonly owner: Export;
}
