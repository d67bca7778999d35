// The program's own TypeScript files as text, for tests that hold the tree to its rules.

import { posix } from "node:path";

export interface Source {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

const IGNORED = /(^|\/)(node_modules|results|types|\.tmp|\.git)\//;

/** Every TypeScript file below `root`, by path. */
export async function readSources(root: string): Promise<Source[]> {
  const found: Source[] = [];
  for await (const path of new Bun.Glob("**/*.ts").scan({ cwd: root, dot: true })) {
    if (IGNORED.test(path)) continue;
    found.push({ path, text: await Bun.file(`${root}/${path}`).text() });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The modules that a file names: static imports, type imports, re-exports and import(). */
export function importsOf({ text }: Source): string[] {
  const pattern = /(?:\bfrom\s+|\bimport\s+|\bimport\(\s*)"([^"]+)"/g;
  return [...text.matchAll(pattern)].map((match) => match[1] ?? "");
}

/** The files of this tree that a file imports, from the repository's root. */
export function ownImportsOf(source: Source): string[] {
  return importsOf(source)
    .filter((module) => module.startsWith("."))
    .map((module) => posix.join(posix.dirname(source.path), module));
}

export function isTest({ path }: Source): boolean {
  return path.endsWith(".test.ts");
}

export interface Exported {
  readonly name: string;
  readonly isType: boolean;
}

/** What a file exports by name, in the forms that this tree uses. */
export function exportsOf({ text }: Source): Exported[] {
  const declared =
    /^export (?:async |abstract )*(function\*?|class|const|let|interface|type) (\w+)/gm;
  return [...text.matchAll(declared)].map(([, kind, name = ""]) => ({
    name,
    isType: kind === "interface" || kind === "type",
  }));
}

/** What a file takes by name from files of this tree: the names by path; `*` for all of them. */
export function namesTakenBy(
  source: Source,
): (readonly [path: string, names: readonly string[]])[] {
  const from = (module: string): string => posix.join(posix.dirname(source.path), module);
  const clauses = source.text.matchAll(
    /\b(?:import|export)\s+(?:type\s+)?([\w\s*,{}]*?)\s+from\s+"(\.[^"]+)"/g,
  );
  const named = [...clauses].map(([, clause = "", module = ""]) => {
    const list = /\{([^}]*)\}/.exec(clause)?.[1] ?? "*";
    const names = list
      .split(",")
      .map((part) => /^(?:type\s+)?([\w*]+)/.exec(part.trim())?.[1] ?? "");
    return [from(module), names] as const;
  });
  const loaded = source.text.matchAll(/\bimport\(\s*"(\.[^"]+)"/g);
  return [...named, ...[...loaded].map(([, module = ""]) => [from(module), ["*"]] as const)];
}
