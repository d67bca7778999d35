// Doubles of the modules through which all calls of the C library and all copies go: the same
// functions, counted while the gate is open. They take the places of those modules in every one
// that is loaded afterwards.
//
//   calls    sys/libc.ts: each declared function by its name
//   copies   link/copy.ts, link/copy_memory.ts, wire/bytes.ts, memcpy, and the copying methods of
//            typed arrays; a copy that makes another is one

import { plugin } from "bun";
import type { Gate } from "./counted_scene.ts";

export type Kind = "system_calls" | "library_calls" | "copies";

/** They ask nothing of the kernel; clock_gettime reads a page of its. */
const IN_PROCESS: ReadonlySet<string> = new Set([
  "clock_gettime",
  "__errno_location",
  "malloc",
  "free",
  "getpagesize",
]);
const COPYING = ["set", "copyWithin", "slice"] as const;
const SEAMS = /\/(sys\/libc|link\/copy|link\/copy_memory|wire\/bytes)\.ts$/;
const CLOCK = "clock_gettime";

type Callable = (...values: unknown[]) => unknown;

export interface SeamOptions {
  readonly gate: Gate;
  /** Without it the functions are as they were, but for the clock. */
  readonly counted: boolean;
  /** What the clock of the C library shows, ns; null: its own time. */
  readonly clock: { now(): number } | null;
}

/** To be called before any module is loaded that imports one of them. */
export function replaceSeams(options: SeamOptions): Seams {
  const seams = new Seams(options);
  plugin({
    name: "counted seams",
    setup(build) {
      build.onLoad({ filter: SEAMS }, async ({ path }) => {
        const real = (await import(`${path}?uncounted`)) as Names;
        return { exports: seams.double(path, real), loader: "object" };
      });
    },
  });
  if (!options.counted) return seams;
  const methods = Object.getPrototypeOf(Uint8Array.prototype) as Record<string, Callable>;
  for (const name of COPYING) {
    const real = methods[name];
    if (real !== undefined) methods[name] = seams.copies(name, real);
  }
  return seams;
}

type Names = Readonly<Record<string, unknown>>;

export class Seams {
  /** By kind and name, of all the time that the gate was open. */
  readonly counts = new Map<Kind, Map<string, number>>();
  private readonly options: SeamOptions;
  private copying = false;

  constructor(options: SeamOptions) {
    this.options = options;
  }

  clear(): void {
    this.counts.clear();
  }

  /** What stands in the place of a module, for what it exports. */
  double(path: string, real: Names): Names {
    const isLibrary = path.endsWith("/libc.ts");
    return changed(real, (name, value) => {
      if (!isLibrary) return this.options.counted ? this.copies(name, value) : value;
      if (name !== "libc") return value;
      return (table) => changed(value(table) as Names, (call, own) => this.call(call, own));
    });
  }

  /** `copy`, counted where it is no part of another. */
  copies(name: string, copy: Callable): Callable {
    const seams = this;
    return function (this: unknown, ...values) {
      if (seams.copying) return copy.apply(this, values);
      seams.count("copies", name);
      seams.copying = true;
      try {
        return copy.apply(this, values);
      } finally {
        seams.copying = false;
      }
    };
  }

  private call(name: string, real: Callable): Callable {
    const { clock } = this.options;
    if (name === CLOCK && clock !== null) {
      const count = this.options.counted ? () => this.count("library_calls", name) : null;
      return shown(count, clock);
    }
    if (!this.options.counted) return real;
    if (name === "memcpy") return this.copies(name, real);
    const kind = IN_PROCESS.has(name) ? "library_calls" : "system_calls";
    const counted = (...values: readonly unknown[]): unknown => {
      this.count(kind, name);
      return real(...values);
    };
    // Its native address, for threads that call it (sys/close_many.ts).
    return Object.assign(counted, { ptr: Reflect.get(real, "ptr") });
  }

  private count(kind: Kind, name: string): void {
    if (!this.options.gate.open) return;
    const names = this.counts.get(kind) ?? new Map<string, number>();
    this.counts.set(kind, names.set(name, (names.get(name) ?? 0) + 1));
  }
}

/** The same names, with other functions. */
function changed(names: Names, change: (name: string, value: Callable) => Callable): Names {
  const entries = Object.entries(names).map(([name, value]) => {
    return [name, isCallable(value) ? change(name, value) : value];
  });
  return Object.fromEntries(entries) as Names;
}

function isCallable(value: unknown): value is Callable {
  return typeof value === "function";
}

/** clock_gettime of such a clock: a struct timespec in three 32-bit words is filled in. */
function shown(count: (() => void) | null, clock: { now(): number }): Callable {
  return (_which, timespec) => {
    count?.();
    if (!(timespec instanceof Int32Array)) throw new Error("invariant: the clock's own memory");
    const at = clock.now();
    const seconds = Math.floor(at / 1e9);
    timespec[0] = seconds;
    timespec[1] = 0;
    timespec[2] = at - seconds * 1e9;
    return 0;
  };
}
