// What makes a target unlike ours, for the suite's tests: oddities, which no rule forbids, and deviations, each of
// which its rule forbids. A target is ours behind a link that alters what it is given and what it answers.
//
//   frame ─▶ asked (may alter it, or drop it) ─▶ Target ─▶ answered (may alter it, with the request at hand) ─▶ link

import type { Export } from "../../target/protocol/export.ts";
import type { MemoryStore } from "../../target/stores/memory.ts";
import type { Target } from "../../target/protocol/target.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import * as identify from "../../wire/identify.ts";
import { BROADCAST, writeMac } from "../../wire/mac.ts";
import { isMalformed } from "../../wire/malformed.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";

export const ADDRESS = { major: 7, minor: 3 } as const;
export const NEIGHBOUR = { major: 7, minor: 4 } as const;
export const SECTORS = 4096;

/** One way to be unlike our own target. */
export interface Odd {
  /** What the target is given in place of the request; false: nothing. `extra` gives it a further frame. */
  readonly asked?: (request: Request) => boolean;
  /** Alters an answer before it leaves; the length to send, 0 for none. */
  readonly answered?: (answer: DataView, length: number, request: Request) => number;
  readonly made?: (made: Made) => void;
}

/** A request as the target is given it. */
export interface Request {
  readonly view: DataView;
  readonly bytes: Uint8Array;
  /** As it came, before `asked`. */
  readonly original: DataView;
  readonly made: Made;
  length: number;
  addressed: number;
  /** Gives the target a frame beside this one. */
  readonly extra: (bytes: Uint8Array) => void;
}

export interface Made {
  readonly target: Target;
  readonly store: MemoryStore;
  readonly neighbour: Export;
  readonly neighbourStore: MemoryStore;
}

const COMMAND = (view: DataView): number => aoe.command(view, 0);
const isAta = (view: DataView): boolean => COMMAND(view) === aoe.COMMAND_ATA;
const isConfig = (view: DataView): boolean => COMMAND(view) === aoe.COMMAND_CONFIG;
const opcode = ({ original }: Request): number => (isAta(original) ? ata.command(original, 0) : -1);
const isFine = (view: DataView): boolean =>
  isAta(view) && !aoe.isError(view, 0) && (ata.status(view, 0) & ata.STATUS_FAILED) === 0;

/** Whether it is one of P33: sent to all, and it would change something. */
export function isWildcardChange(view: DataView): boolean {
  if (aoe.major(view, 0) !== aoe.ANY_MAJOR && aoe.minor(view, 0) !== aoe.ANY_MINOR) return false;
  switch (COMMAND(view)) {
    case aoe.COMMAND_ATA:
      return ata.isWrite(ata.command(view, 0));
    case aoe.COMMAND_CONFIG:
      return config.command(view, 0) >= config.SET;
    case aoe.COMMAND_MASK:
      return mask.command(view, 0) === mask.EDIT;
    default:
      return COMMAND(view) === aoe.COMMAND_RESERVE && reserve.command(view, 0) >= reserve.SET;
  }
}

export function addressedTo(
  view: DataView,
  { major, minor }: { major: number; minor: number },
): void {
  view.setUint16(aoe.MAJOR, major);
  view.setUint8(aoe.MINOR, minor);
}

/** The command comes to the target as one that it does not know, and goes back under its own number. */
function unknown(...commands: readonly number[]): Odd {
  return {
    asked({ view }) {
      if (commands.includes(COMMAND(view))) view.setUint8(aoe.COMMAND, 0x7f);
      return true;
    },
    answered(answer, length, { original }) {
      answer.setUint8(aoe.COMMAND, COMMAND(original));
      return length;
    },
  };
}

/** What no rule forbids. */
export const ODDITIES = {
  "commands 2 and 3 are unknown": unknown(aoe.COMMAND_MASK, aoe.COMMAND_RESERVE),
  "commands 2 and 3 are not answered": {
    asked: ({ view }) => COMMAND(view) < aoe.COMMAND_MASK || COMMAND(view) > aoe.COMMAND_RESERVE,
  },
  "its buffer count changes with each answer": {
    answered(answer, length) {
      if (isConfig(answer)) {
        answer.setUint16(config.BUFFER_COUNT, 16 + (aoe.tag(answer, 0) % 7));
      }
      return length;
    },
  },
  "good answers have the seek bit in their status": {
    answered(answer, length) {
      if (isFine(answer)) answer.setUint8(ata.COMMAND, ata.status(answer, 0) | 0x10);
      return length;
    },
  },
  "error answers are their header alone": {
    answered(answer, length) {
      if (!aoe.isError(answer, 0)) return length;
      for (let at = aoe.LENGTH; at < ethernet.SHORTEST; at++) answer.setUint8(at, 0);
      return ethernet.SHORTEST;
    },
  },
  "its MTU is larger than the suite's": {
    answered(answer, length, { original }) {
      if (isConfig(answer)) answer.setUint8(config.SECTOR_COUNT, 17);
      const many = isAta(original) && ata.isRead(ata.command(original, 0));
      // Such an answer is lost on its way to a smaller MTU.
      return many && ata.count(original, 0) > 2 && ata.count(original, 0) <= 17 ? 0 : length;
    },
  },
  "it knows READ DMA and a vendor's command": {
    asked({ view }) {
      if (isAta(view) && ata.command(view, 0) === 0xc8) view.setUint8(ata.COMMAND, ata.READ);
      return true;
    },
    answered(answer, length) {
      if (COMMAND(answer) !== aoe.COMMAND_VENDOR) return length;
      aoe.write(
        answer,
        0,
        aoe.FLAG_RESPONSE,
        0,
        ADDRESS.major,
        ADDRESS.minor,
        aoe.COMMAND_VENDOR,
        aoe.tag(answer, 0),
      );
      answer.setUint32(aoe.LENGTH, 0x1234_5678);
      return length;
    },
  },
  "it is read-only": {
    asked({ view }) {
      // The disk keeps what it has.
      if (isAta(view) && ata.isWrite(ata.command(view, 0))) view.setUint8(ata.COUNT, 0);
      return true;
    },
    answered(answer, length, request) {
      if (isFine(answer) && ata.isWrite(opcode(request))) abort(answer);
      return length;
    },
  },
} satisfies Record<string, Odd>;

function abort(answer: DataView): void {
  answer.setUint8(ata.COMMAND, ata.STATUS_ERR | ata.STATUS_DRDY);
  answer.setUint8(ata.FEATURE, ata.ERROR_ABRT);
}

/** What a rule forbids; each name begins with the rule. */
export const DEVIATIONS = {
  "P3 it answers responses": {
    asked({ view }) {
      view.setUint8(aoe.VERSION_FLAGS, view.getUint8(aoe.VERSION_FLAGS) & 0xf3);
      return true;
    },
  },
  "P5 it answers from the broadcast address": {
    answered(answer, length) {
      writeMac(answer, ethernet.SOURCE, BROADCAST);
      return length;
    },
  },
  "P8 it answers no unknown command": {
    answered: (answer, length) =>
      aoe.isError(answer, 0) &&
      aoe.error(answer, 0) === aoe.ERROR_UNRECOGNIZED &&
      ![aoe.COMMAND_MASK, aoe.COMMAND_RESERVE].includes(COMMAND(answer))
        ? 0
        : length,
  },
  "P9 its config string is constant": {
    asked({ view }) {
      if (isConfig(view) && config.command(view, 0) === config.FORCE_SET) {
        view.setUint8(config.VERSION_COMMAND, (aoe.VERSION << 4) | 0xf);
      }
      return true;
    },
    made: ({ target }) => {
      target.exports[0]?.change({
        config: new TextEncoder().encode("constant"),
        masks: [],
        reservation: [],
      });
    },
  },
  "P14 IDENTIFY has any count": {
    asked(request) {
      if (opcode(request) === ata.IDENTIFY) request.view.setUint8(ata.COUNT, 1);
      return true;
    },
  },
  "P22 a write's answer carries its data": {
    answered(answer, length, request) {
      if (!isFine(answer) || !ata.isWrite(opcode(request))) return length;
      for (let at = ata.LENGTH; at < Math.min(length, request.length); at++) {
        answer.setUint8(at, request.view.getUint8(at));
      }
      return length;
    },
  },
  "P17 a host of its own is on each list": {
    answered(answer, length, { original }) {
      if (COMMAND(original) !== aoe.COMMAND_MASK || aoe.isError(answer, 0)) return length;
      const count = mask.count(answer, 0);
      if (count === 0 || count > 100 || mask.error(answer, 0) !== 0) return length;
      mask.writeDirective(answer, 0, count, mask.DIRECTIVE_ADD, 0x0200_0000_0777);
      answer.setUint8(mask.COUNT, count + 1);
      return Math.max(length, mask.directive(0, count + 1));
    },
  },
  "P22 it forgets what is written behind sector 15": {
    asked(request) {
      if (ata.isWrite(opcode(request)) && ata.lba28(request.view, 0) > 15) {
        request.view.setUint8(ata.COUNT, 0);
      }
      return true;
    },
    answered(answer, length, request) {
      if (ata.isWrite(opcode(request)) && isFine(answer)) {
        answer.setUint8(ata.COUNT, ata.count(request.original, 0));
      }
      return length;
    },
  },
  "P22 its writes end with a device fault": {
    answered(answer, length, request) {
      if (ata.isWrite(opcode(request)) && isFine(answer)) {
        answer.setUint8(ata.COMMAND, ata.STATUS_DRDY | ata.STATUS_DF);
      }
      return length;
    },
  },
  "P24 it grows where a write is past its end": {
    asked(request) {
      const { view, made } = request;
      const past = ata.isWrite(opcode(request)) && ata.lba48(view, 0) === made.store.sectors;
      if (past) Object.assign(made.store, { sectors: made.store.sectors + 1 });
      return true;
    },
    answered(answer, length, request) {
      if (opcode(request) !== ata.IDENTIFY || !isFine(answer)) return length;
      const identity = identify.parse(answer, ata.LENGTH);
      if (isMalformed(identity)) return length;
      identify.emit({ ...identity, sectors: request.made.store.sectors }, answer, ata.LENGTH);
      return length;
    },
  },
  "P26 CHECK POWER is aborted": {
    answered(answer, length, request) {
      if (opcode(request) !== ata.CHECK_POWER) return length;
      abort(answer);
      answer.setUint8(ata.COUNT, 0);
      return length;
    },
  },
  "P30 it answers short requests": {
    asked({ bytes, extra }) {
      if (bytes.length >= ata.LENGTH || COMMAND(new DataView(bytes.buffer)) !== aoe.COMMAND_ATA) {
        return true;
      }
      const longer = new Uint8Array(ethernet.SHORTEST);
      longer.set(bytes);
      extra(longer);
      return false;
    },
  },
  "P32 it answers what is sent to other hosts": {
    asked(request) {
      request.addressed = 0;
      return true;
    },
  },
  "P33 it obeys a wildcard": {
    asked({ view }) {
      if (isWildcardChange(view)) addressedTo(view, ADDRESS);
      return true;
    },
  },
} satisfies Record<string, Odd>;

/** The targets that the tests try: what is told of each begins with its deviation's rule, and nothing else is. */
export const TARGETS: readonly (readonly [keyof typeof DEVIATIONS, keyof typeof ODDITIES])[] = [
  ["P5 it answers from the broadcast address", "commands 2 and 3 are unknown"],
  ["P8 it answers no unknown command", "it is read-only"],
  ["P9 its config string is constant", "commands 2 and 3 are not answered"],
  ["P14 IDENTIFY has any count", "error answers are their header alone"],
  ["P22 a write's answer carries its data", "its buffer count changes with each answer"],
  ["P24 it grows where a write is past its end", "it knows READ DMA and a vendor's command"],
  ["P26 CHECK POWER is aborted", "good answers have the seek bit in their status"],
  ["P30 it answers short requests", "commands 2 and 3 are unknown"],
  ["P32 it answers what is sent to other hosts", "its MTU is larger than the suite's"],
  ["P33 it obeys a wildcard", "error answers are their header alone"],
];
