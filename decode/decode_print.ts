// A decoded frame for people and for programs.
//
//     2     0.000055000  6e:8b:… > 26:a0:… e7.3 tag 0x80000001: config read answer: … [to 1 in 55 µs]
//
// Number, seconds since the first frame, the line of wire/pretty.ts, and in brackets what only the
// capture as a whole tells: the request and the round trip, copies, what was cut.

import { LENGTH as ETHERNET_LENGTH } from "../wire/ethernet.ts";
import { fields } from "../wire/fields.ts";
import * as frame from "../wire/frame.ts";
import type { Outer } from "../wire/link_layer.ts";
import { formatMac } from "../wire/mac.ts";
import { formatMalformed } from "../wire/malformed.ts";
import { formatMeaning, formatOuter, formatPayload } from "../wire/pretty.ts";
import { shownTime } from "../words/shown.ts";
import { type DecodedFrame, isAnnouncement } from "./decoded_frame.ts";

/** One line without its end. */
export function formatDecoded(decoded: DecodedFrame): string {
  const { packet, content, outer } = decoded;
  const number = `${decoded.number}`.padStart(6);
  const line = `${number} ${formatSeconds(decoded.at)}  `;
  const addresses = outer === null ? "" : `${formatOuter(outer)} `;
  if (content.is === "frame") {
    const request = content.sighting.request?.frame ?? null;
    return `${line}${addresses}${formatPayload(content.frame, request)}${formatNotes(decoded)}`;
  }
  const length = `${packet.length} bytes`;
  if (content.is === "other") {
    return `${line}${addresses}EtherType ${typeOf(content.type)}, ${length}`;
  }
  if (content.is === "malformed") {
    return `${line}${addresses}malformed, ${length}: ${formatMalformed(content.why)}`;
  }
  return `${line}${addresses}cut by the capture at ${packet.captured} of ${length}: ${formatMalformed(content.why)}`;
}

/** The lines of `--verbose` under it: every field with its offset. */
export function formatFields(decoded: DecodedFrame): string[] {
  const { content, outer } = decoded;
  if (content.is !== "frame") return [];
  return fields(content.frame, content.sighting.request?.frame ?? null, outer).map(
    ({ layer, name, offset, text }) =>
      `${`${offset}`.padStart(10)}  ${`${layer} ${name}`.padEnd(24)}  ${text}`,
  );
}

function formatNotes({ packet, content, outer }: DecodedFrame): string {
  if (content.is !== "frame") return "";
  const { frame: parsed, sighting } = content;
  const notes: string[] = [];
  if (outer !== null && outer.sent !== null) {
    const by = outer.interface === null ? "" : ` by interface ${outer.interface}`;
    notes.push(`${outer.sent ? "sent" : "received"}${by}`);
  }
  const { request, roundTrip, copy } = sighting;
  if (request !== null && roundTrip !== null) {
    // Karn: which of the copies it answers, nobody can tell; the time is the last one's.
    const ambiguous = copy > 1 ? ` of copy ${copy}` : "";
    notes.push(`to ${request.number} in ${shownTime(roundTrip)}${ambiguous}`);
  } else if (isAnnouncement(parsed, sighting)) {
    notes.push("announcement");
  } else if (frame.isResponse(parsed)) {
    notes.push("to no request seen");
  } else if (copy > 1) {
    notes.push(`copy ${copy}`);
  }
  const data = frame.dataLength(parsed, request?.frame ?? null);
  const shift = outer === null ? 0 : outer.length - ETHERNET_LENGTH;
  const behind = packet.length - shift - (frame.length(parsed) - parsed.rest.length);
  if (data !== null && data > behind) notes.push(`only ${behind} of ${data} data bytes`);
  if (packet.captured < packet.length) {
    notes.push(`captured ${packet.captured} of ${packet.length} bytes`);
  }
  return notes.length === 0 ? "" : ` [${notes.join(", ")}]`;
}

/** The frame as a JSON object; addresses as text, all else as numbers with their units in the keys. */
export function toJson(decoded: DecodedFrame): object {
  const { number, at, packet, outer, content } = decoded;
  const shared = {
    number,
    at_ns: at,
    length_bytes: packet.length,
    captured_bytes: packet.captured,
    is: content.is,
    ethernet: outer === null ? null : outerToJson(outer),
  };
  if (content.is === "other") return shared;
  if (content.is !== "frame") return { ...shared, why: content.why };
  const { frame: parsed, sighting } = content;
  const request = sighting.request?.frame ?? null;
  return {
    ...shared,
    meaning: formatMeaning(parsed, request),
    aoe: parsed.aoe,
    body: bodyToJson(parsed.body),
    rest_bytes: parsed.rest.length,
    data_bytes: frame.dataLength(parsed, request),
    answers: sighting.request?.number ?? null,
    round_trip_ns: sighting.roundTrip,
    copy: sighting.copy,
  };
}

/** null: what the capture has not. */
function outerToJson(outer: Outer): object {
  const { destination, source, type, tags, sent, interface: index } = outer;
  return {
    destination: destination === null ? null : formatMac(destination),
    source: source === null ? null : formatMac(source),
    type,
    vlan: tags.map(({ protocol, id, priority, dropEligible }) => ({
      protocol,
      id,
      priority,
      drop_eligible: dropEligible,
    })),
    sent,
    interface: index,
  };
}

function bodyToJson(body: frame.Body): object {
  if (body.kind === "config")
    return { ...body, string: new TextDecoder("utf-8", { ignoreBOM: true }).decode(body.string) };
  if (body.kind === "reserve") return { ...body, macs: body.macs.map(formatMac) };
  if (body.kind !== "mask") return body;
  const directives = body.directives.map((entry) => ({ ...entry, mac: formatMac(entry.mac) }));
  return { ...body, directives };
}

/** `1.000000005`; times before the first frame's have a sign. */
function formatSeconds(ns: number): string {
  const size = Math.abs(ns);
  const whole = Math.floor(size / 1e9);
  const text = `${ns < 0 ? "-" : ""}${whole}.${`${size - whole * 1e9}`.padStart(9, "0")}`;
  return text.padStart(15);
}

function typeOf(type: number): string {
  return `0x${type.toString(16).padStart(4, "0")}`;
}
