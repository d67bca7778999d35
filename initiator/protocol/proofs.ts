// Whether an address of a device leads to the device's disk: its IDENTIFY sector says so. It is asked for
// beside the queue, by a small buffer of the port, so that it waits for nothing and nothing waits for it.
//
//   a new address ─ asked ─┬ the same disk ──▶ a path
//                          ├ another disk ───▶ a rival: told, never used
//                          └ silence ────────▶ forgotten
//
//   an unverified path ─ asked ─┬ the same disk ───────────▶ used again
//     (it announced itself      ├ another size, announced ─▶ resized
//     or was silent)            └ another disk ────────────▶ no path any more; with the last one the device ends
//
// Until it is known which disk the device is, the first address that answers decides; as long as nobody relies on that,
// the lowest of those that answer.

import type { FrameView } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { checksum, type Identify, LENGTH as IDENTIFY_LENGTH, parse } from "../../wire/identify.ts";
import type { Mac } from "../../wire/mac.ts";
import { isMalformed } from "../../wire/malformed.ts";
import type { DeviceCounters } from "./counters.ts";
import { sameDisk, wasResized } from "./disk.ts";
import type { Facts } from "./facts.ts";
import type { Frame } from "./frame.ts";
import type { Host } from "./host.ts";
import type { Path, Said } from "./path.ts";
import type { PathSet } from "./path_set.ts";
import type { PortState } from "./port.ts";
import { Question } from "./question.ts";

/** New addresses of a device that are asked at one time, and paths that it may have. */
const MOST_CLAIMS = 32;
const MOST_PATHS = 64;
/** A new address that has been silent for this long makes room for another, ns. */
const PATIENCE = 50e6;
/** A new address that has not answered so many questions is forgotten; a path is asked under another tag then. */
const MOST_QUESTIONS = 4;
/** Tags that a question has at a time: an answer that is slow names the one before. */
const MOST_TAGS = 2;
/** What the first address may take until others are asked which disk the device is, ns. */
const HEAD_START = 50e6;
/** Addresses with another disk that are remembered, and when one that speaks again is asked again, ns. */
const MOST_RIVALS = 8;
const RIVAL_AGAIN = 10e9;
/** A path that announces itself again and again is verified this often at most, ns. */
const VERIFY_EVERY = 100e6;
/** How often an address that answers and is none of the device's is asked for its config, ns. */
const ASK_FOREIGN_EVERY = 100e6;
/** Bounds of the time to the next try, and to the next look for room on the link, ns. */
const SOONEST = 10e6;
const LATEST = 1e9;
const NO_ROOM = 10e6;

/** An address that answers for the device and has another disk. */
export interface Rival {
  readonly path: Path;
  readonly identity: Identify;
  /** When it was last asked, ns. */
  readonly askedAt: number;
}

/** What becomes of the device by a proof. */
export interface ProvenDevice extends Pick<Facts, "major" | "minor" | "identity"> {
  readonly pending: number;
  readonly counters: DeviceCounters;
  /** `sector` is what its IDENTIFY says for the first time. */
  adopt(identity: Identify, sector: DataView): void;
  /** The same disk says the same, or has another size. */
  confirm(identity: Identify, sector: DataView, resized: boolean): void;
  /** `path` is one more path, and its config answer said so. */
  joined(path: Path, said: Said): void;
  contested(rival: Rival): void;
  /** No address leads to its disk any more; `identity` is what answers there now. */
  replaced(identity: Identify): void;
  touch(): void;
}

export class Proofs {
  readonly rivals: Rival[] = [];
  private readonly device: ProvenDevice;
  private readonly host: Host;
  private readonly pathSet: PathSet;
  private readonly questions: Question[] = [];
  private askForeignAt = 0;

  constructor(device: ProvenDevice, host: Host, pathSet: PathSet) {
    this.device = device;
    this.host = host;
    this.pathSet = pathSet;
  }

  /** Addresses that are being asked. */
  get size(): number {
    return this.questions.length;
  }

  /** A config answer of an address that is no path of the device; `announced`: nobody had asked. */
  claim(port: PortState, target: Mac, said: Said, announced: boolean): void {
    const { now } = this.host;
    for (const question of this.questions) {
      const { path } = question;
      if (path.port !== port || path.target !== target) continue;
      question.said = said;
      return;
    }
    for (const { path, askedAt } of this.rivals) {
      const known = path.port === port && path.target === target;
      if (known && !announced && now - askedAt < RIVAL_AGAIN) return;
    }
    if (this.pathSet.all.length >= MOST_PATHS || !this.makeRoom(now)) {
      this.device.counters.claimsRefused++;
      return;
    }
    const early = this.device.identity === null;
    const path = this.pathSet.make(port, target, said.bufferCount);
    const question = new Question(this, path, said, now, early ? now + HEAD_START : now);
    this.questions.push(question);
    if (!early) this.ask(question, now);
  }

  private makeRoom(now: number): boolean {
    let claims = 0;
    let oldest: Question | null = null;
    for (const question of this.questions) {
      if (question.said === null) continue;
      claims++;
      oldest ??= question;
    }
    if (oldest === null || claims < MOST_CLAIMS) return true;
    if (now - oldest.since < PATIENCE) return false;
    this.forget(oldest);
    return true;
  }

  /** `path` announced itself: what is behind it may be another disk, or another size of it. */
  announced(path: Path): void {
    if (this.device.identity === null) return;
    const { now } = this.host;
    const asked = this.questions.find((each) => each.path === path);
    if (asked !== undefined) {
      // What answers the question that is out may be from before.
      if (path.announced) asked.again = asked.tries > 0;
      if (path.announced) return;
      this.forget(asked);
    }
    path.announced = true;
    const dueAt = Math.max(now, path.announcedAt + VERIFY_EVERY);
    path.announcedAt = dueAt;
    const question = new Question(this, path, null, now, dueAt);
    this.questions.push(question);
    if (dueAt === now) this.verify(question, now);
  }

  /** A command wants to go by `path`, which is unverified. */
  wanted(path: Path): void {
    for (const question of this.questions) if (question.path === path) return;
    const { now } = this.host;
    const question = new Question(this, path, null, now, now);
    this.questions.push(question);
    this.ask(question, now);
  }

  private verify(question: Question, now: number): void {
    question.path.unverified = true;
    this.ask(question, now);
  }

  private ask(question: Question, now: number): void {
    const { device } = this;
    const { path } = question;
    if (question.frames.length === 0 || question.copies === MOST_QUESTIONS) this.retag(question);
    const { tag } = question.frames[0] as Frame;
    if (!path.port.askIdentify(path.target, device.major, device.minor, tag)) {
      question.dueAt = now + NO_ROOM;
      return;
    }
    device.counters.proofs++;
    const rto = path.rtt.rto(path.rtt.shift + question.tries);
    question.tries++;
    question.copies++;
    question.sentAt = now;
    question.dueAt = now + Math.min(LATEST, Math.max(SOONEST, rto));
  }

  /** A target that never ends one request drops every copy of it (P28). */
  private retag(question: Question): void {
    const { frames } = question;
    this.release(question, MOST_TAGS - 1);
    const frame = this.host.takeFrame();
    frame.asker = question;
    frame.tag = this.host.tags.take(frame.index, false);
    frames.unshift(frame);
    question.copies = 0;
  }

  private forget(question: Question): void {
    this.questions.splice(this.questions.indexOf(question), 1);
    this.release(question);
  }

  /** Nobody waits for answers to its tags any more, but for the latest `kept`. */
  private release({ frames }: Question, kept = 0): void {
    for (const frame of frames.splice(kept)) {
      this.host.tags.give(frame.tag);
      frame.tag = 0;
      frame.asker = null;
      this.host.giveFrame(frame);
    }
  }

  /** A frame with the tag of `question` came by `port` from `source`. */
  answered(question: Question, port: PortState, source: Mac, frame: FrameView): void {
    const { device, pathSet } = this;
    const { path } = question;
    if (path.port !== port || path.target !== source) {
      this.foreign(port, source);
      return;
    }
    const { view, base, length } = frame;
    const isOurs =
      aoe.major(view, base) === device.major &&
      aoe.minor(view, base) === device.minor &&
      aoe.command(view, base) === aoe.COMMAND_ATA;
    if (!isOurs) {
      device.counters.contradictory++;
      port.ignored.contradictory++;
      return;
    }
    // An error says nothing of the disk: it is asked again.
    if (aoe.isError(view, base)) return;
    if (length < ata.LENGTH + IDENTIFY_LENGTH) {
      port.ignored.tooShort++;
      return;
    }
    if ((ata.status(view, base) & ata.STATUS_FAILED) !== 0) return;
    const sector = new DataView(new ArrayBuffer(IDENTIFY_LENGTH));
    for (let at = 0; at < IDENTIFY_LENGTH; at += 4) {
      sector.setUint32(at, view.getUint32(base + ata.LENGTH + at));
    }
    const identity = parse(sector, 0);
    if (isMalformed(identity)) return;
    const { now } = this.host;
    if (question.tries === 1) path.rtt.sample(now - question.sentAt);
    const { said, heard } = question;
    const { identity: ours } = device;
    const isNews = ours === null ? checksum(sector, 0) === "wrong" : !sameDisk(ours, identity);
    if (isNews && (heard === null || !sameDisk(heard, identity))) {
      question.heard = identity;
      this.release(question);
      this.ask(question, now);
      return;
    }
    this.forget(question);
    pathSet.heard(path);
    if (said === null) this.judge(path, identity, sector, question.again);
    else this.judgeNew(path, identity, sector, said);
    device.touch();
  }

  private judgeNew(path: Path, identity: Identify, sector: DataView, said: Said): void {
    const { device, pathSet, rivals } = this;
    const place = rivals.findIndex(
      (rival) => rival.path.port === path.port && rival.path.target === path.target,
    );
    if (place >= 0) rivals.splice(place, 1);
    if (device.identity === null) {
      // What came before has not said which disk it leads to: it is no more than a claim.
      for (const other of this.takeOver(path, identity, sector, said))
        if (other.said !== null) this.claim(other.port, other.target, other.said, false);
      return;
    }
    if (sameDisk(device.identity, identity)) {
      pathSet.admit(path);
      pathSet.proved(path, identity.instance);
      device.joined(path, said);
      return;
    }
    const { identity: ours } = device;
    // Nobody relies on the first one yet: the next initiator that asks shall come to the same one.
    if (!pathSet.settled && pathSet.all.every(({ target }) => path.target < target)) {
      for (const other of this.takeOver(path, identity, sector, said)) this.addRival(other, ours);
      return;
    }
    this.addRival(path, identity);
  }

  /** The device is the disk behind `path` now, its only path; those that it had. */
  private takeOver(path: Path, identity: Identify, sector: DataView, said: Said): Path[] {
    const { device, pathSet } = this;
    const before = [...pathSet.all];
    pathSet.admit(path);
    for (const other of before) pathSet.remove(other);
    pathSet.proved(path, identity.instance);
    device.adopt(identity, sector);
    device.joined(path, said);
    return before;
  }

  private judge(path: Path, identity: Identify, sector: DataView, again: boolean): void {
    const { device, pathSet } = this;
    const before = device.identity;
    if (before === null)
      throw new Error("invariant: a path is unverified only once the disk is known");
    const resized = path.announced && wasResized(before, identity);
    if (resized || sameDisk(before, identity)) {
      pathSet.proved(path, identity.instance);
      device.confirm(identity, sector, resized);
      if (again) this.announced(path);
      return;
    }
    pathSet.remove(path);
    if (pathSet.all.length === 0) {
      device.replaced(identity);
      return;
    }
    // The others may lead to the same new disk.
    for (const each of pathSet.all) {
      each.unverified = true;
      this.wanted(each);
    }
    this.addRival(path, identity);
  }

  private addRival(path: Path, identity: Identify): void {
    const rival = { path, identity, askedAt: this.host.now };
    if (this.rivals.length >= MOST_RIVALS) this.rivals.shift();
    this.rivals.push(rival);
    this.device.contested(rival);
  }

  /** An answer came from `source`, which is none of the device's addresses: is it one? */
  foreign(port: PortState, source: Mac): void {
    const { device, host } = this;
    device.counters.foreign++;
    port.ignored.foreign++;
    if (host.now < this.askForeignAt) return;
    this.askForeignAt = host.now + ASK_FOREIGN_EVERY;
    const tag = host.tags.anonymous();
    if (port.askConfig(source, device.major, device.minor, tag)) device.counters.queries++;
  }

  /** It is known now which disk the device is: addresses that waited for that are asked. */
  known(): void {
    const { now } = this.host;
    for (const question of this.questions) if (question.tries === 0) this.ask(question, now);
  }

  nextDeadline(): number {
    let at = Infinity;
    // Asked in each drive: no iterator.
    for (let index = 0; index < this.questions.length; index++) {
      at = Math.min(at, (this.questions[index] as Question).dueAt);
    }
    return at;
  }

  advance(now: number): void {
    for (let index = this.questions.length - 1; index >= 0; index--) {
      const question = this.questions[index] as Question;
      if (question.dueAt > now) continue;
      const { path, said, tries } = question;
      if (tries > 0 && said === null) this.pathSet.missed(path);
      if (said === null && tries === 0) this.verify(question, now);
      // A path is asked for as long as somebody waits for it; the next command asks again.
      else if (tries >= MOST_QUESTIONS && (said !== null || this.device.pending === 0)) {
        this.forget(question);
      } else this.ask(question, now);
    }
  }

  /** Nothing is asked any more. */
  close(): void {
    for (const question of [...this.questions]) this.forget(question);
  }
}
