// Asks a target one question at a time over a link, with any frame at all: the suite's hands and ears.
// It knows no rule. It is not the initiator, whose politeness would hide what the suite looks for.
//
//   ask(frame) ── out ──▶ target        every question has a tag of its own, so that an answer which
//        ▲                   │          comes late is still its question's (`late`)
//        └── by tag ◀── in ──┘
//
// Answers go to whatever source address the question had; they are taken whoever they are for.

import type { FrameView, Link, TxBuffer } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import { copyOut } from "../../wire/bytes.ts";
import type * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { type Frame, parse, toBytes } from "../../wire/frame.ts";
import type { Mac } from "../../wire/mac.ts";
import { isMalformed } from "../../wire/malformed.ts";
import type { Address } from "../../words/address.ts";

/** The network between the suite and its target, and the time in which both live. */
export interface Air {
  readonly link: Link;
  now(): number;
  /** Returns at `until` (ns), or earlier when a frame may have come. */
  pass(until: number): void;
}

export interface Patience {
  /** How long an answer that is due may take, ns. */
  readonly answer: number;
  /** How long nothing must come to be called silence, ns. */
  readonly silence: number;
}

export interface Answer {
  readonly frame: Frame;
  readonly bytes: Uint8Array;
}

interface Question {
  /** Which rule asked. */
  readonly rule: string;
  readonly answers: Answer[];
  /** How many answers the rule has been told of. */
  seen: number;
}

export class Prober {
  readonly air: Air;
  readonly patience: Patience;
  /** Which rule asks now. */
  rule = "";
  /** Questions asked, in all. */
  asked = 0;
  /** Answers that came after their rule had stopped listening, by rule. */
  readonly late = new Map<string, string[]>();
  /** Frames of the device that answer no question of ours. */
  readonly unsolicited: Answer[] = [];
  /** Of the device's interface; 0 while it is not known. */
  target: Mac = 0;

  private readonly address: Address;
  private readonly buffer: TxBuffer;
  private readonly questions = new Map<number, Question>();
  private nextTag: number;

  constructor(air: Air, address: Address, patience: Patience, firstTag: number) {
    this.air = air;
    this.address = address;
    this.patience = patience;
    this.nextTag = firstTag >>> 0;
    const buffer = air.link.allocate(ethernet.LENGTH + air.link.mtu);
    if (buffer === null) throw new Error("invariant: a link has room for one buffer");
    this.buffer = buffer;
  }

  /** A tag that no question has had. */
  tag(): number {
    this.nextTag = (this.nextTag + 1) >>> 0;
    if (this.nextTag === 0) this.nextTag = 1;
    return this.nextTag;
  }

  /** Puts a frame on the wire, exactly these bytes. */
  send(frame: Frame | Uint8Array): Question {
    const bytes = frame instanceof Uint8Array ? frame : toBytes(frame);
    const tag = bytes.length >= aoe.LENGTH ? aoe.tag(viewOf(bytes), 0) : 0;
    let question = this.questions.get(tag);
    if (question === undefined) {
      question = { rule: this.rule, answers: [], seen: 0 };
      this.questions.set(tag, question);
    }
    const { link } = this.air;
    this.buffer.bytes.set(bytes);
    const until = this.air.now() + this.patience.answer;
    while (!link.transmit(this.buffer, bytes.length)) {
      if (this.air.now() >= until) throw new Error(`${this.rule}: the interface takes no frames`);
      this.pass(this.air.now() + 1e6);
    }
    link.flush();
    this.asked++;
    return question;
  }

  /** The first answer, or null when none came in time. */
  answer(frame: Frame | Uint8Array): Answer | null {
    const question = this.send(frame);
    this.wait(this.patience.answer, () => question.answers.length > question.seen);
    return this.take(question);
  }

  /** What came where nothing should. */
  silence(frame: Frame | Uint8Array): Answer | null {
    const question = this.send(frame);
    this.wait(this.patience.silence, () => question.answers.length > question.seen);
    return this.take(question);
  }

  /** Sends all of them without waiting between; the answers of each, once all have one or the time is up. */
  burst(frames: readonly Frame[], patience: number = this.patience.answer): Answer[][] {
    const questions = frames.map((frame) => this.send(frame));
    this.wait(patience, () => questions.every(({ answers, seen }) => answers.length > seen));
    return questions.map((question) => {
      const answers = question.answers.slice(question.seen);
      question.seen = question.answers.length;
      return answers;
    });
  }

  /** Listens for `ns`, or until `enough`. */
  wait(ns: number, enough: () => boolean = () => false): void {
    const until = this.air.now() + ns;
    for (;;) {
      this.listen();
      if (enough() || this.air.now() >= until) return;
      this.pass(until);
    }
  }

  /** Answers to earlier questions that nobody has looked at are late. */
  settle(): void {
    this.listen();
    for (const [tag, question] of this.questions) {
      for (const { frame } of question.answers.slice(question.seen)) {
        const said = this.late.get(question.rule) ?? [];
        said.push(`a further answer (tag ${tag.toString(16)}, command ${frame.aoe.command})`);
        this.late.set(question.rule, said);
      }
      question.seen = question.answers.length;
    }
  }

  private take(question: Question): Answer | null {
    const answer = question.answers[question.seen] ?? null;
    if (answer !== null) question.seen++;
    return answer;
  }

  private pass(until: number): void {
    this.air.link.reclaim();
    this.air.pass(until);
  }

  private listen(): void {
    while (this.air.link.receive(this.visit, 64) > 0);
  }

  private readonly visit = ({ view, base, length }: FrameView): void => {
    if (length < aoe.LENGTH || ethernet.type(view, base) !== ethernet.ETHERTYPE_AOE) return;
    if (!aoe.isResponse(view, base)) return;
    const source = ethernet.source(view, base);
    if (this.target !== 0 && source !== this.target) return;
    const major = aoe.major(view, base);
    const minor = aoe.minor(view, base);
    const ours = major === this.address.major && minor === this.address.minor;
    const question = this.questions.get(aoe.tag(view, base));
    // Other exports behind the same interface answer wildcards too.
    if (!ours && (this.target === 0 || question === undefined || isAddress(major, minor))) return;
    const frame = parse(view, base, length);
    // vblade's error answers can be shorter than their command's header: keep the envelope of those.
    const kept = isMalformed(frame) ? envelopeOnly(view, base, length) : frame;
    const answer = { frame: kept, bytes: copyOut(view, base, length) };
    if (question === undefined) this.unsolicited.push(answer);
    else question.answers.push(answer);
  };

  /** Asks the device by broadcast until it answers or `wait` ns have passed: what it says of itself. */
  find(ask: (tag: number) => Frame, wait: number): config.Config | null {
    const until = this.air.now() + wait;
    let found: Answer | null = null;
    while (found === null && this.air.now() < until) {
      const question = this.send(ask(this.tag()));
      this.wait(Math.min(200e6, until - this.air.now()), () => question.answers.length > 0);
      found = this.take(question);
    }
    if (found === null || found.frame.body.kind !== "config") return null;
    this.target = found.frame.ethernet.source;
    return found.frame.body;
  }
}

function isAddress(major: number, minor: number): boolean {
  return major !== aoe.ANY_MAJOR && minor !== aoe.ANY_MINOR;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** What can be said of an answer that is too short for its own command. */
function envelopeOnly(view: DataView, base: number, length: number): Frame {
  return {
    ethernet: {
      destination: ethernet.destination(view, base),
      source: ethernet.source(view, base),
      type: ethernet.type(view, base),
    },
    aoe: {
      version: aoe.version(view, base),
      flags: aoe.flags(view, base),
      error: aoe.error(view, base),
      major: aoe.major(view, base),
      minor: aoe.minor(view, base),
      command: aoe.command(view, base),
      tag: aoe.tag(view, base),
    },
    body: { kind: "unknown" },
    rest: copyOut(view, base + aoe.LENGTH, length - aoe.LENGTH),
  };
}
