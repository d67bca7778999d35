// What a reclaim model would have done with the frames that were sent: the model itself, asked in
// the order of what happened.

import type { ReclaimModel } from "../../link/reclaim_model.ts";
import type { Observed } from "./observed.ts";

/** When it would have released each, ns; Infinity: not by anything that happened. */
export function replay(
  tested: ReclaimModel,
  { sends, receives, until }: Pick<Observed, "sends" | "receives" | "until">,
): Float64Array {
  const released = new Float64Array(sends.length).fill(Infinity);
  if (!tested.holds) return Float64Array.from(sends, ({ at }) => at);
  const model = tested.fresh?.() ?? tested;
  let first = 0;
  let behind = 0;
  const held = {
    get count() {
      return behind - first;
    },
    at: (index: number) => sends[first + index]?.at ?? Infinity,
  };
  const release = (count: number, at: number): void => {
    for (const end = first + count; first < end; first++) released[first] = at;
  };
  const passTo = (now: number): void => {
    for (let due = model.deadline(held); due <= now; due = model.deadline(held)) {
      const count = model.byTime(held, due);
      if (count === 0) return;
      release(count, due);
    }
  };
  let heard = 0;
  const hearTo = (now: number): void => {
    for (; (receives[heard] ?? Infinity) <= now; heard++) {
      const at = receives[heard] ?? 0;
      passTo(at);
      release(model.onReceive(held, at), at);
    }
  };
  for (const { at, length } of sends) {
    hearTo(at);
    passTo(at);
    release(model.beforeTransmit(held, at), at);
    behind++;
    release(model.afterTransmit(held, length), at);
  }
  hearTo(until);
  passTo(until);
  return released;
}
