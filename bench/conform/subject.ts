// The target under test as a rule sees it: questions in its own words, and what it must have said.
//
// A rule calls `answered`, `refused`, `ends`, `silent`, `expect`; each that does not hold is one sentence in
// `differences`. What a rule can't try, it says with `leaves`. Nothing here throws for what a target
// does: the suite goes on with the next question.

import * as aoe from "../../wire/aoe.ts";
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
} from "../../target/probe.ts";
import type { Address } from "../../words/address.ts";
import type { Answer, Prober } from "./prober.ts";

/** What the device says of itself when the suite begins. */
export interface Facts {
  readonly address: Address;
  readonly target: Mac;
  readonly own: Mac;
  readonly mtu: number;
  readonly bufferCount: number;
  readonly firmware: number;
  /** As announced; 0 is taken for 2 (P13). */
  readonly mostSectors: number;
  readonly sectors: number;
  readonly model: string;
  /** It announced itself while the suite was listening for it (P11): that frame. */
  readonly announcement: Answer | null;
}

/** Sectors at the start of the device that the suite writes. */
export const SCRATCH = 64;

export class Subject {
  readonly prober: Prober;
  readonly facts: Facts;
  differences: string[] = [];
  left: string[] = [];
  /** Statements that were put to the test. */
  tested = 0;

  constructor(prober: Prober, facts: Facts) {
    this.prober = prober;
    this.facts = facts;
  }

  /** Other hosts: addresses that the suite sends from, beside its interface's own. */
  other(index: number): Mac {
    return 0x0200_00c0_0000 + index;
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
  config(command: number, text = "", extra?: Envelope): Frame {
    return configFrame(command, text, this.envelope(extra));
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

  /** One question of each command, none of which changes anything. */
  harmless(extra?: Envelope): [string, Frame][] {
    return [
      ["ATA read", this.read(5, 1, extra)],
      ["config read", this.config(config.READ, "", extra)],
      ["mask read", this.mask(mask.READ, [], extra)],
      ["reserve read", this.reserve(reserve.READ, [], extra)],
    ];
  }

  // ── Verdicts ──────────────────────────────────────────────────────────────────────────────────

  expect(holds: boolean, otherwise: string): boolean {
    this.tested++;
    if (!holds) this.differences.push(otherwise);
    return holds;
  }

  /** A part of the rule that this run can't try, and why. */
  leaves(reason: string): void {
    this.left.push(reason);
  }

  answered(asked: Frame | Uint8Array, what: string): Answer | null {
    const answer = this.prober.answer(asked);
    this.expect(answer !== null, `${what}: no answer`);
    return answer;
  }

  silent(asked: Frame | Uint8Array, what: string): void {
    const answer = this.prober.silence(asked);
    this.expect(answer === null, `${what}: ${answer === null ? "" : tell(answer)}`);
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
    const { aoe: header } = answer.frame;
    this.expect(
      isError(answer.frame) && header.error === code,
      `${what}: ${tell(answer)}, not error ${code}`,
    );
    return answer;
  }

  /** An ATA command that ends with these registers, and no AoE error. */
  ends(asked: Frame, status: number, error: number, what: string): Answer | null {
    const answer = this.answered(asked, what);
    if (answer === null) return null;
    const { body } = answer.frame;
    const holds =
      !isError(answer.frame) &&
      body.kind === "ata" &&
      body.command === status &&
      body.feature === error;
    this.expect(
      holds,
      `${what}: ${tell(answer)}, not status 0x${hex(status)} error 0x${hex(error)}`,
    );
    return answer;
  }

  /** The data of a good read of `count` sectors, or null. */
  data(lba: number, count: number, what = `read of ${lba}+${count}`): Uint8Array | null {
    const answer = this.answered(this.read(lba, count), what);
    if (answer === null) return null;
    const data = answer.bytes.subarray(ata.LENGTH, ata.LENGTH + count * ata.SECTOR);
    const whole = isGood(answer) && data.length === count * ata.SECTOR;
    this.expect(whole, `${what}: ${tell(answer)}`);
    return whole ? data : null;
  }

  /** The sectors from `lba` on hold `data`. */
  holds(lba: number, data: Uint8Array, what: string): boolean {
    const found = this.data(lba, data.length / ata.SECTOR);
    return this.expect(
      found !== null && Buffer.from(found).equals(data),
      `${what}: the sectors hold something else`,
    );
  }

  /** Writes a pattern that no other call has written and makes sure that it is there. */
  place(lba: number, count = 1): Uint8Array {
    const data = pattern(count, this.prober.tag());
    const answer = this.prober.answer(this.write(lba, data));
    this.expect(
      answer !== null && isGood(answer),
      `write of ${lba}+${count}: ${answer === null ? "no answer" : tell(answer)}`,
    );
    return data;
  }

  /** The config string as the target tells it; null: no answer. */
  configText(extra?: Envelope): string | null {
    const answer = this.prober.answer(this.config(config.READ, "", extra));
    return answer?.frame.body.kind === "config"
      ? new TextDecoder().decode(answer.frame.body.string)
      : null;
  }

  masks(from: Mac = this.facts.own): readonly Mac[] | null {
    const answer = this.prober.answer(this.mask(mask.READ, [], { from }));
    return answer?.frame.body.kind === "mask"
      ? answer.frame.body.directives.map(({ mac }) => mac)
      : null;
  }

  members(): readonly Mac[] | null {
    const answer = this.prober.answer(this.reserve(reserve.READ));
    return answer?.frame.body.kind === "reserve" ? answer.frame.body.macs : null;
  }

  // ── Putting things back ───────────────────────────────────────────────────────────────────────

  setConfig(text: string): void {
    this.prober.answer(this.config(config.FORCE_SET, text));
  }

  release(): void {
    this.prober.answer(this.reserve(reserve.FORCE_SET));
  }

  /** Empties the mask list, from us or from whichever of `from` it still lets through. */
  unmask(from: readonly Mac[]): boolean {
    const { own } = this.facts;
    const { prober } = this;
    const groups: (readonly Mac[])[] = [[own]];
    for (let at = 0; at < from.length; at += 32) groups.push(from.slice(at, at + 32));
    for (const macs of groups) {
      const reads = macs.map((mac) => this.mask(mask.READ, [], { from: mac }));
      const answers = prober.burst(reads, prober.patience.silence);
      const through = answers.findIndex((each) => each.length > 0);
      const body = answers[through]?.[0]?.frame.body;
      if (body?.kind !== "mask") continue;
      const listed = body.directives.map((directive) => directive.mac);
      if (listed.length === 0) return true;
      // Whom the edit comes from goes last.
      const mac = macs[through] as Mac;
      const gone = [...listed.filter((each) => each !== mac), mac];
      for (let first = 0; first < gone.length; first += 100) {
        const deletes = gone
          .slice(first, first + 100)
          .map((each) => [mask.DIRECTIVE_DELETE, each] as const);
        prober.answer(this.mask(mask.EDIT, deletes, { from: mac }));
      }
      if (this.masks()?.length === 0) return true;
    }
    return false;
  }

  /** Whether the target still answers us. */
  alive(): boolean {
    return this.prober.answer(this.config(config.READ, "", { to: BROADCAST })) !== null;
  }
}

/** An ATA answer without any failure. */
export function isGood({ frame: { body, aoe: header } }: Answer): boolean {
  return (
    (header.flags & aoe.FLAG_ERROR) === 0 &&
    body.kind === "ata" &&
    (body.command & ata.STATUS_FAILED) === 0
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
