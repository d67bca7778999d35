// A port of the simulated switch, seen by the run: every frame that goes out is part of the trace, and
// four rules are checked there, by nothing but the frames.
//
//   a request    no device has more frames out than its target's buffer count (P12)
//   a refusal    is no reason to hold all that is behind: what never leaves is given up
//   an answer    names a request that was asked: the tag, and with it the LBA and the direction

import type { Link, TxBuffer } from "../../link/link.ts";
import { WrappedLink } from "../../link/wrap.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import type { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";

/** A power of two, above the tags that can be asked and not yet answered. */
const PLACES = 4096;

/** ns: refusals closer to each other than the first are one, which may last as long as the second. */
const SAME_REFUSAL = 20e6;
const LONGEST_REFUSAL = 500e6;

/** What was asked, by tag, over all initiators: tags of two may meet, then the later one stands. */
export class Asked {
  private readonly tags = new Uint32Array(PLACES);
  private readonly lbas = new Float64Array(PLACES);
  private readonly opcodes = new Uint8Array(PLACES);

  note(tag: number, lba: number, opcode: number): void {
    const place = tag & (PLACES - 1);
    this.tags[place] = tag;
    this.lbas[place] = lba;
    this.opcodes[place] = opcode;
  }

  /** Whether an answer that echoes `lba` can be one to `tag`, as far as is remembered. */
  agrees(tag: number, lba: number): boolean {
    const place = tag & (PLACES - 1);
    return this.tags[place] !== tag || this.lbas[place] === lba;
  }
}

/** What all ports of a run share. */
export interface WireRules {
  readonly trace: Trace;
  readonly asked: Asked;
  readonly now: () => number;
  /** Frames are altered above this link: answers may name anything. */
  readonly corrupts: boolean;
}

export class WireLink extends WrappedLink {
  /** Called before each frame goes out. */
  onTransmit: (() => void) | null = null;
  /** Frames of more bytes get lost in silence. */
  longest = Infinity;
  swallowed = 0;
  private readonly rules: WireRules;
  private readonly number: number;
  /** Since when nothing was taken, and when that was last tried, ns. */
  private refusedSince = 0;
  private refusedAt = -Infinity;
  /** By buffer index: the memory that `words` are of, and its words. */
  private readonly memories: Uint8Array[] = [];
  private readonly words: Uint32Array[] = [];

  constructor(inner: Link, number: number, rules: WireRules) {
    super(inner);
    this.number = number;
    this.rules = rules;
  }

  override transmit(buffer: TxBuffer, length: number): boolean {
    const { rules } = this;
    this.onTransmit?.();
    const { view } = buffer;
    if (aoe.command(view, 0) === aoe.COMMAND_ATA && !rules.corrupts) this.check(view);
    if (length > this.longest) this.swallowed++;
    else if (!this.inner.transmit(buffer, length)) return this.refuse();
    this.refusedAt = -Infinity;
    const { trace } = rules;
    trace.word(this.number);
    trace.time(rules.now());
    trace.words(this.wordsOf(buffer), (length + 3) >>> 2);
    return true;
  }

  private refuse(): false {
    const now = this.rules.now();
    if (now - this.refusedAt > SAME_REFUSAL) this.refusedSince = now;
    this.refusedAt = now;
    if (now - this.refusedSince > LONGEST_REFUSAL) {
      throw new Violation("wire", `port ${this.number} has sent nothing for ${LONGEST_REFUSAL} ns`);
    }
    return false;
  }

  private check(view: DataView): void {
    const { asked } = this.rules;
    const tag = aoe.tag(view, 0);
    const lba = ata.lba48(view, 0);
    if (!aoe.isResponse(view, 0)) {
      asked.note(tag, lba, ata.command(view, 0));
      return;
    }
    const failed = aoe.isError(view, 0) || (ata.status(view, 0) & ata.STATUS_FAILED) !== 0;
    if (!failed && !asked.agrees(tag, lba)) {
      throw new Violation(
        "wire",
        `an answer for LBA ${lba} carries tag ${tag.toString(16)}, which asked for something else`,
      );
    }
  }

  private wordsOf(buffer: TxBuffer): Uint32Array {
    const { index, bytes } = buffer;
    const known = this.words[index];
    if (known !== undefined && this.memories[index] === bytes) return known;
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset);
    this.memories[index] = bytes;
    this.words[index] = words;
    return words;
  }
}
