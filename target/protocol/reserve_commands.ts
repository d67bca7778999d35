// Reserve/release (P16, P29): whose ATA commands an export runs.

import type { Memory } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ethernet from "../../wire/ethernet.ts";
import type { Mac } from "../../wire/mac.ts";
import * as reserve from "../../wire/reserve.ts";
import type { Export, StateChange } from "./export.ts";
import { type Outcome, SUCCESS, aoeFailure } from "../outcome.ts";

/** P33. */
export function changes(view: DataView, base: number): boolean {
  const command = reserve.command(view, base);
  return command === reserve.SET || command === reserve.FORCE_SET;
}

export function requestLength(view: DataView, base: number, length: number): number {
  if (!changes(view, base)) return reserve.LENGTH;
  return Math.min(length, reserve.LENGTH + reserve.count(view, base) * reserve.MEMBER_LENGTH);
}

/** Members that one frame at `mtu` holds: 248 at 1500. */
export function mostMembers(mtu: number): number {
  return Math.min(
    255,
    Math.floor((mtu + ethernet.LENGTH - reserve.LENGTH) / reserve.MEMBER_LENGTH),
  );
}

export function apply(
  owner: Export,
  frame: Memory,
  base: number,
  length: number,
  source: Mac,
  most: number,
): Outcome | StateChange {
  const { view } = frame;
  const command = reserve.command(view, base);
  if (command === reserve.READ) return SUCCESS;
  if (command !== reserve.SET && command !== reserve.FORCE_SET) {
    return aoeFailure(aoe.ERROR_ARGUMENT);
  }
  const count = reserve.count(view, base);
  if (count > most || reserve.LENGTH + count * reserve.MEMBER_LENGTH > length) {
    return aoeFailure(aoe.ERROR_ARGUMENT);
  }
  const { next } = owner;
  if (command === reserve.SET && owner.isReservedFrom(source, next)) {
    return aoeFailure(aoe.ERROR_RESERVED);
  }
  const reservation: Mac[] = [];
  for (let index = 0; index < count; index++) reservation.push(reserve.member(view, base, index));
  return { state: { ...next, reservation }, outcome: SUCCESS };
}

/** Writes what stands behind the AoE header, the list as it is; the length of the whole. */
export function answer(owner: Export, view: DataView, command: number, most: number): number {
  const { reservation } = owner.state;
  const count = Math.min(reservation.length, most);
  reserve.write(view, 0, command, count);
  for (let index = 0; index < count; index++) {
    reserve.writeMember(view, 0, index, reservation[index] as Mac);
  }
  return reserve.LENGTH + count * reserve.MEMBER_LENGTH;
}
