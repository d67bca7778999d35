// Every field of a frame, in the order of its bytes, each with its offset, size and meaning: what
// `aoe decode --verbose` prints and what the tests compare with other dissectors.

import * as aoe from "./aoe.ts";
import * as ata from "./ata.ts";
import * as config from "./config.ts";
import * as ethernet from "./ethernet.ts";
import { dataLength, type Frame, isResponse, length } from "./frame.ts";
import { type Outer, TAG_LENGTH } from "./link_layer.ts";
import { formatMac } from "./mac.ts";
import * as mask from "./mask.ts";
import * as names from "./names.ts";
import * as reserve from "./reserve.ts";

export interface Field {
  readonly layer: string;
  readonly name: string;
  readonly offset: number;
  /** Bytes; two fields that share a byte have the same offset. */
  readonly size: number;
  /** As a person reads it. */
  readonly text: string;
}

/**
 * All fields of `frame`; `request` (what it answers) tells data from padding in an ATA answer. `outer`: the
 * headers of a frame that has others than Ethernet's, or tags, before the AoE header.
 */
export function fields(
  frame: Frame,
  request: Frame | null = null,
  outer: Outer | null = null,
): Field[] {
  if (outer === null || isPlain(outer)) return [...ethernetFields(frame), ...inner(frame, request)];
  const shift = outer.length - ethernet.LENGTH;
  const shifted = inner(frame, request).map((field) => ({
    ...field,
    offset: field.offset + shift,
  }));
  const own = outer.sent === null ? ethernetFields(frame).slice(0, 2) : [];
  return [...own, ...tagFields(outer), ...shifted];
}

function isPlain({ sent, tags }: Outer): boolean {
  return sent === null && tags.length === 0;
}

function ethernetFields({ ethernet: header }: Frame): Field[] {
  const layer = "ethernet";
  const [to, from] = [formatMac(header.destination), formatMac(header.source)];
  return [
    { layer, name: "destination", offset: ethernet.DESTINATION, size: 6, text: to },
    { layer, name: "source", offset: ethernet.SOURCE, size: 6, text: from },
    { layer, name: "type", offset: ethernet.TYPE, size: 2, text: names.hex(header.type, 4) },
  ];
}

/** Each tag with the EtherType before it, and the EtherType behind the last. */
function tagFields({ tags, type, length: end, sent }: Outer): Field[] {
  const layer = "vlan";
  const start = end - TAG_LENGTH * tags.length;
  const found = tags.flatMap(({ protocol, id, priority, dropEligible }, index): Field[] => {
    const offset = start + TAG_LENGTH * index;
    const text = `id ${id}, priority ${priority}${dropEligible ? ", may be dropped" : ""}`;
    const before = {
      layer,
      name: "protocol",
      offset: offset - 2,
      size: 2,
      text: names.hex(protocol, 4),
    };
    return [before, { layer, name: "tag", offset, size: 2, text }];
  });
  // The cooked header of SLL2 has its type at the front; what all cooked headers lack is Ethernet's.
  if (sent !== null && tags.length === 0) return [];
  return [...found, { layer, name: "type", offset: end - 2, size: 2, text: names.hex(type, 4) }];
}

/** From the AoE header on. */
function inner(frame: Frame, request: Frame | null): Field[] {
  const all: Field[] = [];
  const layer = (layer: string) => (name: string, offset: number, size: number, text: string) => {
    all.push({ layer, name, offset, size, text });
  };
  const header = frame.aoe;
  const put = layer("aoe");
  put("version", aoe.VERSION_FLAGS, 1, `${header.version}`);
  put("flags", aoe.VERSION_FLAGS, 1, code(header.flags, names.aoeFlags(header.flags)));
  put("error", aoe.ERROR, 1, code(header.error, names.ERRORS[header.error]));
  put(
    "major",
    aoe.MAJOR,
    2,
    code(header.major, header.major === aoe.ANY_MAJOR ? "every shelf" : ""),
  );
  put(
    "minor",
    aoe.MINOR,
    1,
    code(header.minor, header.minor === aoe.ANY_MINOR ? "every slot" : ""),
  );
  put(
    "command",
    aoe.COMMAND,
    1,
    code(header.command, names.COMMANDS[header.command] ?? frame.body.kind),
  );
  put("tag", aoe.TAG, 4, names.hex(header.tag, 8));

  const { body } = frame;
  if (body.kind === "ata") ataFields(frame, body, layer("ata"));
  else if (body.kind === "config") configFields(body, layer("config"));
  else if (body.kind === "mask") maskFields(body, layer("mask"));
  else if (body.kind === "reserve") reserveFields(body, layer("reserve"));
  restFields(frame, request, all);
  return all;
}

type Put = (name: string, offset: number, size: number, text: string) => void;

function ataFields(frame: Frame, body: ata.Ata, put: Put): void {
  put("flags", ata.FLAGS, 1, code(body.flags, names.ataFlags(body.flags)));
  if (isResponse(frame))
    put("error", ata.FEATURE, 1, code(body.feature, names.errorBits(body.feature)));
  else put("feature", ata.FEATURE, 1, names.hex(body.feature, 2));
  put("count", ata.COUNT, 1, `${body.count}`);
  if (isResponse(frame))
    put("status", ata.COMMAND, 1, code(body.command, names.statusBits(body.command)));
  else put("command", ata.COMMAND, 1, code(body.command, names.ATA_COMMANDS[body.command]));
  put("lba", ata.LBA, 6, `${body.lba}`);
  put("reserved", ata.RESERVED, 2, names.hex(body.reserved, 4));
}

function configFields(body: config.Config, put: Put): void {
  put("buffer count", config.BUFFER_COUNT, 2, `${body.bufferCount}`);
  put("firmware", config.FIRMWARE, 2, names.hex(body.firmware, 4));
  put("sector count", config.SECTOR_COUNT, 1, `${body.sectorCount}`);
  put("version", config.VERSION_COMMAND, 1, `${body.version}`);
  put(
    "command",
    config.VERSION_COMMAND,
    1,
    code(body.command, names.CONFIG_COMMANDS[body.command]),
  );
  put("string length", config.STRING_LENGTH, 2, `${body.stringLength}`);
  if (body.string.length > 0) {
    put("string", config.LENGTH, body.string.length, names.quote(body.string));
  }
}

function maskFields(body: mask.Mask, put: Put): void {
  put("reserved", mask.RESERVED, 1, names.hex(body.reserved, 2));
  put("command", mask.COMMAND, 1, code(body.command, names.MASK_COMMANDS[body.command]));
  put("error", mask.ERROR, 1, code(body.error, names.MASK_ERRORS[body.error]));
  put("directive count", mask.COUNT, 1, `${body.count}`);
  for (const [index, { reserved, command, mac }] of body.directives.entries()) {
    const order = code(command, names.DIRECTIVES[command]);
    const oddity = reserved === 0 ? "" : `, reserved byte ${names.hex(reserved, 2)}`;
    const text = `${order} ${formatMac(mac)}${oddity}`;
    put(`directive ${index}`, mask.directive(0, index), mask.DIRECTIVE_LENGTH, text);
  }
}

function reserveFields(body: reserve.Reserve, put: Put): void {
  put("command", reserve.COMMAND, 1, code(body.command, names.RESERVE_COMMANDS[body.command]));
  put("MAC count", reserve.COUNT, 1, `${body.macs.length}`);
  for (const [index, mac] of body.macs.entries()) {
    const offset = reserve.LENGTH + index * reserve.MEMBER_LENGTH;
    put(`MAC ${index}`, offset, reserve.MEMBER_LENGTH, formatMac(mac));
  }
}

function restFields(frame: Frame, request: Frame | null, all: Field[]): void {
  const size = frame.rest.length;
  if (size === 0) return;
  const offset = length(frame) - size;
  const known = dataLength(frame, request);
  if (known === null) {
    all.push({ layer: "rest", name: "data or padding", offset, size, text: `${size} bytes` });
    return;
  }
  const data = Math.min(known, size);
  if (data > 0) {
    const text = data === known ? `${data} bytes` : `${data} of ${known} bytes`;
    all.push({ layer: "rest", name: "data", offset, size: data, text });
  }
  if (size === data) return;
  const zero = frame.rest.subarray(data).every((byte) => byte === 0);
  const text = `${size - data} bytes${zero ? "" : ", not all zero"}`;
  all.push({ layer: "rest", name: "padding", offset: offset + data, size: size - data, text });
}

/** `2 (bad argument)`; the number alone where there is no name, or where the number is the name. */
function code(value: number, name: string | undefined): string {
  return name === undefined || name === "" || name === `${value}`
    ? `${value}`
    : `${value} (${name})`;
}
