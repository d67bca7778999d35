// MAC mask list (P17, P29): who may talk to an export at all.

import type { Memory } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ethernet from "../../wire/ethernet.ts";
import type { Mac } from "../../wire/mac.ts";
import * as mask from "../../wire/mask.ts";
import type { Export, StateChange } from "./export.ts";
import * as outcomes from "../outcome.ts";
import { type Outcome, SUCCESS, aoeFailure, registers } from "../outcome.ts";

/** P33. */
export function changes(view: DataView, base: number): boolean {
  return mask.command(view, base) === mask.EDIT;
}

export function requestLength(view: DataView, base: number, length: number): number {
  if (!changes(view, base)) return mask.LENGTH;
  return Math.min(length, mask.directive(0, mask.count(view, base)));
}

/** Entries that one frame at `mtu` holds: 185 at 1500. */
export function mostEntries(mtu: number): number {
  return Math.min(255, Math.floor((mtu + ethernet.LENGTH - mask.LENGTH) / mask.DIRECTIVE_LENGTH));
}

/** What the directives make of the list, in order, up to the first bad one; `most` entries are kept. */
export function apply(
  owner: Export,
  frame: Memory,
  base: number,
  length: number,
  most: number,
): Outcome | StateChange {
  const { view } = frame;
  const command = mask.command(view, base);
  if (command === mask.READ) return SUCCESS;
  if (command !== mask.EDIT) return aoeFailure(aoe.ERROR_ARGUMENT);
  const count = mask.count(view, base);
  if (mask.directive(0, count) > length) return aoeFailure(aoe.ERROR_ARGUMENT);

  const { next } = owner;
  const list: Mac[] = [...next.masks];
  let failure = 0;
  let done = 0;
  while (done < count && failure === 0) {
    failure = run(list, view, base, done, most);
    if (failure === 0) done++;
  }
  const outcome = failure === 0 ? SUCCESS : registers(failure, done);
  return same(list, next.masks) ? outcome : { state: { ...next, masks: list }, outcome };
}

/** Directive `index`: the MError it ends with. */
function run(list: Mac[], view: DataView, base: number, index: number, most: number): number {
  const mac = mask.directiveMac(view, base, index);
  const at = list.indexOf(mac);
  switch (mask.directiveCommand(view, base, index)) {
    case mask.DIRECTIVE_NONE:
      return 0;
    case mask.DIRECTIVE_ADD:
      if (at >= 0) return 0;
      if (list.length >= most) return mask.ERROR_FULL;
      list.push(mac);
      return 0;
    case mask.DIRECTIVE_DELETE:
      if (at >= 0) list.splice(at, 1);
      return 0;
    default:
      return mask.ERROR_DIRECTIVE;
  }
}

function same(a: readonly Mac[], b: readonly Mac[]): boolean {
  return a.length === b.length && a.every((mac, index) => mac === b[index]);
}

/**
 * Writes what stands behind the AoE header; the length of the whole, `room` at most. Success and AoE errors carry the
 * list as it is; a failed edit says how many directives were done, and repeats those of `frame` that fit: one that
 * came may be longer than any that may be sent.
 */
export function answer(
  owner: Export,
  view: DataView,
  command: number,
  outcome: Outcome,
  frame: Memory,
  base: number,
  most: number,
  room: number,
): number {
  const failure = outcomes.status(outcome);
  if (failure !== 0) {
    const done = outcomes.error(outcome);
    const told = Math.min(done, Math.floor((room - mask.LENGTH) / mask.DIRECTIVE_LENGTH));
    mask.write(view, 0, command, failure, done);
    for (let index = 0; index < told; index++) {
      mask.writeDirective(
        view,
        0,
        index,
        mask.directiveCommand(frame.view, base, index),
        mask.directiveMac(frame.view, base, index),
      );
    }
    return mask.directive(0, told);
  }
  const { masks } = owner.state;
  // A list from before the MTU fell may be longer than a frame: what fits is told.
  const count = Math.min(masks.length, most);
  mask.write(view, 0, command, 0, count);
  for (let index = 0; index < count; index++) {
    mask.writeDirective(view, 0, index, mask.DIRECTIVE_ADD, masks[index] as Mac);
  }
  return mask.directive(0, count);
}
