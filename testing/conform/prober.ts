// Asks a target one question at a time over a link, with any frame at all: the suite's hands and ears.
// It knows no rule. It is not the initiator, whose politeness would hide what the suite looks for.
//
//   ask(frame) ── out ──▶ target        every question has a tag of its own, so that an answer which
//        ▲                   │          comes late is still its question's
//        └── by tag ◀── in ──┘
//
// A question without an answer is asked once more, and waited for twice as long: a frame may be lost. Answers go to
// whatever source address the question had; they are taken for any destination. Other targets on the same network
// answer wildcards too: what carries one of their addresses is theirs (`neighbours`).

import { type FrameView, type Link, OUTGOING, type TxBuffer } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import { copyOut } from "../../wire/bytes.ts";
import type * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { type Frame, isError, parse, toBytes } from "../../wire/frame.ts";
import type { Mac } from "../../wire/mac.ts";
import { isMalformed } from "../../wire/malformed.ts";
import { type Address, formatAddress } from "../../words/address.ts";
import { environment } from "../../words/failure.ts";

/** The network between the suite and its target, and the time in which both live. */
export interface Air {
  readonly link: Link;
  /** A short frame may be padded on its way, as hardware does. */
  readonly pads?: boolean;
  now(): number;
  /** Returns at `until` (ns), or earlier when a frame may have come; throws Interrupted when a signal has. */
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

export interface Question {
  /** Which rule asked. */
  readonly rule: string;
  readonly address: Address;
  readonly answers: Answer[];
  /** How many answers the rule has been told of. */
  seen: number;
  /** How often it was sent. */
  copies: number;
  /** What it was, where no answer is due. */
  quiet: string | null;
}

export class Prober {
  readonly air: Air;
  readonly patience: Patience;
  readonly address: Address;
  /** Which rule asks now. */
  rule = "";
  /** Frames sent, in all. */
  asked = 0;
  /** Frames of the device that answer no question of ours. */
  readonly unsolicited: Answer[] = [];
  /** Of the device's interface, as its answers tell it; 0 while it is not known. */
  target: Mac = 0;
  /** Other interfaces that answer as the device: a second host with its address, or a second interface of its own. */
  readonly claimers = new Set<Mac>();
  /** Other devices that were heard, as `e7.4`. */
  readonly neighbours = new Set<string>();
  readonly questions = new Map<number, Question>();

  private readonly buffer: TxBuffer;
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
    const question = this.questionOf(bytes);
    question.copies++;
    const { link } = this.air;
    this.buffer.bytes.set(bytes);
    const lost = link.counters.transmitErrors;
    const until = this.air.now() + this.patience.answer;
    while (!link.transmit(this.buffer, bytes.length)) {
      if (this.air.now() >= until) throw environment("The interface takes no frames");
      this.pass(this.air.now() + 1e6);
    }
    link.flush();
    // What does not leave is not answered, and that is no fault of the target's.
    if (link.counters.transmitErrors > lost) {
      throw environment(`A frame did not leave the interface (errno ${link.counters.lastErrno})`);
    }
    this.asked++;
    return question;
  }

  private questionOf(bytes: Uint8Array): Question {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const whole = bytes.length >= aoe.LENGTH;
    const tag = whole ? aoe.tag(view, 0) : 0;
    let question = this.questions.get(tag);
    if (question === undefined) {
      const address = whole
        ? { major: aoe.major(view, 0), minor: aoe.minor(view, 0) }
        : this.address;
      question = { rule: this.rule, address, answers: [], seen: 0, copies: 0, quiet: null };
      this.questions.set(tag, question);
    }
    return question;
  }

  /** Asks, and asks once more where no answer comes. `take` gives the answer. */
  ask(frame: Frame | Uint8Array): Question {
    const { answer } = this.patience;
    const question = this.send(frame);
    const came = (): boolean => question.answers.length > question.seen;
    if (!this.wait(answer, came)) {
      this.send(frame);
      this.wait(2 * answer, came);
    }
    return question;
  }

  /** The first answer, or null when none came in time. */
  answer(frame: Frame | Uint8Array): Answer | null {
    return take(this.ask(frame));
  }

  /** What came where nothing should. */
  silence(frame: Frame | Uint8Array, what: string): Answer | null {
    const question = this.send(frame);
    question.quiet = what;
    this.wait(this.patience.silence, () => question.answers.length > question.seen);
    return take(question);
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

  /** Listens for `ns`, or until `enough`: whether it was. */
  wait(ns: number, enough: () => boolean = () => false): boolean {
    const until = this.air.now() + ns;
    for (;;) {
      while (this.air.link.receive(this.visit, 64) > 0);
      if (enough()) return true;
      if (this.air.now() >= until) return false;
      this.pass(until);
    }
  }

  /** Asks the device until it answers or `wait` ns have passed: what it says of itself. */
  find(ask: (tag: number) => Frame, wait: number): config.Config | null {
    const until = this.air.now() + wait;
    let found: Answer | null = null;
    while (found === null && this.air.now() < until) {
      const question = this.send(ask(this.tag()));
      this.wait(Math.min(200e6, until - this.air.now()), () => question.answers.length > 0);
      found = take(question);
    }
    if (found === null || isError(found.frame) || found.frame.body.kind !== "config") return null;
    this.target = found.frame.ethernet.source;
    return found.frame.body;
  }

  /** Asks who is there, and listens to all of them: `neighbours` and `claimers`. */
  survey(everybody: (tag: number) => Frame): void {
    const question = this.send(everybody(this.tag()));
    this.wait(this.patience.answer);
    for (const { frame } of question.answers) {
      if (frame.ethernet.source !== this.target) this.claimers.add(frame.ethernet.source);
    }
    // What they said so far is not the device's: one answer each is not one that came twice.
    for (const each of this.questions.values()) {
      const own = each.answers.filter(({ frame }) => frame.ethernet.source === this.target);
      each.answers.splice(0, Number.POSITIVE_INFINITY, ...own);
    }
    take(question);
  }

  private pass(until: number): void {
    this.air.link.reclaim();
    this.air.pass(until);
  }

  private readonly visit = ({ view, base, length, addressed }: FrameView): void => {
    if (addressed === OUTGOING) return;
    if (length < aoe.LENGTH || ethernet.type(view, base) !== ethernet.ETHERTYPE_AOE) return;
    if (!aoe.isResponse(view, base)) return;
    const source = ethernet.source(view, base);
    const from = { major: aoe.major(view, base), minor: aoe.minor(view, base) };
    const question = this.questions.get(aoe.tag(view, base));
    if (isSame(from, this.address)) {
      if (this.claimers.has(source)) return;
    } else if (!this.isTargets(from, source, question)) {
      if (isReal(from)) this.neighbours.add(formatAddress(from));
      return;
    }
    const frame = parse(view, base, length);
    // vblade's error answers can be shorter than their command's header: keep the envelope of those.
    const kept = isMalformed(frame) ? envelopeOnly(view, base, length) : frame;
    const answer = { frame: kept, bytes: copyOut(view, base, length) };
    if (question === undefined) this.unsolicited.push(answer);
    else question.answers.push(answer);
  };

  /** Whether an answer that carries another address than the device's was made by the device all the same. */
  private isTargets(from: Address, source: Mac, question: Question | undefined): boolean {
    if (question === undefined || source !== this.target) return false;
    // A wildcard is answered by each device behind an interface.
    return !isReal(from) || isReal(question.address);
  }
}

/** The next answer that the rule has not been told of. */
export function take(question: Question): Answer | null {
  const answer = question.answers[question.seen] ?? null;
  if (answer !== null) question.seen++;
  return answer;
}

function isReal({ major, minor }: Address): boolean {
  return major !== aoe.ANY_MAJOR && minor !== aoe.ANY_MINOR;
}

function isSame(a: Address, b: Address): boolean {
  return a.major === b.major && a.minor === b.minor;
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
