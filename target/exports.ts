// What is served, each export with the plan that it came from, and how a new set of plans takes the
// place of the old one while it is served:
//
//   same plan                      untouched: not a request is lost
//   same sectors, another model,
//   mask list or buffer count      changed in place
//   other sectors                  answered what is in hand, then gone, then opened anew
//
// What can be opened beforehand is opened before anything changes, so that a set with a bad one among
// them changes nothing. Only an image that an old export still holds has to wait for it to go.

import { type Address, formatAddress } from "../words/address.ts";
import { environment, Failure, usage } from "../words/failure.ts";
import { type ExportPlan, sameStore } from "./config/plan.ts";
import type { Export } from "./export.ts";
import { describeErrno } from "../sys/errno.ts";
import { makeModel, type OpenContext, openExport } from "./open_export.ts";
import type { Target } from "./target.ts";

export interface Served {
  plan: ExportPlan;
  readonly owner: Export;
}

/** What a new set of plans came to, by address. */
export interface Applied {
  readonly added: string[];
  readonly removed: string[];
  readonly changed: string[];
  unchanged: number;
  /** One sentence for each export that could not be opened once the old one was gone, or not be changed. */
  readonly failed: string[];
}

/** Makes a change, and calls `ended` with a sentence of what could not be done, or null. */
type Change = (ended: (sentence: string | null) => void) => void;

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

  /** A new set of plans waits for what the old one has in hand. */
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

  /** Throws a Failure; nothing has changed then. `resetState`: a damaged state is none. */
  add(plan: ExportPlan, resetState = false): Export {
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
    const { owner } = this.at(address);
    this.served.delete(formatAddress(address));
    this.target.removeExport(owner, (errno) => {
      owner.store.close();
      if (errno !== 0) this.say(flushFailed(owner, errno));
      gone();
    });
  }

  /** A service model from now on. Throws the usage failure for a bad one. */
  setService(address: Address, service: string): void {
    const served = this.at(address);
    const plan = { ...served.plan, service };
    const model = makeModel(plan, served.owner.store.sectors, this.context);
    this.target.setModel(served.owner, model);
    served.plan = { ...plan, service: model.text };
  }

  /** Serves what `plans` say and nothing else. Throws, with nothing changed, what can be known beforehand. */
  apply(plans: readonly ExportPlan[], done: (applied: Applied) => void): void {
    if (this.applying) throw environment("The reload before is not over yet");
    const wanted = new Map(plans.map((plan) => [formatAddress(plan.address), plan]));
    const leaving: Served[] = [];
    const held = new Set<string>();
    const applied: Applied = { added: [], removed: [], changed: [], unchanged: 0, failed: [] };
    const changes: Change[] = [];
    const early: ExportPlan[] = [];
    const late: ExportPlan[] = [];
    for (const [name, served] of this.served) {
      const plan = wanted.get(name);
      if (plan !== undefined && sameStore(plan, served.plan)) {
        const change = this.changeTo(served, plan);
        if (change === null) applied.unchanged++;
        else {
          changes.push(change);
          applied.changed.push(name);
        }
        continue;
      }
      leaving.push(served);
      if (served.plan.store.kind === "file") held.add(served.plan.store.path);
      if (plan === undefined) applied.removed.push(name);
    }
    for (const [name, plan] of wanted) {
      const served = this.served.get(name);
      if (served !== undefined && sameStore(plan, served.plan)) continue;
      const isHeld = plan.store.kind === "file" && held.has(plan.store.path);
      if (served === undefined && !isHeld) early.push(plan);
      else late.push(plan);
      (served === undefined ? applied.added : applied.changed).push(name);
    }
    const opened = this.openAll(early);

    this.applying = true;
    for (const [index, owner] of opened.entries()) this.place(early[index] as ExportPlan, owner);
    // One more than there are, so that it is over when all have begun.
    let left = leaving.length + changes.length + 1;
    const over = (): void => {
      if (--left > 0) return;
      this.applying = false;
      for (const plan of late) this.addLate(plan, applied);
      done(applied);
    };
    for (const change of changes) {
      change((sentence) => {
        if (sentence !== null) applied.failed.push(sentence);
        over();
      });
    }
    for (const { plan } of leaving) this.remove(plan.address, over);
    over();
  }

  /** All, or none and a Failure. */
  private openAll(plans: readonly ExportPlan[]): Export[] {
    const opened: Export[] = [];
    try {
      for (const plan of plans) opened.push(openExport(plan, this.context));
    } catch (error) {
      for (const { store } of opened) store.close();
      throw error;
    }
    return opened;
  }

  private addLate(plan: ExportPlan, applied: Applied): void {
    try {
      this.add(plan);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const sentence = `${formatAddress(plan.address)} is no longer served: ${error.message}`;
      applied.failed.push(sentence);
      this.say(sentence);
    }
  }

  /** What makes `served` what `plan` says; null: it is so already. */
  private changeTo(served: Served, plan: ExportPlan): Change | null {
    const { owner } = served;
    const steps: (() => void)[] = [];
    if (served.plan.service !== plan.service) {
      const model = makeModel(plan, owner.store.sectors, this.context);
      steps.push(() => this.target.setModel(owner, model));
    }
    if (served.plan.bufferCount !== plan.bufferCount) {
      steps.push(() => {
        owner.bufferCount = plan.bufferCount;
        // P10: initiators keep to the count that they were told last.
        this.target.announceExport(owner);
      });
    }
    const masked = JSON.stringify(served.plan.masks) !== JSON.stringify(plan.masks);
    if (steps.length === 0 && !masked) return null;
    return (ended) => {
      for (const step of steps) step();
      const { masks } = served.plan;
      const changed = (saved: boolean): void => {
        // With its old list still in the plan the next reload tries again.
        served.plan = saved ? plan : { ...plan, masks };
        if (saved) {
          ended(null);
          return;
        }
        const sentence = `${formatAddress(plan.address)} keeps its old mask list: the new one can't be saved`;
        this.say(sentence);
        ended(sentence);
      };
      if (masked) owner.change({ ...owner.next, masks: plan.masks ?? [] }, changed);
      else changed(true);
    };
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

function flushFailed(owner: Export, errno: number): string {
  return `${formatAddress(owner)}: its last flush failed: ${describeErrno(errno)}`;
}
