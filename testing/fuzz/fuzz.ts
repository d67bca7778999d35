// The fuzzing loop: a case is a surface, a seed and a number, and the same three make the same input
// for ever. Findings are shrunk; of each kind the first is kept.

import { createBreath } from "../../words/breath.ts";
import { EXIT, Failure } from "../../words/failure.ts";
import { createRandom } from "../../words/random.ts";
import { captureSurface } from "./capture_surface.ts";
import { controlSurface } from "./control_surface.ts";
import { initiatorSurface } from "./initiator_surface.ts";
import { nbdSurface } from "./nbd_surface.ts";
import { failureOf, shrink } from "./shrink.ts";
import type { Finding, Surface } from "./surface.ts";
import { tapSurface } from "./tap_surface.ts";
import { serviceSurface, targetSurface } from "./target_surface.ts";
import { textSurface } from "./text_surface.ts";

export const SURFACES: readonly Surface[] = [
  targetSurface,
  serviceSurface,
  initiatorSurface,
  nbdSurface,
  controlSurface,
  captureSurface,
  textSurface,
];

/** Those that need more than this process: fuzzed only where they are named. */
export const OUTSIDE: readonly Surface[] = [tapSurface];

/** Findings after which a surface is left alone. */
const MOST_FINDINGS = 5;

export interface Tally {
  readonly surface: string;
  cases: number;
  /** What the surface said its cases did, and how often. */
  readonly outcomes: Record<string, number>;
}

export interface FuzzReport {
  readonly tallies: readonly Tally[];
  readonly findings: readonly Finding[];
}

/** The input of one case. */
export function inputOf(surface: Surface, seed: number, number: number): string {
  return surface.make(createRandom(seed).fork(`${surface.name} ${number}`));
}

/**
 * Runs the surfaces in turn, case after case, from case `first` on, until `until` says so; it is asked before each case with
 * the number of cases that its surface has had.
 */
export async function fuzz(
  surfaces: readonly Surface[],
  seed: number,
  until: (surface: Surface, cases: number) => boolean,
  first = 0,
  found: (finding: Finding) => void = () => {},
): Promise<FuzzReport> {
  const breath = createBreath();
  const tallies: Tally[] = surfaces.map(({ name }) => ({ surface: name, cases: 0, outcomes: {} }));
  const findings: Finding[] = [];
  const kinds = new Set<string>();
  for (let going = true; going;) {
    going = false;
    await breath();
    for (const [index, surface] of surfaces.entries()) {
      const tally = tallies[index] as Tally;
      const known = findings.filter((finding) => finding.surface === surface.name).length;
      if (known >= MOST_FINDINGS || until(surface, tally.cases)) continue;
      going = true;
      const number = first + tally.cases++;
      const input = inputOf(surface, seed, number);
      let outcome: string;
      try {
        outcome = surface.run(input);
      } catch (error) {
        // The machine can't do it: that says nothing about what is fuzzed.
        if (error instanceof Failure && error.exitCode === EXIT.environment) throw error;
        outcome = "FOUND";
        const message = error instanceof Error ? error.message : String(error);
        const kind = `${surface.name} ${message.replaceAll(/[0-9a-f]{4,}|\d+/gi, "N").slice(0, 60)}`;
        if (!kinds.has(kind)) {
          kinds.add(kind);
          const small = shrink(surface, input);
          const finding: Finding = {
            surface: surface.name,
            seed,
            case: number,
            message: failureOf(surface, small) ?? message,
            input: small,
          };
          findings.push(finding);
          found(finding);
        }
      }
      tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + 1;
    }
  }
  return { tallies, findings };
}
