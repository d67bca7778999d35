// What is served, each export with the plan that it came from, and how a new set of plans takes the place of the old
// one while it is served: all of it or nothing (reload.ts).
//
//   judge ─▶ save new mask lists ─▶ change in place, serve what is new, drain ─ … ─▶ serve what had to wait ─▶ done
//     └ throws       └ done(Failure): as before

import { describeErrno } from "../../sys/errno.ts";
import { type Address, formatAddress } from "../../words/address.ts";
import { environment, type Failure, usage } from "../../words/failure.ts";
import type { ExportPlan } from "../config/plan.ts";
import type { Export } from "../protocol/export.ts";
import { makeModel, type OpenContext, openExport } from "./open_export.ts";
import {
  type Applied,
  type ChangeInPlace,
  dependsOnSize,
  judgeReload,
  type Reload,
  type Served,
} from "./reload.ts";
import { serialOf } from "./serial.ts";
import { ANOTHER } from "../stores/store.ts";
import type { Target } from "../protocol/target.ts";

export interface Resized {
  readonly before: number;
  readonly sectors: number;
}

/** The last flush of every export. */
export interface LastFlush {
  isOver(): boolean;
  /** A sentence for each export whose flush failed or is not over. */
  undone(): string[];
}

export class Exports {
  private readonly target: Target;
  private readonly context: OpenContext;
  private readonly say: (sentence: string) => void;
  private readonly served = new Map<string, Served>();
  private applying = false;

  /** A new set of plans is on its way in. */
  get isApplying(): boolean {
    return this.applying;
  }

  constructor(target: Target, context: OpenContext, say: (sentence: string) => void) {
    this.target = target;
    this.context = context;
    this.say = say;
  }

  get all(): IterableIterator<Served> {
    return this.served.values();
  }

  /** Throws a usage failure where there is none. */
  at(address: Address): Served {
    const found = this.served.get(formatAddress(address));
    if (found !== undefined) return found;
    throw usage(
      `Expected \`export\` to be the address of an export, got \`${formatAddress(address)}\``,
    );
  }

  /** What was judged must stay so until it is done. */
  private refuseWhileApplying(): void {
    if (this.applying) throw environment("A reload is not over yet; try again");
  }

  /** Throws a Failure; nothing has changed then. `resetState`: a damaged state is none. */
  add(plan: ExportPlan, resetState = false): Export {
    this.refuseWhileApplying();
    const name = formatAddress(plan.address);
    if (this.served.has(name)) throw usage(`Export ${name} is served already`);
    const owner = openExport(plan, resetState ? { ...this.context, resetState } : this.context);
    this.place(plan, owner);
    return owner;
  }

  private place(plan: ExportPlan, owner: Export): void {
    this.target.addExport(owner);
    this.served.set(formatAddress(plan.address), { plan, owner });
  }

  /** Silent from now on; `gone` once what is in hand is answered and the store is closed. */
  remove(address: Address, gone: () => void): void {
    this.refuseWhileApplying();
    this.drain(this.at(address), gone);
  }

  private drain({ owner }: Served, gone: () => void): void {
    this.served.delete(formatAddress(owner));
    this.target.removeExport(owner, (errno) => {
      owner.store.close();
      if (errno !== 0) this.say(flushFailed(owner, errno));
      gone();
    });
  }

  /** A service model from now on. Throws the usage failure for a bad one. */
  setService(address: Address, service: string): void {
    this.refuseWhileApplying();
    const served = this.at(address);
    const plan = { ...served.plan, service };
    const model = makeModel(plan, served.owner.store.sectors, this.context);
    this.target.setModel(served.owner, model);
    served.plan = { ...plan, service: model.text };
  }

  /** Takes up the size that the image has now. Throws a Failure where that can't be served. */
  resize(address: Address): Resized {
    this.refuseWhileApplying();
    const { plan, owner } = this.at(address);
    const before = owner.store.sectors;
    const sectors = owner.store.measure?.(null) ?? before;
    if (sectors === ANOTHER) {
      throw environment(
        `Another file has replaced ${owner.storeName}; "export remove" and "export add" serve it`,
      );
    }
    if (sectors !== before) {
      const seeks = dependsOnSize(owner.model);
      if (seeks) this.target.setModel(owner, makeModel(plan, sectors, this.context));
      this.target.resize(owner, sectors);
    }
    return { before, sectors };
  }

  /**
   * Serves what `plans` say and nothing else. `accepted` is called once it is sure that all of it will be; `done` when it
   * is, or with a Failure, nothing being changed, as for what it throws.
   */
  apply(
    plans: readonly ExportPlan[],
    done: (ended: Applied | Failure) => void,
    accepted: () => void = () => {},
  ): void {
    this.refuseWhileApplying();
    const reload = judgeReload(this.served, plans, this.context);
    this.applying = true;
    this.saveMasks(reload.changes, (failure) => {
      if (failure === null) {
        accepted();
        this.applyJudged(reload, done);
        return;
      }
      reload.undo();
      this.applying = false;
      done(failure);
    });
  }

  /** The one step that may fail when all is judged: all lists are saved, or the old ones again. */
  private saveMasks(
    changes: readonly ChangeInPlace[],
    done: (failure: Failure | null) => void,
  ): void {
    const masked = changes.filter(({ masked }) => masked);
    const old = masked.map(({ served }) => served.owner.next.masks);
    let failure: Failure | null = null;
    const saved: number[] = [];
    let left = masked.length + 1;
    const over = (): void => {
      if (--left > 0) return;
      // Back again where one failed, which is over when this is called once more.
      const back = failure === null ? [] : saved.splice(0);
      left = back.length;
      if (left === 0) done(failure);
      for (const index of back) {
        const { owner } = (masked[index] as ChangeInPlace).served;
        owner.change({ ...owner.next, masks: old[index] ?? [] }, over);
      }
    };
    for (const [index, { served, plan }] of masked.entries()) {
      const { owner } = served;
      owner.change({ ...owner.next, masks: plan.masks ?? [] }, (isSaved) => {
        if (isSaved) {
          saved.push(index);
        } else {
          const why = describeErrno(owner.counters.lastErrno);
          failure = environment(`The mask list of ${formatAddress(owner)} can't be saved: ${why}`);
        }
        over();
      });
    }
    over();
  }

  private applyJudged(
    { applied, changes, draining, early, late }: Reload,
    done: (applied: Applied) => void,
  ): void {
    for (const change of changes) this.changeInPlace(change);
    for (const { plan, owner } of early) this.place(plan, owner);
    // One more than there are, so that it is over when all have begun.
    let left = draining.length + 1;
    const over = (): void => {
      if (--left > 0) return;
      this.applying = false;
      for (const { plan, owner, before } of late) {
        // What its clients set until the end.
        if (before !== null && owner.savesState) owner.state = stateOf(before, plan);
        this.place(plan, owner);
      }
      done(applied);
    };
    for (const served of draining) this.drain(served, over);
    over();
  }

  private changeInPlace({ served, plan, model, sectors }: ChangeInPlace): void {
    const { owner } = served;
    const renamed = served.plan.serial !== plan.serial;
    served.plan = plan;
    if (renamed) owner.setSerial(serialOf(plan));
    if (model !== null) this.target.setModel(owner, model);
    const counted = owner.bufferCount !== plan.bufferCount;
    owner.bufferCount = plan.bufferCount;
    if (sectors !== owner.store.sectors) this.target.resize(owner, sectors);
    // P10: initiators keep to the count that they were told last, and to the disk.
    else if (counted || renamed) this.target.announceExport(owner);
  }

  /** Makes durable what was written to every export. */
  settle(): LastFlush {
    const going = new Set<Export>();
    const failed: string[] = [];
    for (const { owner } of this.served.values()) {
      going.add(owner);
      this.target.settle(owner, (errno) => {
        going.delete(owner);
        if (errno !== 0) failed.push(flushFailed(owner, errno));
      });
    }
    return {
      isOver: () => going.size === 0,
      undone: () => [
        ...failed,
        ...[...going].map((owner) => `${formatAddress(owner)}: its last flush is not over`),
      ],
    };
  }

  close(): void {
    for (const { owner } of this.served.values()) owner.store.close();
    this.served.clear();
  }
}

function stateOf({ state }: Export, { masks }: ExportPlan): Export["state"] {
  return masks === null ? state : { ...state, masks };
}

function flushFailed(owner: Export, errno: number): string {
  return `${formatAddress(owner)}: its last flush failed: ${describeErrno(errno)}`;
}
