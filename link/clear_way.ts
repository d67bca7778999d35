// Whether frames may leave an interface by AF_XDP unnoticed: that way passes by its queue discipline (netem, tbf, clsact)
// and by the captures on this host, so it is clear where there are neither. A discipline comes and goes with
// a message; a capture comes without one, and is looked for ten times a second and after each longer silence.

import { openCaptures } from "../sys/captures.ts";
import { hasQueueDiscipline } from "../sys/queue_discipline.ts";

/** How long a capture may run before it sees all frames, ns. */
const LOOK_EVERY = 100e6;

export interface ClearWay {
  readonly clear: boolean;
  /** At `now`, ns; `changed`: something about some interface may have. */
  look(now: number, changed: boolean): void;
  close(): void;
}

/** Of interface `index`, as of the last `look`. */
export function watchWay(index: number): ClearWay {
  const captures = openCaptures(index);
  let hasQueue = hasQueueDiscipline(index);
  let nextLook = Number.NEGATIVE_INFINITY;
  const way = {
    clear: false,
    look(now: number, changed: boolean) {
      if (changed) hasQueue = hasQueueDiscipline(index);
      else if (now < nextLook) return;
      nextLook = now + LOOK_EVERY;
      way.clear = !hasQueue && captures !== null && !captures.any();
    },
    close() {
      captures?.close();
    },
  };
  return way;
}
