// One frame of a capture as decoding leaves it: a frame with the request it answers, a malformed one
// with the reason, or one of another protocol; and the kinds by which a reader picks frames.

import * as ata from "../wire/ata.ts";
import { type Capture, type Packet, since } from "../wire/capture.ts";
import { createExchanges, type Exchanges, type Sighting } from "../wire/exchange.ts";
import * as ethernet from "../wire/ethernet.ts";
import * as frame from "../wire/frame.ts";
import { isMalformed, type Malformed } from "../wire/malformed.ts";

export interface DecodedFrame {
  /** From 1, as other tools count. */
  readonly number: number;
  /** ns since the capture's first frame. */
  readonly at: number;
  readonly packet: Packet;
  /** The Ethernet header, where the frame has one. */
  readonly ethernet: ethernet.Ethernet | null;
  readonly content:
    | { readonly is: "frame"; readonly frame: frame.Frame; readonly sighting: Sighting }
    | { readonly is: "malformed"; readonly why: Malformed }
    /** Cut by the capture's snaplen before the headers' end: nobody knows what was there. */
    | { readonly is: "cut"; readonly why: Malformed }
    | { readonly is: "other"; readonly type: number };
}

export interface Summary {
  frames: number;
  malformed: number;
  cut: number;
  /** Of another EtherType. */
  other: number;
  retransmits: number;
  announcements: number;
  /** Answers whose request the capture does not have. */
  unasked: number;
}

export interface Decoding {
  readonly summary: Readonly<Summary>;
  readonly exchanges: Exchanges;
  /** The next frame; null at the end of the capture; or what is damaged, after which there is no more. */
  next(): DecodedFrame | Malformed | null;
}

/** Decodes the packets of `capture`, whose file is `view`. */
export function decode(view: DataView, capture: Capture): Decoding {
  const exchanges = createExchanges();
  const summary = {
    frames: 0,
    malformed: 0,
    cut: 0,
    other: 0,
    retransmits: 0,
    announcements: 0,
    unasked: 0,
  };
  let first: Packet | null = null;

  function next(): DecodedFrame | Malformed | null {
    const packet = capture.next();
    if (packet === null || isMalformed(packet)) return packet;
    first ??= packet;
    const number = ++summary.frames;
    const at = since(first, packet);
    const { offset, captured, length } = packet;
    const outer = ethernet.parse(view, offset, captured);
    const header = isMalformed(outer) ? null : outer;
    const content = contentOf(header, frame.parse(view, offset, captured, length), packet, at);
    return { number, at, packet, ethernet: header, content };
  }

  function contentOf(
    header: ethernet.Ethernet | null,
    parsed: frame.Frame | Malformed,
    packet: Packet,
    at: number,
  ): DecodedFrame["content"] {
    if (header !== null && header.type !== ethernet.ETHERTYPE_AOE) {
      summary.other++;
      return { is: "other", type: header.type };
    }
    if (!isMalformed(parsed)) {
      const sighting = exchanges.see(parsed, summary.frames, at);
      if (!frame.isResponse(parsed)) summary.retransmits += sighting.copy > 1 ? 1 : 0;
      else if (isAnnouncement(parsed, sighting)) summary.announcements++;
      else summary.unasked += sighting.request === null ? 1 : 0;
      return { is: "frame", frame: parsed, sighting };
    }
    const cut = packet.captured < packet.length;
    if (cut) summary.cut++;
    else summary.malformed++;
    return { is: cut ? "cut" : "malformed", why: parsed };
  }

  return { summary, exchanges, next };
}

/** A config answer that nobody asked for, with tag 0: a target tells that it is there (P11). */
export function isAnnouncement(parsed: frame.Frame, { request }: Sighting): boolean {
  const { body, aoe } = parsed;
  return frame.isResponse(parsed) && body.kind === "config" && aoe.tag === 0 && request === null;
}

/** What `--match` can name, in the order of the help text. */
export const KINDS = [
  "read",
  "write",
  "identify",
  "flush",
  "ata",
  "config",
  "mask",
  "reserve",
  "vendor",
  "unknown",
  "request",
  "answer",
  "error",
  "retransmit",
  "malformed",
  "cut",
  "other",
] as const;
export type Kind = (typeof KINDS)[number];

/** Whether the frame is of that kind; an answer is of its request's kind. */
export function isOfKind({ content }: DecodedFrame, kind: Kind): boolean {
  if (content.is !== "frame") return content.is === kind;
  const { frame: parsed, sighting } = content;
  const answer = frame.isResponse(parsed);
  if (parsed.body.kind === kind) return true;
  if (kind === "request") return !answer;
  if (kind === "answer") return answer;
  if (kind === "error") return frame.isError(parsed) || frame.isAtaFailure(parsed);
  if (kind === "retransmit") return !answer && sighting.copy > 1;
  const asked = answer ? sighting.request?.frame.body : parsed.body;
  if (asked?.kind !== "ata") return false;
  const { command } = asked;
  if (kind === "read") return ata.isRead(command);
  if (kind === "write") return ata.isWrite(command);
  if (kind === "identify") return command === ata.IDENTIFY;
  return kind === "flush" && (command === ata.FLUSH || command === ata.FLUSH_EXT);
}
