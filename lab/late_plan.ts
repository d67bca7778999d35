// When a late lab holds what was sent on t0: the plan of a job's key `late` and of `aoe bench load --late`.
//
//   hold:AT,release:AT,…   moves of the hold, in order; AT counts from the end of the load's warm-up
//   drop:AT                throw away what is held, then release
//   pulse:PAUSE/PERIOD     a pause every period, from that end on
//
//   warm-up │ ramp │ measured                      │ drain
//   released│      hold ─────── release            released
//           0      AT           AT                 whatever the plan
//
// The end of the measured time releases: what is still out then could never end otherwise. So `hold:0s` holds
// all the time, and `release:0s` never: a late lab that holds nothing, to compare with.

import { expected } from "../words/failure.ts";
import { MS, parseDuration } from "../words/quantity.ts";

const MOVES = ["hold", "release", "drop"] as const;

interface Move {
  readonly what: (typeof MOVES)[number];
  /** ns from the plan's begin. */
  readonly at: number;
}

export interface LatePlan {
  /** As given. */
  readonly text: string;
  /** Times don't fall. */
  readonly moves: readonly Move[];
  /** null: the hold goes by the moves. */
  readonly pulse: { readonly pause: number; readonly period: number } | null;
}

/** A plan that holds nothing. */
export const NEVER_HELD = "release:0s";

/** ns; the hold moves by a process of its own for each move (tc). */
const LEAST_PAUSE = MS;
/** The rule of a pulse, behind the words "to be". */
export const PULSE_RULE = "a pause of at least 1ms that is shorter than its period";

export function isPulse(pause: number, period: number): boolean {
  return pause >= LEAST_PAUSE && period > pause;
}

/** Throws a usage Failure; `what` is the option or key that `text` stood in. */
export function parseLatePlan(text: string, what: string): LatePlan {
  const parts = text.split(",").map((part) => part.trim());
  const [first = ""] = parts;
  if (parts.length === 1 && first.startsWith("pulse:")) {
    return { text, moves: [], pulse: parsePulse(first, what) };
  }
  const moves = parts.map((part) => parseMove(part, what));
  for (const [index, { at }] of moves.entries()) {
    if (at < (moves[index - 1]?.at ?? 0)) {
      throw expected(what, "moves in the order of their times", text);
    }
  }
  return { text, moves, pulse: null };
}

function parsePulse(text: string, what: string): NonNullable<LatePlan["pulse"]> {
  const [pauseText = "", periodText = "", ...more] = text.slice("pulse:".length).split("/");
  if (periodText === "" || more.length > 0) {
    throw expected(what, "pulse:PAUSE/PERIOD, two durations (pulse:5ms/20ms)", text);
  }
  const pause = parseDuration(pauseText, `${what}, PAUSE of pulse`);
  const period = parseDuration(periodText, `${what}, PERIOD of pulse`);
  if (!isPulse(pause, period)) throw expected(what, PULSE_RULE, text);
  return { pause, period };
}

function parseMove(text: string, what: string): Move {
  const [name = "", ...rest] = text.split(":");
  const move = MOVES.find((one) => one === name);
  if (move === undefined || rest.length === 0) {
    throw expected(what, "hold:AT, release:AT and drop:AT in a list, or pulse:PAUSE/PERIOD", text);
  }
  return { what: move, at: parseDuration(rest.join(":"), `${what}, AT of ${move}`) };
}

/** When the last move is due, ns from the plan's begin; 0: a pulse, which begins at once. */
export function lastMove({ moves }: LatePlan): number {
  return moves.at(-1)?.at ?? 0;
}
