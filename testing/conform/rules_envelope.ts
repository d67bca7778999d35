// P1–P8, P18–P20, P30–P32: what holds for every command.

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { type Frame, isError, length, toBytes } from "../../wire/frame.ts";
import { BROADCAST, formatMac, isGroup } from "../../wire/mac.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import { type Address, formatAddress } from "../../words/address.ts";
import type { Rule } from "./rule.ts";
import { setString } from "./state.ts";
import { isGood, isRefused, type Subject, tell } from "./subject.ts";

const ALL = { major: aoe.ANY_MAJOR, minor: aoe.ANY_MINOR };

/** Bits without a meaning; the others stand as in any read. */
const RESERVED_AFLAGS = 0xac;

function reservedBits(s: Subject): void {
  if (s.has("read")) {
    const flags = ata.FLAG_EXTENDED | RESERVED_AFLAGS;
    const read = s.answered(
      s.ata({ lba: 1, count: 1, flags, reserved: 0xffff }, { flags: 0x3 }),
      "a read with reserved bits set",
    );
    if (read !== null) {
      s.expect(isGood(read), `a read with reserved bits set: ${tell(read)}`);
      const { body, aoe: header } = read.frame;
      s.expect((header.flags & 0x3) === 0, "reserved AoE flags come back set");
      if (body.kind === "ata" && !isError(read.frame)) {
        s.expect((body.flags & RESERVED_AFLAGS) === 0, "reserved AFlags come back set");
        s.expect(body.reserved === 0, "reserved ATA bytes come back set");
      }
    }
  }
  if (!s.has("mask")) return;
  const asked = toBytes(s.mask(mask.READ));
  asked[mask.RESERVED] = 0xff;
  const list = s.answered(asked, "a mask read with the reserved byte set");
  if (list?.frame.body.kind === "mask" && !isError(list.frame)) {
    s.expect(list.frame.body.reserved === 0, "the reserved byte of a mask answer is set");
  }
}

/** What comes twice is noted when the suite ends, for whichever rule it was asked. */
function standsAlone(s: Subject): void {
  const { prober } = s;
  for (const [, asked] of s.harmless()) if (prober.answer(asked) !== null) s.tested++;
  prober.wait(4 * prober.patience.silence);
}

function ignoresResponses(s: Subject): void {
  for (const flags of [aoe.FLAG_RESPONSE, aoe.FLAG_RESPONSE | aoe.FLAG_ERROR]) {
    for (const [name, asked] of s.harmless({ flags })) s.silent(asked, `${name} as a response`);
  }
}

/** A shelf and a slot where nobody has been heard. */
function nobody(s: Subject): Address {
  const { address } = s.facts;
  const taken = [formatAddress(address), ...s.prober.neighbours].map((name) => name.split("."));
  let major = 1;
  while (taken.some(([shelf]) => shelf === `e${major}`)) major++;
  let minor = 1;
  while (taken.some(([, slot]) => slot === `${minor}`)) minor++;
  return { major, minor };
}

function addresses(s: Subject): void {
  for (const [name, extra] of [
    ["its own address", {}],
    ["every shelf", { major: aoe.ANY_MAJOR }],
    ["every slot", { minor: aoe.ANY_MINOR }],
    ["every shelf and slot", ALL],
  ] as const) {
    for (const [command, asked] of s.harmless(extra)) s.succeeds(asked, `${command} to ${name}`);
  }
  const other = nobody(s);
  for (const [name, extra] of [
    ["another shelf", { major: other.major }],
    ["another slot", { minor: other.minor }],
    ["every shelf, another slot", { major: aoe.ANY_MAJOR, minor: other.minor }],
    ["another shelf, every slot", { major: other.major, minor: aoe.ANY_MINOR }],
  ] as const) {
    s.silent(s.config(config.READ, "", extra), `config read to ${name}`);
  }
}

function responses(s: Subject): void {
  const { address, own, target, source: home } = s.facts;
  for (const to of new Set([target, BROADCAST])) {
    for (const [name, asked] of s.harmless({ to, ...ALL })) {
      const where = `${name}${to === BROADCAST ? ", broadcast" : ""}`;
      const answer = s.answered(asked, where);
      if (answer === null) continue;
      const { ethernet: outer, aoe: header } = answer.frame;
      s.expect(outer.destination === own, `${where}: goes to ${formatMac(outer.destination)}`);
      s.expect(
        outer.source === home && !isGroup(home) && home !== 0,
        `${where}: comes from ${formatMac(outer.source)}`,
      );
      s.expect(
        header.major === address.major && header.minor === address.minor,
        `${where}: carries the address ${header.major}.${header.minor}`,
      );
      s.expect(header.version === aoe.VERSION, `${where}: carries version ${header.version}`);
      s.expect(header.command === asked.aoe.command, `${where}: carries command ${header.command}`);
    }
  }
}

function versions(s: Subject): void {
  for (const version of [0, 2, 15]) {
    for (const [name, asked] of s.harmless({ version, to: BROADCAST })) {
      s.silent(asked, `${name} of version ${version}, broadcast`);
    }
    if (!s.has("address")) continue;
    for (const [name, asked] of s.harmless({ version })) {
      s.refused(asked, aoe.ERROR_VERSION, `${name} of version ${version}`);
    }
  }
}

function unknownCommands(s: Subject): void {
  for (const command of [4, 0x7f, 0xef, aoe.COMMAND_VENDOR, 0xff]) {
    const what = `command ${command}`;
    const answer = s.answered(s.bare(command), what);
    if (answer === null) continue;
    if (command >= aoe.COMMAND_VENDOR && !isError(answer.frame)) {
      s.leaves(`${what} is the vendor's own, and known to it`);
      continue;
    }
    s.expect(
      isRefused(answer, aoe.ERROR_UNRECOGNIZED),
      `${what}: ${tell(answer)}, not error ${aoe.ERROR_UNRECOGNIZED}`,
    );
    const behind = answer.bytes.subarray(aoe.LENGTH);
    s.expect(
      behind.length <= ethernet.SHORTEST - aoe.LENGTH && behind.every((byte) => byte === 0),
      `${what}: the answer has ${behind.length} bytes behind the header`,
    );
  }
}

function lengths(s: Subject): void {
  const short: number[] = [];
  const stray: string[] = [];
  const power = s.ata({ command: ata.CHECK_POWER, flags: 0 });
  for (const [name, asked] of [["CHECK POWER", power], ...s.harmless()] as const) {
    if (name === "ATA read") continue;
    // Whether it is answered is another rule's.
    const answer = s.prober.answer(asked);
    if (answer === null) continue;
    const { frame, bytes } = answer;
    if (bytes.length < ethernet.SHORTEST) short.push(bytes.length);
    // A config string, a list, are the answer's own; what an error carries is P31's.
    const own = length(frame) - frame.rest.length;
    const known = !isError(frame) && frame.body.kind !== "unknown";
    if (known && bytes.subarray(own).some((byte) => byte !== 0)) stray.push(name);
  }
  s.expect(short.length === 0, `answers of ${short.join(", ")} bytes are not padded to 60`);
  s.expect(stray.length === 0, `the padding of ${stray.join(", ")} is not zero`);

  if (!s.has("read")) return;
  const trailing = new Uint8Array(ethernet.LENGTH + Math.min(686, s.facts.mtu)).fill(0x77);
  trailing.set(toBytes(s.read(3, 1)).subarray(0, ata.LENGTH));
  const read = s.answered(trailing, "a read with trailing bytes");
  if (read !== null) s.expect(isGood(read), `a read with trailing bytes: ${tell(read)}`);

  const lba = s.facts.sectors - 1;
  const echo = s.prober.answer(s.read(lba, 1));
  if (echo?.frame.body.kind === "ata" && isGood(echo)) {
    const { flags, count, lba: said } = echo.frame.body;
    s.expect(
      flags === ata.FLAG_EXTENDED,
      `AFlags 0x40 of a read come back as 0x${flags.toString(16)}`,
    );
    s.expect(count === 1, `count 1 of a read comes back as ${count}`);
    s.expect(said === lba, `LBA ${lba} of a read comes back as ${said}`);
  }
}

/** No two of them are alike in all but a few bits: one that is cut must not be taken for another. */
function tags(s: Subject): void {
  for (const tag of [1, 0x7fff_ffff, 0x8abc_def1, 0xc123_4567, 0xffff_fff2]) {
    for (const [name, asked] of s.harmless({ tag })) {
      s.answered(asked, `${name} with tag ${tag.toString(16)}`);
    }
  }
  s.leaves("the tags that an initiator chooses are its own affair");
}

function realAddress(s: Subject): void {
  const answer = s.answered(s.config(config.READ, "", { ...ALL, to: BROADCAST }), "discovery");
  if (answer === null) return;
  const { major, minor } = answer.frame.aoe;
  s.expect(
    major !== aoe.ANY_MAJOR && minor !== aoe.ANY_MINOR,
    `it says to be ${major}.${minor}, which means all`,
  );
}

function tooShort(s: Subject): void {
  const asked: [string, Frame, number][] = [["config", s.config(config.READ), config.LENGTH]];
  if (s.has("read")) asked.unshift(["ATA", s.read(0, 1), ata.LENGTH]);
  if (s.has("mask")) asked.push(["mask", s.mask(mask.READ), mask.LENGTH]);
  if (s.has("reserve")) asked.push(["reserve", s.reserve(reserve.READ), reserve.LENGTH]);
  for (const [name, frame, least] of asked) {
    const what = `a request of ${least - 1} bytes (${name})`;
    const bytes = toBytes(frame).subarray(0, least - 1);
    if (s.prober.air.pads !== true) s.silent(bytes, what);
    else if (s.prober.answer(bytes) === null) s.expect(true, "");
    else s.leaves(`${what} is answered, and on this interface it may have been padded`);
  }
}

function errorAnswers(s: Subject): void {
  const { mostSectors, carried } = s.facts;
  // Other bytes first, so that what an answer carries beyond its own would show.
  s.data(0, Math.min(2, carried));
  const lba = 0x21;
  const asked = s.ata({ lba, count: 255, feature: 0x5a });
  const answer = mostSectors < 255 ? s.prober.answer(asked) : null;
  if (answer === null || !isRefused(answer, aoe.ERROR_ARGUMENT)) {
    s.leaves("a read of 255 sectors is not refused");
  } else {
    const { body } = answer.frame;
    if (body.kind === "ata") {
      const own =
        [lba, 0].includes(body.lba) &&
        [255, 0].includes(body.count) &&
        [0x5a, ata.ERROR_ABRT, 0].includes(body.feature);
      s.expect(own, "the refusal of a read carries registers that are not the read's");
    }
    s.expect(
      answer.bytes.subarray(ata.LENGTH).every((byte) => byte === 0),
      `the refusal of a read carries ${answer.bytes.length - ata.LENGTH} bytes behind its header`,
    );
  }
  const mine = setString(s, "mine");
  if (mine === null || mine.length === 0) {
    s.leaves("the refusal of a config set: there is no string to set it over");
    return;
  }
  const set = s.prober.answer(s.config(config.SET, "yours"));
  if (set === null || !isRefused(set, aoe.ERROR_CONFIG_PRESENT)) {
    s.leaves("the refusal of a config set: it is not refused");
  } else if (set.frame.body.kind === "config") {
    const { string } = set.frame.body;
    s.expect(
      string.length === 0 || String(string) === String(mine),
      "the refusal of a config set carries another string than the target's",
    );
  }
}

function otherHosts(s: Subject): void {
  for (const [name, asked] of s.harmless({ to: s.other(9) })) {
    s.silent(asked, `${name} addressed to another host`);
  }
  for (const [name, asked] of s.harmless({ from: 0 })) s.silent(asked, `${name} from address zero`);
  for (const [name, asked] of s.harmless({ from: 0x0300_0000_0001 })) {
    s.silent(asked, `${name} from a group address`);
  }
}

export const ENVELOPE: readonly Rule[] = [
  { id: "P1", title: "reserved bits are zero, and ignored", test: reservedBits },
  { id: "P2", title: "no answer is repeated unasked", test: standsAlone },
  { id: "P3", title: "responses are ignored", test: ignoresResponses },
  { id: "P4", title: "only its own address or a wildcard is answered", test: addresses },
  { id: "P5", title: "an answer's MACs, address, flags and command", test: responses },
  { id: "P6", title: "answers from any MAC are accepted", test: "a rule for initiators" },
  { id: "P7", title: "another version: error 5, silence to broadcast", test: versions },
  { id: "P8", title: "unknown command: error 1, header only", test: unknownCommands },
  { id: "P18", title: "padding, trailing bytes, the echo of the request", test: lengths },
  { id: "P19", title: "any tag comes back untouched", test: tags },
  { id: "P20", title: "an export's address is not a wildcard", test: realAddress },
  { id: "P30", title: "a frame below its header's length: silence", test: tooShort },
  { id: "P31", title: "what an error answer carries", test: errorAnswers },
  { id: "P32", title: "other hosts' frames and bad sources are dropped", test: otherHosts },
];
