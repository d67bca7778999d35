// Query config (P9, P10, P29): a string of up to 1024 bytes that clients leave at an export to find it
// again, and what the target can take.

import type { Memory } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import { copyIn, copyOut } from "../../wire/bytes.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import type { Export, StateChange } from "./export.ts";
import { type Outcome, SILENCE, SUCCESS, aoeFailure } from "../outcome.ts";

/** Of this target; a client may show it. */
export const FIRMWARE = 0x0001;

/** P33: whether the frame's command changes something. */
export function changes(view: DataView, base: number): boolean {
  const command = config.command(view, base);
  return command === config.SET || command === config.FORCE_SET;
}

/** The request's own length, without padding (P18). */
export function requestLength(view: DataView, base: number, length: number): number {
  const command = config.command(view, base);
  if (command === config.READ || command > config.FORCE_SET) return config.LENGTH;
  return Math.min(length, config.LENGTH + config.stringLength(view, base));
}

/** What the frame asks for; `longest` is the longest string that fits every interface's frames. */
export function apply(
  owner: Export,
  frame: Memory,
  base: number,
  length: number,
  longest: number,
): Outcome | StateChange {
  const { view } = frame;
  const command = config.command(view, base);
  if (command === config.READ) return SUCCESS;
  if (command > config.FORCE_SET) return aoeFailure(aoe.ERROR_ARGUMENT);
  const size = config.stringLength(view, base);
  if (size > config.LONGEST_STRING || config.LENGTH + size > length) {
    return aoeFailure(aoe.ERROR_ARGUMENT);
  }
  const state = changes(view, base) ? owner.next : owner.state;
  const ours = state.config;
  const prefix = size <= ours.length && matches(ours, view, base + config.LENGTH, size);
  const same = prefix && size === ours.length;
  switch (command) {
    case config.TEST:
      return same ? SUCCESS : SILENCE;
    case config.TEST_PREFIX:
      return prefix ? SUCCESS : SILENCE;
    case config.SET:
      if (ours.length > 0 && !same) return aoeFailure(aoe.ERROR_CONFIG_PRESENT);
      break;
  }
  if (same) return SUCCESS;
  if (size > longest) return aoeFailure(aoe.ERROR_ARGUMENT);
  const set = { ...state, config: copyOut(view, base + config.LENGTH, size) };
  return { state: set, outcome: SUCCESS };
}

function matches(ours: Uint8Array, view: DataView, at: number, size: number): boolean {
  for (let index = 0; index < size; index++) {
    if (ours[index] !== view.getUint8(at + index)) return false;
  }
  return true;
}

/**
 * Writes what stands behind the AoE header, always with our string as it is; the length of the whole.
 * `room` is the largest frame: a string that no longer fits since the MTU fell is cut.
 */
export function answer(
  owner: Export,
  view: DataView,
  command: number,
  mostSectors: number,
  room: number,
): number {
  const ours = owner.state.config;
  const size = Math.min(ours.length, room - config.LENGTH);
  config.write(view, 0, owner.bufferCount, FIRMWARE, mostSectors, command, size);
  copyIn(size === ours.length ? ours : ours.subarray(0, size), view, config.LENGTH);
  return config.LENGTH + size;
}

/** The longest string whose answer fits a frame at `mtu`. */
export function longestString(mtu: number): number {
  return Math.min(config.LONGEST_STRING, mtu + ethernet.LENGTH - config.LENGTH);
}
