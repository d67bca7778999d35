// The modules of a kernel in the order in which they load, from what the modules themselves say: a
// package that was only unpacked has no modules.dep.

import { readFileSync } from "node:fs";
import { basename, join } from "node:path";

import { environment } from "../words/failure.ts";

export interface KernelModule {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * The modules of these names and what they depend on, each behind what it needs. A name may be a
 * file: aoe.ko.
 */
export function loadOrder(folder: string, wanted: readonly string[]): KernelModule[] {
  const files = new Map<string, string>();
  for (const path of lines(join(folder, "modules.order"))) files.set(nameOf(path), path);
  const builtIn = new Set(lines(join(folder, "modules.builtin")).map(nameOf));
  const order = new Map<string, KernelModule>();

  function add(one: string): void {
    const name = nameOf(one);
    if (order.has(name)) return;
    const own = one.endsWith(".ko");
    if (!own && builtIn.has(name)) return;
    const path = files.get(name);
    if (path === undefined && !own) {
      throw environment(`The kernel of ${folder} has no module ${name}`);
    }
    const bytes = own ? readFileSync(one) : unpacked(join(folder, path ?? ""));
    for (const needed of dependencies(bytes)) add(needed);
    order.set(name, { name, bytes });
  }
  for (const one of wanted) add(one);
  return [...order.values()];
}

function lines(file: string): string[] {
  return readFileSync(file, "utf8").split("\n").filter(Boolean);
}

/** `kernel/net/9p/9pnet-virtio.ko` is 9pnet_virtio. */
function nameOf(path: string): string {
  return basename(path)
    .replace(/\.ko(\.\w+)?$/, "")
    .replaceAll("-", "_");
}

/** A module's bytes; distributions compress theirs, and modules.order names them all `.ko`. */
function unpacked(path: string): Uint8Array {
  const readers: [string, (file: string) => Uint8Array][] = [
    ["", (file) => readFileSync(file)],
    [".zst", (file) => Bun.zstdDecompressSync(readFileSync(file))],
    [".gz", (file) => Bun.gunzipSync(readFileSync(file))],
    [".xz", (file) => Bun.spawnSync(["xz", "-dc", file]).stdout],
  ];
  for (const [ending, read] of readers) {
    try {
      return read(`${path}${ending}`);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }
  throw environment(`The kernel's module ${path} is not there`);
}

/** The entry `depends=a,b` of an object's section .modinfo. */
function dependencies(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes).toString("latin1");
  return /\0depends=([^\0]*)\0/.exec(text)?.[1]?.split(",").filter(Boolean) ?? [];
}
