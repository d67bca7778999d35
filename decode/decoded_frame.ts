// One frame of a capture as decoding leaves it: a frame with the request it answers, a malformed one
// with the reason, or one of another protocol; and the kinds by which a reader picks frames.

import * as ata from "../wire/ata.ts";
import { type Packet, since } from "../wire/capture.ts";
import { createExchanges, type Sighting } from "../wire/exchange.ts";
import * as ethernet from "../wire/ethernet.ts";
import * as frame from "../wire/frame.ts";
import * as linkLayer from "../wire/link_layer.ts";
import { isMalformed, type Malformed } from "../wire/malformed.ts";

export interface DecodedFrame {
  /** From 1, as other tools count. */
  readonly number: number;
  /** ns since the capture's first frame. */
  readonly at: number;
  readonly packet: Pick<Packet, "captured" | "length">;
  /** What stands before the AoE header, where the frame has that much. */
  readonly outer: linkLayer.Outer | null;
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

type Content = DecodedFrame["content"];

export class Decoder {
  readonly summary: Readonly<Summary>;
  readonly exchanges = createExchanges();
  /** Packets of a link type that this program can't read, by that type. */
  readonly unknownLinks: ReadonlyMap<number, number>;
  private readonly counts: Summary = {
    frames: 0,
    malformed: 0,
    cut: 0,
    other: 0,
    retransmits: 0,
    announcements: 0,
    unasked: 0,
  };
  private readonly links = new Map<number, number>();
  private first: Pick<Packet, "nanoseconds" | "seconds"> | null = null;
  private packets = 0;

  constructor() {
    this.summary = this.counts;
    this.unknownLinks = this.links;
  }

  /** The next packet, in the order of the capture; null: its link type is not known. Keeps none of its memory. */
  see(packet: Packet): DecodedFrame | null {
    const number = ++this.packets;
    const { seconds, nanoseconds, view, offset, captured, length, linktype } = packet;
    this.first ??= { seconds, nanoseconds };
    if (!linkLayer.isKnown(linktype)) {
      this.links.set(linktype, (this.links.get(linktype) ?? 0) + 1);
      return null;
    }
    this.counts.frames++;
    const at = since(this.first, packet);
    const outer = linkLayer.parse(linktype, view, offset, captured);
    const header = isMalformed(outer) ? null : outer;
    const content = isMalformed(outer)
      ? this.broken(packet, outer)
      : this.contentOf(packet, outer, number, at);
    return { number, at, packet: { captured, length }, outer: header, content };
  }

  private contentOf(packet: Packet, outer: linkLayer.Outer, number: number, at: number): Content {
    const { type } = outer;
    if (type !== ethernet.ETHERTYPE_AOE) {
      this.counts.other++;
      return { is: "other", type };
    }
    const shift = outer.length - ethernet.LENGTH;
    const { view, offset, captured, length } = packet;
    const addresses = { destination: outer.destination ?? 0, source: outer.source ?? 0, type };
    const parsed = frame.parse(view, offset + shift, captured - shift, length - shift, addresses);
    if (isMalformed(parsed)) {
      return this.broken(packet, { ...parsed, offset: parsed.offset + shift });
    }
    // A cooked capture has the destination of no frame, and so the initiator of no answer.
    const initiator = outer.sent === null ? undefined : null;
    const sighting = this.exchanges.see(
      parsed,
      number,
      at,
      place(packet, outer, parsed),
      initiator,
    );
    if (!frame.isResponse(parsed)) this.counts.retransmits += sighting.copy > 1 ? 1 : 0;
    else if (isAnnouncement(parsed, sighting)) this.counts.announcements++;
    else this.counts.unasked += sighting.request === null ? 1 : 0;
    return { is: "frame", frame: parsed, sighting };
  }

  private broken({ captured, length }: Packet, why: Malformed): Content {
    const cut = captured < length;
    if (cut) this.counts.cut++;
    else this.counts.malformed++;
    return { is: cut ? "cut" : "malformed", why };
  }
}

/**
 * Where it was seen, as a number. A host that captures both ends of a wire sees each frame twice: a request that it
 * sends and the answer that it receives are of one place, those at the other end of another.
 */
function place(packet: Packet, outer: linkLayer.Outer, parsed: frame.Frame): number {
  const sent = outer.sent ?? packet.sent;
  const end = sent === null || sent !== frame.isResponse(parsed) ? 0 : 1;
  return (packet.interface * 0x1_0000_0000 + (outer.interface ?? 0)) * 2 + end;
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
