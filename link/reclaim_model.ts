// When a network driver releases what it has transmitted: the models that stand in for one.
//
//   eager              at once
//   coalesce:N/T       all, when N are held or the oldest has been held for T: the tx-frames and
//                      tx-usecs of `ethtool -C`, which is how tg3 and its kin defer
//   delay:T            each, T after its transmit
//   next-xmit:D        each transmit first cleans what went out at least D before it (virtio_net
//                      without napi_tx frees old buffers at the start of start_xmit)
//   on-receive:D       a receive that finds a frame first cleans what went out at least D before it
//                      (a NAPI driver cleans its transmit ring when the receive interrupt polls it)
//   batch:N            all, when N are held: an RDMA queue whose sender signals each Nth send alone
//   ring:N/T           T at a time, by a transmit that finds fewer than T of N descriptors free
//                      (DPDK's tx_free_thresh and tx_rs_thresh, both T)
//   line:R/B           each when a line of R bytes a second has sent it, B bytes at once after a
//                      pause (a token bucket: tc's tbf)
//   stuck              never
//   fit:FILE           the model that `aoe bench pins` found
//
// A model is a value without state (but line, reclaim_line.ts): it looks at the queue of what is
// held, oldest first, and says how many of the oldest it releases. So it is exact whatever the
// rhythm in which it is asked, and nothing in it is random. N alone holds a pool smaller than N for
// ever, as batch:N does: hence the T of coalesce:N/T.

import { expected } from "../words/failure.ts";
import { parseDuration, parseInteger, parseSize } from "../words/quantity.ts";
import { readFit } from "./reclaim_fit.ts";
import { line } from "./reclaim_line.ts";
import type { Held, ReclaimModel } from "./release_rule.ts";

export type { Held, ReclaimModel };

const none = () => 0;
const never = () => Infinity;
const NOTHING = {
  holds: true,
  byTime: none,
  deadline: never,
  beforeTransmit: none,
  afterTransmit: none,
  onReceive: none,
};

/** How each model is written. */
export const RECLAIM_FORMS = [
  ...["eager", "coalesce:N/T", "delay:T", "next-xmit:D", "on-receive:D"],
  ...["batch:N", "ring:N/T", "line:R/B", "stuck", "fit:FILE"],
] as const;
const FORMS = `one of ${RECLAIM_FORMS.join(", ")}`;

/** The model that `text` names; `what` is the option that it stood in. Throws a usage Failure. */
export function parseReclaim(text: string, what: string): ReclaimModel {
  const trimmed = text.trim();
  const [name = "", ...rest] = trimmed.split(":");
  const argument = rest.join(":");
  if ((name === "eager" || name === "stuck") && rest.length > 0) throw expected(what, FORMS, text);
  switch (name) {
    case "eager":
      return { ...NOTHING, text: trimmed, holds: false };
    case "stuck":
      return { ...NOTHING, text: trimmed };
    case "coalesce": {
      const parts = argument.split("/");
      const [frames, time] = parts;
      if (parts.length !== 2 || frames === undefined || time === undefined) {
        throw expected(what, "coalesce:N/T, a number of frames and a duration", text);
      }
      const most = parseInteger(frames, `${what}, N of coalesce`, 1);
      return coalesce(trimmed, most, parseDuration(time, `${what}, T of coalesce`));
    }
    case "delay":
      return delay(trimmed, parseDuration(argument, `${what}, T of delay`));
    case "next-xmit": {
      const age = parseDuration(argument, `${what}, D of next-xmit`);
      return { ...NOTHING, text: trimmed, beforeTransmit: (held, now) => aged(held, age, now) };
    }
    case "on-receive": {
      const age = parseDuration(argument, `${what}, D of on-receive`);
      return { ...NOTHING, text: trimmed, onReceive: (held, now) => aged(held, age, now) };
    }
    case "batch": {
      const most = parseInteger(argument, `${what}, N of batch`, 1);
      return { ...NOTHING, text: trimmed, afterTransmit: (held) => full(held, most) };
    }
    case "ring": {
      const [size, batch, ...more] = argument.split("/");
      if (size === undefined || batch === undefined || more.length > 0) {
        throw expected(what, "ring:N/T, two numbers of descriptors", text);
      }
      const most = parseInteger(size, `${what}, N of ring`, 1);
      return ring(trimmed, most, parseInteger(batch, `${what}, T of ring`, 1, most));
    }
    case "line": {
      const [rate, burst, ...more] = argument.split("/");
      if (rate === undefined || burst === undefined || more.length > 0) {
        throw expected(what, "line:R/B, bytes a second and bytes at once", text);
      }
      const bytes = parseSize(rate, `${what}, R of line`);
      if (bytes < 1) throw expected(`${what}, R of line`, "at least 1", rate);
      return line(trimmed, bytes, parseSize(burst, `${what}, B of line`));
    }
    case "fit":
      return parseReclaim(readFit(argument), `${what}, in ${argument}`);
    default:
      throw expected(what, FORMS, text);
  }
}

function coalesce(text: string, most: number, time: number): ReclaimModel {
  // The timer runs from the oldest on and cleans what had gone out when it fired, however late
  // somebody asks; what went out after that starts the next one.
  const fired = (held: Held, now: number) => {
    let count = 0;
    while (count < held.count && held.at(count) + time <= now) {
      const fires = held.at(count) + time;
      while (count < held.count && held.at(count) <= fires) count++;
    }
    return count;
  };
  return {
    ...NOTHING,
    text,
    byTime: fired,
    deadline: (held) => (held.count > 0 ? held.at(0) + time : Infinity),
    beforeTransmit: fired,
    afterTransmit: (held) => full(held, most),
  };
}

function delay(text: string, time: number): ReclaimModel {
  return {
    ...NOTHING,
    text,
    byTime: (held, now) => aged(held, time, now),
    deadline: (held) => (held.count > 0 ? held.at(0) + time : Infinity),
  };
}

/** A whole batch, where fewer than `batch` of `size` descriptors are free. */
function ring(text: string, size: number, batch: number): ReclaimModel {
  const beforeTransmit = ({ count }: Held) => (count >= batch && size - count < batch ? batch : 0);
  return { ...NOTHING, text, beforeTransmit };
}

/** All, once `most` are held. */
function full(held: Held, most: number): number {
  return held.count >= most ? held.count : 0;
}

/**
 * How many are `age` old at `now`, by the sum that `deadline` says: by a difference, which is rounded in another way, a
 * deadline could come at which nothing is released.
 */
function aged(held: Held, age: number, now: number): number {
  let count = 0;
  while (count < held.count && held.at(count) + age <= now) count++;
  return count;
}
