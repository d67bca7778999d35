// The harness's own warm-up: for a while the link releases at once, so that both processes run at full
// speed and their code gets compiled, whatever the pool under test would do meanwhile.
//
//   start        gate opens             measured
//     │─ warm-up ─│──── ramp (fio's) ────│──────
//      eager        the model under test
//
// Without it a pool that sends 16 commands each 100 ms keeps target and load so idle that their code
// stays interpreted: 16 answers then took 0.5 to 2.4 ms (0.3 ms when compiled), the last ones came after
// the link had released and woke the pool between kicks, which then looked better than it is. A driver
// in a kernel has no such state.

import type { Held, ReclaimModel } from "../../link/reclaim_model.ts";

export interface Gate {
  readonly model: ReclaimModel;
  /** From now on the model under test holds. */
  open(): void;
}

/** `tested` behind a gate; while it is shut every buffer is released at the next `reclaim`. */
export function gate(tested: ReclaimModel): Gate {
  const model = tested.fresh?.() ?? tested;
  let shut = true;
  const all = (held: Held): number => held.count;
  return {
    model: {
      text: model.text,
      holds: model.holds,
      byTime: (held, now) => (shut ? all(held) : model.byTime(held, now)),
      deadline(held) {
        if (!shut) return model.deadline(held);
        return held.count === 0 ? Number.POSITIVE_INFINITY : held.at(0);
      },
      beforeTransmit: (held, now) => (shut ? all(held) : model.beforeTransmit(held, now)),
      // A frame sent a moment ago is released by the next `reclaim`: once, and not as this transmit's too.
      afterTransmit: (held, length) => (shut ? 0 : model.afterTransmit(held, length)),
      onReceive: (held, now) => (shut ? all(held) : model.onReceive(held, now)),
    },
    open() {
      shut = false;
    },
  };
}
