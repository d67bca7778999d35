// How the program gets to a host: two parts, each named by the hash of what it is, put there only
// where it is missing, checked there each time, and renamed into place when whole.
//
//   bun-HASH     the runtime, once a host: SHA-256 of the file
//   tree-HASH    the sources, once an edit: SHA-256 of the list `HASH  ./path` of its files, sorted
//
// The hosts' shell does it (bootstrap.sh), since nothing of ours is there yet.

import { lstatSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { environment } from "../../words/failure.ts";
import { BUILT_IN, ownFile } from "../../sys/root.ts";

/** A part, and its bytes as they go over the wire, made when a host lacks it. */
export interface Part {
  readonly kind: "bun" | "tree";
  readonly hash: string;
  packed(): Promise<Uint8Array>;
}

function sha256(bytes: Uint8Array | string): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
}

/** The Bun that runs this. */
export function runtimePart(path = process.execPath): Part {
  const bytes = readFileSync(path);
  return {
    kind: "bun",
    hash: sha256(bytes),
    // Level 1: a network of today takes the rest faster than a CPU.
    packed: once(async () => Bun.gzipSync(bytes, { level: 1 })),
  };
}

/** What only draws reports. */
const NOT_THERE = ["@observablehq/plot", "linkedom"];

const Manifest = v.object({
  files: v.optional(v.array(v.string()), []),
  dependencies: v.optional(v.record(v.string(), v.string()), {}),
});

function manifestOf(folder: string): v.InferOutput<typeof Manifest> {
  return v.parse(Manifest, JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
}

/** The sources of the revision whose aoe.ts is `program`: its package, but tests and pages. */
export function treePart(program: string): Part {
  if (BUILT_IN) {
    throw environment("Hosts need the program as sources: npm install -g aoe, or a git checkout");
  }
  const root = dirname(program);
  const files: Record<string, Uint8Array> = {};
  const add = (path: string, from = join(root, path)): void => {
    for (const [name, bytes] of filesUnder(from)) files[join(path, name)] = bytes;
  };
  for (const entry of manifestOf(root).files) {
    if (/[*!]|^(?:docs|man|types|fixtures\/baselines)\b|\.md$/.test(entry)) continue;
    add(entry);
  }
  add("package.json");
  for (const [name, folder] of packagesOf(root)) add(join("node_modules", name), folder);
  if (files["aoe.ts"] === undefined) throw environment(`${root} has no aoe.ts to put on hosts`);
  const list = Object.keys(files)
    .sort()
    .map((path) => `${sha256(files[path] ?? "")}  ./${path}\n`);
  return {
    kind: "tree",
    hash: sha256(list.join("")),
    packed: once(() => new Bun.Archive(files, { compress: "gzip" }).bytes()),
  };
}

function* filesUnder(path: string, name = ""): Generator<[string, Uint8Array]> {
  const full = join(path, name);
  if (statSync(full, { throwIfNoEntry: false }) === undefined) return;
  if (statSync(full).isFile()) {
    // A shell lists them there.
    if (/[^\w./@+-]/.test(name) || name.endsWith(".test.ts")) return;
    yield [name, readFileSync(full)];
    return;
  }
  for (const one of readdirSync(full)) {
    const inner = join(name, one);
    if (one === "node_modules" || lstatSync(join(path, inner)).isSymbolicLink()) continue;
    yield* filesUnder(path, inner);
  }
}

/** Packages that the sources need, and theirs, by name. */
function packagesOf(root: string): Map<string, string> {
  const found = new Map<string, string>();
  const look = (folder: string): void => {
    for (const name of Object.keys(manifestOf(folder).dependencies)) {
      if (found.has(name) || NOT_THERE.includes(name)) continue;
      const path = join(root, "node_modules", name);
      if (statSync(path, { throwIfNoEntry: false }) === undefined) continue;
      found.set(name, realpathSync(path));
      look(path);
    }
  };
  look(root);
  return found;
}

/** `uname -m` by `process.arch`. */
const MACHINES: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };

export function ownMachine(): string {
  return MACHINES[process.arch] ?? process.arch;
}

/** The command of a session: what a login shell of any kind passes on to sh. */
export function bootstrap(): string {
  const lines = readFileSync(ownFile("bench/hosts/bootstrap.sh"), "utf8").split("\n");
  const words = lines.map((line) => line.trim()).filter((line) => line !== "" && line[0] !== "#");
  return `exec sh -c '${words.join(" ")}'`;
}
