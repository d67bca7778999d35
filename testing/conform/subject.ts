// The target under test as a rule sees it: questions in its own words, and what it must have said.
//
// A rule calls `answered`, `refused`, `ends`, `silent`, `expect`, `tells`; each that does not hold is one sentence
// in `differences`. What a rule can't try, it says with `leaves`; what this target or this network lacks for a test,
// `has` says. Nothing here throws for what a target does: the suite goes on with the next question.
//
// A sentence accuses the target, so a rule asks first: what else could have made this answer? A state is compared
// with what it was before, and a question that is not answered tells nothing.

import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import { type Frame, isError } from "../../wire/frame.ts";
import { BROADCAST, type Mac } from "../../wire/mac.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import {
  ataFrame,
  configFrame,
  type Envelope,
  frame,
  maskFrame,
  pattern,
  reserveFrame,
} from "../doubles/probe.ts";
import { type Answer, type Prober, type Question, take } from "./prober.ts";
import type { Ability, Facts } from "./facts.ts";

/** What a question about the device's state told; null: nothing. */
export type Told = Uint8Array | readonly Mac[] | null;

/** Something that differs, and the question whose answer is missed, where that is why. */
export interface Difference {
  readonly sentence: string;
  readonly missed: Question | null;
}

export class Subject {
  readonly prober: Prober;
  readonly facts: Facts;
  readonly lacks: Map<Ability, string>;
  differences: Difference[] = [];
  left: string[] = [];
  /** Statements that were put to the test. */
  tested = 0;

  constructor(prober: Prober, facts: Facts) {
    this.prober = prober;
    this.facts = facts;
    this.lacks = new Map(facts.lacks);
  }

  /** Other hosts: addresses that the suite sends from, beside its interface's own. */
  other(index: number): Mac {
    return 0x0200_00c0_0000 + index;
  }

  /** Where it is not so, the rest of the rule that needs it is not tested. */
  has(ability: Ability): boolean {
    const lack = this.lacks.get(ability);
    if (lack !== undefined) this.leaves(lack);
    return lack === undefined;
  }

  // ── Questions ─────────────────────────────────────────────────────────────────────────────────

  envelope(extra: Envelope = {}): Envelope {
    const { target, own, address } = this.facts;
    return { to: target, from: own, ...address, tag: this.prober.tag(), ...extra };
  }

  ata(fields: Partial<ata.Ata>, extra?: Envelope, data?: Uint8Array): Frame {
    return ataFrame(fields, this.envelope(extra), data);
  }
  read(lba: number, count: number, extra?: Envelope): Frame {
    return this.ata({ lba, count }, extra);
  }
  write(lba: number, data: Uint8Array, extra?: Envelope): Frame {
    const flags = ata.FLAG_EXTENDED | ata.FLAG_WRITE;
    const count = data.length / ata.SECTOR;
    return this.ata({ command: ata.WRITE_EXT, flags, lba, count }, extra, data);
  }
  identify(extra?: Envelope, count = 1): Frame {
    return this.ata({ command: ata.IDENTIFY, flags: 0, lba: 0xa000_0000, count }, extra);
  }
  config(command: number, string: string | Uint8Array = "", extra?: Envelope): Frame {
    return configFrame(command, string, this.envelope(extra));
  }
  mask(
    command: number,
    directives: readonly (readonly [number, Mac])[] = [],
    extra?: Envelope,
  ): Frame {
    return maskFrame(command, directives, this.envelope(extra));
  }
  reserve(command: number, macs: readonly Mac[] = [], extra?: Envelope): Frame {
    return reserveFrame(command, macs, this.envelope(extra));
  }
  bare(command: number, data = new Uint8Array(0), extra?: Envelope): Frame {
    return frame(command, { kind: "vendor" }, this.envelope(extra), data);
  }

  /** One question of each command that the target has been heard to answer well; none of them changes anything. */
  harmless(extra?: Envelope): [string, Frame][] {
    const asked: [string, Frame][] = [["config read", this.config(config.READ, "", extra)]];
    if (!this.lacks.has("read")) asked.unshift(["ATA read", this.read(5, 1, extra)]);
    if (!this.lacks.has("mask")) asked.push(["mask read", this.mask(mask.READ, [], extra)]);
    if (!this.lacks.has("reserve"))
      asked.push(["reserve read", this.reserve(reserve.READ, [], extra)]);
    return asked;
  }

  // ── Verdicts ──────────────────────────────────────────────────────────────────────────────────

  expect(holds: boolean, otherwise: string, missed: Question | null = null): boolean {
    this.tested++;
    if (!holds) this.differences.push({ sentence: otherwise, missed });
    return holds;
  }

  /** A part of the rule that this run can't try, and why. */
  leaves(reason: string): void {
    if (!this.left.includes(reason)) this.left.push(reason);
  }

  /** The state is as it should be; where either is not known, nothing is said of it. */
  tells(found: Told, wanted: Told, otherwise: string): boolean {
    if (found === null || wanted === null) {
      this.leaves(`whether ${otherwise}: a read of it is not answered`);
      return false;
    }
    return this.expect(String(found) === String(wanted), otherwise);
  }

  answered(asked: Frame | Uint8Array, what: string): Answer | null {
    const question = this.prober.ask(asked);
    const answer = take(question);
    this.expect(answer !== null, `${what}: no answer`, question);
    return answer;
  }

  silent(asked: Frame | Uint8Array, what: string): boolean {
    const answer = this.prober.silence(asked, what);
    return this.expect(answer === null, `${what}: ${answer === null ? "" : tell(answer)}`);
  }

  /** Answered without the AoE error flag. */
  succeeds(asked: Frame | Uint8Array, what: string): Answer | null {
    const answer = this.answered(asked, what);
    if (answer === null) return null;
    this.expect(!isError(answer.frame), `${what}: ${tell(answer)}`);
    return isError(answer.frame) ? null : answer;
  }

  /** Answered with the AoE error flag and `code`. */
  refused(asked: Frame | Uint8Array, code: number, what: string): Answer | null {
    const answer = this.answered(asked, what);
    if (answer === null) return null;
    this.expect(isRefused(answer, code), `${what}: ${tell(answer)}, not error ${code}`);
    return answer;
  }

  /** A good answer to an ATA command: DRDY, none of the bits that mean a failure; the error register means nothing then. */
  good(asked: Frame, what: string): Answer | null {
    const answer = this.answered(asked, what);
    if (answer === null) return null;
    const ready = isGood(answer) && (statusOf(answer) & ata.STATUS_DRDY) !== 0;
    this.expect(ready, `${what}: ${tell(answer)}, not status 0x40`);
    return answer;
  }

  /** An ATA command that fails for `reason`, a bit of the error register. An AoE error in its place is P15's matter. */
  fails(asked: Frame, reason: number, what: string): Answer | null {
    const answer = this.answered(asked, what);
    if (answer === null) return null;
    if (isError(answer.frame)) {
      this.leaves(`${what}: ${tell(answer)} (P15)`);
      return null;
    }
    const { body } = answer.frame;
    const holds =
      body.kind === "ata" &&
      (body.command & FAILED_BITS) === (ata.STATUS_ERR | ata.STATUS_DRDY) &&
      (body.feature & reason) !== 0;
    this.expect(holds, `${what}: ${tell(answer)}, not status 0x41 error 0x${hex(reason)}`);
    return answer;
  }

  /** The data of a read of `count` sectors, or null. */
  data(lba: number, count: number): Uint8Array | null {
    const answer = this.prober.answer(this.read(lba, count));
    if (answer === null || !isGood(answer)) return null;
    const data = answer.bytes.subarray(ata.LENGTH, ata.LENGTH + count * ata.SECTOR);
    return data.length === count * ata.SECTOR ? data : null;
  }

  /** The sectors from `lba` on hold `data`. */
  holds(lba: number, data: Uint8Array, what: string): boolean {
    const found = this.data(lba, data.length / ata.SECTOR);
    return this.tells(found, data, `${what}: the sectors hold something else`);
  }

  /** Writes a pattern that no other call has written; null, and a word about it, where it does not stand there then. */
  place(lba: number, count = 1): Uint8Array | null {
    if (!this.has("write")) return null;
    const data = pattern(count, this.prober.tag());
    this.prober.answer(this.write(lba, data));
    const found = this.data(lba, count);
    if (found !== null && String(found) === String(data)) return data;
    this.leaves(`what needs sectors ${lba}+${count} written: they can't be`);
    return null;
  }

  /** Whether the target still answers us. */
  alive(): boolean {
    return this.prober.answer(this.config(config.READ, "", { to: BROADCAST })) !== null;
  }
}

const FAILED_BITS = ata.STATUS_FAILED | ata.STATUS_DRDY;

function statusOf({ frame: { body } }: Answer): number {
  return body.kind === "ata" ? body.command : 0;
}

export function isRefused({ frame: answer }: Answer, code: number): boolean {
  return isError(answer) && answer.aoe.error === code;
}

/** An ATA answer without any failure. */
export function isGood(answer: Answer): boolean {
  const { body } = answer.frame;
  return (
    !isError(answer.frame) && body.kind === "ata" && (statusOf(answer) & ata.STATUS_FAILED) === 0
  );
}

/** An answer in a few words. */
export function tell({ frame: answer, bytes }: Answer): string {
  const { body } = answer;
  if (isError(answer)) return `AoE error ${answer.aoe.error}`;
  if (answer.aoe.error !== 0) return `error code ${answer.aoe.error} without the error flag`;
  if (body.kind === "ata") {
    return `status 0x${hex(body.command)} error 0x${hex(body.feature)}, ${Math.max(0, bytes.length - ata.LENGTH)} bytes behind`;
  }
  if (body.kind === "config") return `success, a config string of ${body.stringLength} bytes`;
  if (body.kind === "mask") return `MError ${body.error}, ${body.count} directives`;
  if (body.kind === "reserve") return `success, ${body.macs.length} members`;
  return `an answer of ${bytes.length} bytes`;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}
