// What an AoE client may set at a device and what the suite puts back: config string, mask list, reservation. A
// question about it that is not answered, or refused, is null: that is not the same as empty.

import * as config from "../../wire/config.ts";
import { isError } from "../../wire/frame.ts";
import type { Mac } from "../../wire/mac.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import type { Answer } from "./prober.ts";
import type { Subject } from "./subject.ts";

function stringIn(answer: Answer | null): Uint8Array | null {
  if (answer === null || isError(answer.frame)) return null;
  return answer.frame.body.kind === "config" ? answer.frame.body.string : null;
}

/** The listed addresses, in one order whatever the device's. */
export function masksIn(answer: Answer | null): readonly Mac[] | null {
  if (answer === null || isError(answer.frame) || answer.frame.body.kind !== "mask") return null;
  return answer.frame.body.directives.map(({ mac }) => mac).sort(upwards);
}

export function membersIn(answer: Answer | null): readonly Mac[] | null {
  if (answer === null || isError(answer.frame) || answer.frame.body.kind !== "reserve") return null;
  return [...answer.frame.body.macs].sort(upwards);
}

export function list(...macs: Mac[]): readonly Mac[] {
  return macs.sort(upwards);
}

function upwards(a: Mac, b: Mac): number {
  return a - b;
}

export const text = (words: string): Uint8Array => new TextEncoder().encode(words);

export function configString(s: Subject): Uint8Array | null {
  return stringIn(s.prober.answer(s.config(config.READ)));
}

export function masks(s: Subject, from: Mac = s.facts.own): readonly Mac[] | null {
  return masksIn(s.prober.answer(s.mask(mask.READ, [], { from })));
}

export function members(s: Subject): readonly Mac[] | null {
  return membersIn(s.prober.answer(s.reserve(reserve.READ)));
}

/** Sets the string if it can be set; the string that stands there then, or null where it can't be told. */
export function setString(s: Subject, string: string | Uint8Array): Uint8Array | null {
  if (s.lacks.has("string")) return configString(s);
  s.prober.answer(s.config(config.FORCE_SET, string));
  return configString(s);
}

/** Empties the reservation; whether it is empty. */
export function release(s: Subject): boolean {
  if (s.lacks.has("reserve")) return true;
  s.prober.answer(s.reserve(reserve.FORCE_SET));
  return members(s)?.length === 0;
}

/** Directives of one edit: they fit a frame at any MTU that AoE knows. */
export const AT_ONCE = 64;

/** Empties the mask list, from us or from whichever of `from` it still lets through. */
export function unmask(s: Subject, from: readonly Mac[]): boolean {
  const { prober } = s;
  const groups: (readonly Mac[])[] = [[s.facts.own]];
  for (let at = 0; at < from.length; at += 32) groups.push(from.slice(at, at + 32));
  for (const macs of groups) {
    const reads = macs.map((mac) => s.mask(mask.READ, [], { from: mac }));
    // Most of the others are not let through, and are not waited for as long as we are.
    const patience = (macs === groups[0] ? 3 : 1) * prober.patience.answer;
    const answers = prober.burst(reads, patience).map(([first]) => first ?? null);
    const through = answers.findIndex((answer) => masksIn(answer) !== null);
    const listed = masksIn(answers[through] ?? null);
    if (listed === null) continue;
    if (listed.length === 0) return true;
    // Whom the edit comes from goes last.
    const mac = macs[through] as Mac;
    const gone = [...listed.filter((each) => each !== mac), mac];
    for (let first = 0; first < gone.length; first += AT_ONCE) {
      const deletes = gone
        .slice(first, first + AT_ONCE)
        .map((each) => [mask.DIRECTIVE_DELETE, each] as const);
      prober.answer(s.mask(mask.EDIT, deletes, { from: mac }));
    }
    if (masks(s)?.length === 0) return true;
  }
  return false;
}
