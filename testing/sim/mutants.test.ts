// Do the checkers find what they should? Twenty deliberate bugs, each put in by this test alone: a method of
// the code under test is replaced, or something wrong stands between two parts. Each must be found within
// MOST seeds, by the checker that is there for it. They are one table, hence the length.

import { afterAll, describe, expect, test } from "bun:test";

import { Buffers } from "../../initiator/protocol/buffers.ts";
import type { Command } from "../../initiator/protocol/command.ts";
import { Device } from "../../initiator/protocol/device.ts";
import { Exchange } from "../../initiator/protocol/exchange.ts";
import type { Frame } from "../../initiator/protocol/frame.ts";
import { Holdback } from "../../initiator/protocol/holdback.ts";
import { LargeProbes } from "../../initiator/protocol/large_probes.ts";
import { Outstanding } from "../../initiator/protocol/outstanding.ts";
import { PathSet } from "../../initiator/protocol/path_set.ts";
import type { Metrics } from "../../initiator/pool/metrics.ts";
import { Ledger } from "../../initiator/pool/ledger.ts";
import { Proofs } from "../../initiator/protocol/proofs.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { createReclaim } from "../../link/reclaim.ts";
import { Refusals } from "../../link/refusals.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import { createVirtualClock } from "../../link/virtual_clock.ts";
import type { Store } from "../../target/stores/store.ts";
import { Duplicates } from "../../target/protocol/duplicates.ts";
import { Target } from "../../target/protocol/target.ts";
import { generate } from "./generate.ts";
import { type Failing, type Hooks, simulate } from "./simulate.ts";
import type { Checker } from "./violation.ts";

const MOST = 1000;
/** errno (asm-generic/errno-base.h). */
const EIO = 5;

/** Private methods by name: what a mutant replaces. */
type Methods = Record<string, (...given: never[]) => unknown>;

/** Replaces `name` of a class by what `make` makes of it; returns how to undo that. */
function replace(
  owner: object,
  name: string,
  make: (old: (this: unknown, ...given: unknown[]) => unknown) => unknown,
): () => void {
  const methods = owner as Methods;
  const old = methods[name] as unknown as (...given: unknown[]) => unknown;
  if (typeof old !== "function") throw new Error(`there is no method ${name} to replace`);
  methods[name] = make(old) as Methods[string];
  return () => {
    methods[name] = old as Methods[string];
  };
}

interface Mutant {
  readonly name: string;
  /** Which checkers may be the one that finds it. */
  readonly by: readonly Checker[];
  readonly hooks?: Hooks;
  /** Puts it in; returns what takes it out. */
  readonly patch?: () => (() => void)[];
}

/** A store but for what is given. */
function storeWith(store: Store, changes: Partial<Store>): Store {
  return Object.assign(Object.create(store) as Store, changes);
}

/** The class behind a link that releases late, which nobody exports. */
function lateLink(): object {
  const clock = createVirtualClock();
  const [link] = createMemoryPair({ clock });
  return Object.getPrototypeOf(
    createReclaim(link, parseReclaim("stuck", "reclaim"), clock),
  ) as object;
}

const MUTANTS: readonly Mutant[] = [
  {
    name: "an answer carries the tag of the request before it",
    by: ["wire"],
    patch: () => {
      let before = 0;
      let turn = 0;
      return [
        replace(
          Target.prototype,
          "take",
          (old) =>
            function (this: unknown, ...given: unknown[]) {
              const request = old.apply(this, given) as { tag: number } | null;
              if (request === null) return null;
              const { tag } = request;
              if (++turn % 50 === 0) request.tag = before;
              before = tag;
              return request;
            },
        ),
      ];
    },
  },
  {
    name: "a command ends twice",
    by: ["ends"],
    patch: () => {
      let turn = 0;
      return [
        replace(
          Exchange.prototype,
          "finish",
          (old) =>
            function (this: unknown, ...given: unknown[]) {
              old.apply(this, given);
              const command = given[0] as Command;
              if (++turn % 50 === 0 && !command.busy) command.done(command);
            },
        ),
      ];
    },
  },
  {
    name: "a flush is answered and not done",
    by: ["history"],
    hooks: { store: (store) => storeWith(store, { flush: () => 0 }) },
  },
  {
    name: "a buffer is handed out while the link holds it",
    by: ["pins", "invariant"],
    patch: () => [
      // As if it had been released: into the free list, with no question asked when it comes out.
      replace(
        Ledger.prototype,
        "disown",
        (old) =>
          function (this: unknown, ...given: unknown[]) {
            const idle = old.apply(this, given);
            return idle === false ? true : idle;
          },
      ),
      replace(
        Ledger.prototype,
        "unexpected",
        () =>
          function (
            this: { unpinned(slot: number, now: number): void },
            buffer: { index: number },
            now: number,
          ) {
            this.unpinned(buffer.index, now);
          },
      ),
    ],
  },
  {
    name: "the window is one wider than the buffer count",
    by: ["window"],
    patch: () => [
      replace(
        Device.prototype,
        "configured",
        (old) =>
          function (this: { bufferCount: number }, ...given: unknown[]) {
            const said = given[2] as { readonly bufferCount: number };
            given[2] = { ...said, bufferCount: said.bufferCount + 1 };
            old.apply(this, given);
          },
      ),
    ],
  },
  {
    name: "a retransmit rewrites a buffer that the link holds",
    by: ["pins"],
    patch: () => [
      replace(
        Outstanding.prototype,
        "transmit",
        (old) =>
          function (this: { write(frame: unknown, command: unknown): void }, ...given: unknown[]) {
            const frame = given[0] as Frame;
            const { host } = this as unknown as Outstanding;
            if (frame.transmits > 0 && (frame.buffer?.pins ?? 0) > 0) {
              host.tags.give(frame.tag);
              frame.tag = 0;
              this.write(frame, frame.command);
            }
            return old.apply(this, given);
          },
      ),
    ],
  },
  {
    name: "P28 off: the target runs a copy of a request again",
    by: ["store"],
    patch: () => [replace(Duplicates.prototype, "find", () => () => -1)],
  },
  {
    // P28 stands: a copy with another tag, by another path or in other pieces is for the hold-back alone.
    name: "hold-back off: a later write passes one that may still be under way",
    by: ["store", "history"],
    patch: () => [
      replace(
        Holdback.prototype,
        "until",
        () =>
          (...given: unknown[]) =>
            given[3],
      ),
    ],
  },
  {
    name: "LBA off by one in the last sector",
    by: ["history", "store"],
    hooks: {
      store: (store) =>
        storeWith(store, {
          read: (lba, sectors, memory, offset, token) =>
            store.read(
              lba + sectors === store.sectors && lba > 0 ? lba - 1 : lba,
              sectors,
              memory,
              offset,
              token,
            ),
        }),
    },
  },
  {
    name: "the link releases a buffer twice",
    by: ["pins", "pool", "invariant"],
    patch: () => [
      replace(
        lateLink(),
        "release",
        (old) =>
          function (this: { buffers: { holds: number }[] }, ...given: unknown[]) {
            old.apply(this, given);
            // A buffer that was sent twice is held twice: both go with the first.
            for (const buffer of this.buffers) if (buffer.holds > 1) buffer.holds = 0;
          },
      ),
    ],
  },
];

/** Beside the ten, for the checkers that none of them is for. */
const MORE: readonly Mutant[] = [
  {
    name: "a dry device is never kicked",
    by: ["liveness"],
    patch: () => [
      replace(
        Buffers.prototype,
        "settle",
        (old) =>
          function (this: { kickAt: number }, ...given: unknown[]) {
            old.apply(this, given);
            this.kickAt = Number.POSITIVE_INFINITY;
          },
      ),
    ],
  },
  {
    name: "the pool counts a hold for longer than it was",
    by: ["pool"],
    patch: () => [
      replace(
        Ledger.prototype,
        "disown",
        (old) =>
          function (this: { metrics: Pick<Metrics, "hold"> }, ...given: unknown[]) {
            this.metrics.hold.record(1e6);
            return old.apply(this, given);
          },
      ),
    ],
  },
  {
    name: "the last sector can't be read, on a disk that is well",
    by: ["outcome"],
    hooks: {
      store: (store) =>
        storeWith(store, {
          read: (lba, sectors, memory, offset, token) =>
            lba + sectors === store.sectors ? EIO : store.read(lba, sectors, memory, offset, token),
        }),
    },
  },
  {
    name: "a command ends with success that the target refused",
    by: ["history", "outcome"],
    patch: () => [
      replace(
        Exchange.prototype,
        "fail",
        (old) =>
          function (this: unknown, ...given: unknown[]) {
            // ATA errors only: 1.
            if (given[1] === 1) given[1] = 0;
            old.apply(this, given);
          },
      ),
    ],
  },
];

/** For events that few simulated networks have: one for each kind. */
const RARER: readonly Mutant[] = [
  {
    name: "a frame that can never leave is tried for ever",
    by: ["wire"],
    patch: () => [replace(Refusals.prototype, "refused", () => () => false)],
  },
  {
    name: "large frames are never earned back",
    by: ["liveness"],
    patch: () => [replace(LargeProbes.prototype, "send", () => () => {})],
  },
  {
    name: "an address that took over is never used: the dead one is not left",
    by: ["liveness"],
    patch: () => [replace(PathSet.prototype, "leaveIfDead", () => () => {})],
  },
  {
    name: "any disk that claims a device's address counts as it",
    by: ["store", "history"],
    patch: () => [
      replace(
        Proofs.prototype,
        "judgeNew",
        (old) =>
          function (this: { device: { identity: unknown } }, ...given: unknown[]) {
            given[1] = this.device.identity ?? given[1];
            old.apply(this, given);
          },
      ),
    ],
  },
  {
    name: "a device that is known is sought at no other address",
    by: ["liveness", "outcome"],
    patch: () => [
      replace(
        Device.prototype,
        "configured",
        (old) =>
          function (this: Device, ...given: unknown[]) {
            const isKnown = this.paths.some(({ target }) => target === given[1]);
            if (this.paths.length === 0 || isKnown) old.apply(this, given);
          },
      ),
    ],
  },
  {
    name: "a target goes on with the size that its disk had at first",
    by: ["store"],
    hooks: {
      store: (store) =>
        Object.defineProperty(Object.create(store) as Store, "sectors", { value: store.sectors }),
    },
  },
];

/** Undoes the patches whatever happens. */
function withMutant<T>(mutant: Mutant, act: () => T): T {
  const undo = mutant.patch?.() ?? [];
  try {
    return act();
  } finally {
    for (const each of undo.reverse()) each();
  }
}

function find(mutant: Mutant): { seed: number; failure: Failing } | null {
  return withMutant(mutant, () => {
    for (let seed = 0; seed < MOST; seed++) {
      const { failure } = simulate(generate(seed), mutant.hooks);
      if (failure !== null) return { seed, failure };
    }
    return null;
  });
}

describe("mutants", () => {
  const lines: string[] = [];
  afterAll(() => {
    console.log(`mutants, and the seed that finds each (of ${MOST} at most):\n${lines.join("\n")}`);
  });

  for (const mutant of [...MUTANTS, ...MORE, ...RARER]) {
    test(
      mutant.name,
      () => {
        const found = find(mutant);
        if (found === null) throw new Error(`not found within ${MOST} seeds`);
        const { seed, failure } = found;
        lines.push(
          `  seed ${seed}  ${failure.checker}: ${mutant.name}\n           ${failure.message}`,
        );
        expect(mutant.by).toContain(failure.checker);
        // The same seed without the mutant is sound: it is the mutant that was found.
        expect(simulate(generate(seed), {}).failure).toBeNull();
      },
      60_000,
    );
  }

  test("there are ten", () => {
    expect(MUTANTS).toHaveLength(10);
  });
});
