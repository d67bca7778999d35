// A smaller input that still breaks the same way: first fewer lines, then fewer characters.

import type { Surface } from "./surface.ts";

/** Runs of a surface that shrinking may cost. */
const MOST_RUNS = 600;

/** What `input` breaks with, or null. */
export function failureOf(surface: Surface, input: string): string | null {
  try {
    surface.run(input);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** `input` or a smaller one that breaks with a like message (numbers aside). */
export function shrink(surface: Surface, input: string): string {
  const kind = kindOf(failureOf(surface, input));
  let runs = 0;
  const same = (candidate: string): boolean => {
    runs++;
    return kindOf(failureOf(surface, candidate)) === kind;
  };
  const remove = (parts: readonly string[], glue: string): string[] => {
    let left = [...parts];
    for (let size = left.length >> 1; size >= 1 && runs < MOST_RUNS; size >>= 1) {
      for (let at = 0; at < left.length && runs < MOST_RUNS;) {
        const candidate = [...left.slice(0, at), ...left.slice(at + size)];
        if (same(candidate.join(glue))) left = candidate;
        else at += size;
      }
    }
    return left;
  };
  const lines = remove(input.split("\n"), "\n").join("\n");
  if (lines.includes("\n") || lines.length > 4096) return lines;
  return remove([...lines], "").join("");
}

function kindOf(message: string | null): string | null {
  return message?.replaceAll(/[0-9a-f]{4,}|\d+/gi, "N").slice(0, 60) ?? null;
}
