// A frame as one line, as tcpdump would print it:
//
//   52:54:00:a0:e0:01 > 6e:8b:6d:c0:c6:47 e7.3 tag 0x00010002: read ext lba 0 sectors 2
//   6e:8b:6d:c0:c6:47 > 52:54:00:a0:e0:01 e7.3 tag 0x00010002: read ext answer: DRDY, 1024 bytes
//
// An answer does not tell what was asked (P18): with the request at hand the line does.

import * as aoe from "./aoe.ts";
import * as ata from "./ata.ts";
import type { Config } from "./config.ts";
import { dataLength, type Frame, isAtaFailure, isError, isResponse } from "./frame.ts";
import type { Outer } from "./link_layer.ts";
import { BROADCAST, formatMac, type Mac } from "./mac.ts";
import type { Mask } from "./mask.ts";
import * as names from "./names.ts";
import type { Reserve } from "./reserve.ts";

/** Addresses that a line lists before it says how many more there are. */
const MOST_LISTED = 4;

/** One line, without an end of line; `request` is what the answer answers, if it is known. */
export function formatFrame(frame: Frame, request: Frame | null = null): string {
  const { source, destination } = frame.ethernet;
  return `${formatMac(source)} > ${name(destination)} ${formatPayload(frame, request)}`;
}

/** `52:54:00:a0:e0:01 > broadcast vlan 7`; `?` for an address that the capture has not. */
export function formatOuter({ source, destination, tags }: Outer): string {
  const known = (mac: Mac | null): string => (mac === null ? "?" : name(mac));
  const addresses = `${known(source)} > ${known(destination)}`;
  if (tags.length === 0) return addresses;
  const priorities = tags.map(({ priority }) => priority);
  const urgent = priorities.some((priority) => priority > 0);
  const ids = tags.map(({ id }) => id).join(".");
  return `${addresses} vlan ${ids}${urgent ? ` priority ${priorities.join(".")}` : ""}`;
}

/** The line behind the addresses. */
export function formatPayload(frame: Frame, request: Frame | null = null): string {
  const { aoe: header } = frame;
  const where = names.formatAddress(header.major, header.minor);
  const version = header.version === aoe.VERSION ? "" : ` version ${header.version}`;
  return `${where} tag ${names.hex(header.tag, 8)}${version}: ${formatMeaning(frame, request)}`;
}

/** The line's part behind the colon: what the frame says. */
export function formatMeaning(frame: Frame, request: Frame | null = null): string {
  if (isError(frame)) {
    const { error } = frame.aoe;
    return `${formatCommand(frame, request)} error ${error} (${names.ERRORS[error] ?? "unknown"})`;
  }
  const { body } = frame;
  switch (body.kind) {
    case "ata":
      return isResponse(frame) ? formatAtaAnswer(frame, body, request) : formatAta(body);
    case "config":
      return formatConfig(frame, body);
    case "mask":
      return formatMask(frame, body);
    case "reserve":
      return formatReserve(frame, body);
    case "vendor":
    case "none":
    case "unknown": {
      const answer = isResponse(frame) ? " answer" : "";
      return `${formatCommand(frame, request)}${answer}, ${frame.rest.length} bytes`;
    }
  }
}

/** What was asked: `read ext`, `config set`, `vendor command 0xf0`. An answer needs its request. */
function formatCommand(frame: Frame, request: Frame | null = null): string {
  // The header behind an error answer, if there is one, need not be the request's.
  if (request !== null && isError(frame)) return formatCommand(request);
  const { body } = frame;
  switch (body.kind) {
    case "ata": {
      const asked = isResponse(frame) ? request?.body : body;
      return asked?.kind === "ata"
        ? (names.ATA_COMMANDS[asked.command] ?? other(asked.command))
        : "ata";
    }
    case "config":
      return `config ${names.nameOf(names.CONFIG_COMMANDS, body.command)}`;
    case "mask":
      return `mask ${names.nameOf(names.MASK_COMMANDS, body.command)}`;
    case "reserve":
      return `reserve ${names.nameOf(names.RESERVE_COMMANDS, body.command)}`;
    case "vendor":
    case "unknown":
      return `${body.kind} command ${names.hex(frame.aoe.command, 2)}`;
    case "none":
      return names.nameOf(names.COMMANDS, frame.aoe.command);
  }
}

function formatAta(body: ata.Ata): string {
  const { command, flags, feature, count } = body;
  let text = names.ATA_COMMANDS[command] ?? other(command);
  if (ata.isRead(command) || ata.isWrite(command)) {
    text += ` lba ${address(body, command)} sectors ${count}`;
    const extended = (flags & ata.FLAG_EXTENDED) !== 0;
    if (extended !== ata.isExtended(command))
      text += extended ? ", E flag set" : ", E flag not set";
    const writes = (flags & ata.FLAG_WRITE) !== 0;
    if (writes !== ata.isWrite(command)) text += writes ? ", W flag set" : ", W flag not set";
  } else if (command === ata.SMART) {
    text += ` ${names.hex(feature, 2)}`;
  } else if (!(command in names.ATA_COMMANDS)) {
    text += ` feature ${names.hex(feature, 2)} lba ${body.lba} sectors ${count}`;
  }
  return (flags & ata.FLAG_ASYNC) === 0 ? text : `${text}, async`;
}

function formatAtaAnswer(frame: Frame, body: ata.Ata, request: Frame | null): string {
  const asked = formatCommand(frame, request);
  const status = names.statusBits(body.command);
  if (isAtaFailure(frame)) {
    const opcode = request?.body.kind === "ata" ? request.body.command : ata.READ_EXT;
    return `${asked} failed: ${status}, ${names.errorBits(body.feature)}, lba ${address(body, opcode)}`;
  }
  const data = dataLength(frame, request);
  if (data === null)
    return `${asked} answer: ${status}, ${frame.rest.length} bytes behind the header`;
  return `${asked} answer: ${status}${data === 0 ? "" : `, ${data} bytes`}`;
}

function formatConfig(frame: Frame, body: Config): string {
  const asked = formatCommand(frame);
  if (!isResponse(frame))
    return body.string.length === 0 ? asked : `${asked} ${names.quote(body.string)}`;
  const { bufferCount, sectorCount, firmware } = body;
  return (
    `${asked} answer: ${bufferCount} buffers, ${sectorCount} sectors, ` +
    `firmware ${names.hex(firmware, 4)}, string ${names.quote(body.string)}`
  );
}

function formatMask(frame: Frame, body: Mask): string {
  const asked = formatCommand(frame);
  const list = listed(
    body.directives.map(({ command, mac }) => {
      const order = isResponse(frame) ? "" : `${names.nameOf(names.DIRECTIVES, command)} `;
      return `${order}${formatMac(mac)}`;
    }),
  );
  if (!isResponse(frame)) return body.directives.length === 0 ? asked : `${asked}: ${list}`;
  if (body.error === 0) return `${asked} answer: ${list}`;
  const reason = names.MASK_ERRORS[body.error] ?? "unknown";
  return `${asked} failed: ${body.error} (${reason}), ${body.count} directives done`;
}

function formatReserve(frame: Frame, body: Reserve): string {
  const asked = formatCommand(frame);
  const list = listed(body.macs.map(formatMac));
  if (isResponse(frame)) return `${asked} answer: ${list}`;
  return body.macs.length === 0 ? asked : `${asked}: ${list}`;
}

function address(body: ata.Ata, opcode: number): number {
  return ata.isExtended(opcode) ? body.lba : body.lba % 0x1000_0000;
}

function other(command: number): string {
  return `ata command ${names.hex(command, 2)}`;
}

function listed(words: readonly string[]): string {
  if (words.length === 0) return "nobody";
  if (words.length <= MOST_LISTED) return words.join(", ");
  return `${words.slice(0, MOST_LISTED).join(", ")} and ${words.length - MOST_LISTED} more`;
}

function name(mac: Mac): string {
  return mac === BROADCAST ? "broadcast" : formatMac(mac);
}
