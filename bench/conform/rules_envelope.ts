// P1–P8, P18–P20, P30–P34: what holds for every command.

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import { isError, toBytes } from "../../wire/frame.ts";
import { BROADCAST, formatMac } from "../../wire/mac.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import type { Rule } from "./rule.ts";
import { isGood, type Subject, tell } from "./subject.ts";

const NONE = new Uint8Array(0);

function reservedBits(s: Subject): void {
  const dirty = toBytes(
    s.ata({ lba: 1, count: 1, flags: 0xff ^ ata.FLAG_WRITE, reserved: 0xffff }, { flags: 0x3 }),
  );
  const read = s.answered(dirty, "a read with reserved bits set");
  if (read !== null) {
    s.expect(isGood(read), `a read with reserved bits set: ${tell(read)}`);
    const { body, aoe: header } = read.frame;
    s.expect((header.flags & 0x3) === 0, "reserved AoE flags come back set");
    if (body.kind === "ata") {
      s.expect((body.flags & 0xac) === 0, "reserved AFlags come back set");
      s.expect(body.reserved === 0, "reserved ATA bytes come back set");
    }
  }
  const masks = toBytes(s.mask(mask.READ));
  masks[mask.RESERVED] = 0xff;
  const list = s.answered(masks, "a mask read with the reserved byte set");
  if (list?.frame.body.kind === "mask") {
    s.expect(list.frame.body.reserved === 0, "the reserved byte of a mask answer is set");
  }
}

function standsAlone(s: Subject): void {
  const { prober } = s;
  s.data(0, 1);
  s.data(1, 1);
  prober.wait(4 * prober.patience.silence);
  const before = prober.late.get(prober.rule)?.length ?? 0;
  prober.settle();
  s.expect((prober.late.get(prober.rule)?.length ?? 0) === before, "an answer came twice");
}

function ignoresResponses(s: Subject): void {
  for (const flags of [aoe.FLAG_RESPONSE, aoe.FLAG_RESPONSE | aoe.FLAG_ERROR]) {
    for (const [name, asked] of s.harmless({ flags })) s.silent(asked, `${name} as a response`);
  }
}

function addresses(s: Subject): void {
  const { major, minor } = s.facts.address;
  const other = { major: major === 1 ? 2 : 1, minor: minor === 1 ? 2 : 1 };
  for (const [name, extra] of [
    ["its own address", {}],
    ["every shelf", { major: aoe.ANY_MAJOR }],
    ["every slot", { minor: aoe.ANY_MINOR }],
    ["every shelf and slot", { major: aoe.ANY_MAJOR, minor: aoe.ANY_MINOR }],
  ] as const) {
    for (const [command, asked] of s.harmless(extra)) s.succeeds(asked, `${command} to ${name}`);
  }
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
  const { address, own, target } = s.facts;
  for (const to of [target, BROADCAST]) {
    for (const [name, asked] of s.harmless({
      to,
      major: aoe.ANY_MAJOR,
      minor: aoe.ANY_MINOR,
    })) {
      const where = `${name}${to === BROADCAST ? ", broadcast" : ""}`;
      const answer = s.answered(asked, where);
      if (answer === null) continue;
      const { ethernet, aoe: header } = answer.frame;
      s.expect(
        ethernet.destination === own,
        `${where}: goes to ${formatMac(ethernet.destination)}`,
      );
      s.expect(ethernet.source === target, `${where}: comes from ${formatMac(ethernet.source)}`);
      s.expect(
        header.major === address.major && header.minor === address.minor,
        `${where}: carries the address ${header.major}.${header.minor}`,
      );
      s.expect(header.version === aoe.VERSION, `${where}: carries version ${header.version}`);
      s.expect((header.flags & aoe.FLAG_RESPONSE) !== 0, `${where}: not marked as a response`);
      s.expect(header.command === asked.aoe.command, `${where}: carries command ${header.command}`);
    }
  }
}

function versions(s: Subject): void {
  for (const version of [0, 2, 15]) {
    for (const [name, asked] of s.harmless({ version })) {
      s.refused(asked, aoe.ERROR_VERSION, `${name} of version ${version}`);
    }
    for (const [name, asked] of s.harmless({ version, to: BROADCAST })) {
      s.silent(asked, `${name} of version ${version}, broadcast`);
    }
  }
}

function unknownCommands(s: Subject): void {
  for (const command of [4, 0x7f, 0xef, aoe.COMMAND_VENDOR, 0xff]) {
    const what = `command ${command}`;
    const answer = s.refused(s.bare(command), aoe.ERROR_UNRECOGNIZED, what);
    if (answer === null) continue;
    const behind = answer.bytes.subarray(aoe.LENGTH);
    s.expect(
      behind.length <= 60 - aoe.LENGTH && behind.every((byte) => byte === 0),
      `${what}: the answer has ${behind.length} bytes behind the header`,
    );
  }
}

function lengths(s: Subject): void {
  const short: number[] = [];
  const stray: string[] = [];
  for (const [name, asked, data] of [
    ["CHECK POWER", s.ata({ command: ata.CHECK_POWER, flags: 0 }), ata.LENGTH],
    ["config read", s.config(config.READ), config.LENGTH],
    ["mask read", s.mask(mask.READ), mask.LENGTH],
    ["reserve read", s.reserve(reserve.READ), reserve.LENGTH],
  ] as const) {
    const answer = s.answered(asked, name);
    if (answer === null) continue;
    if (answer.bytes.length < 60) short.push(answer.bytes.length);
    if (answer.bytes.subarray(data).some((byte) => byte !== 0)) stray.push(name);
  }
  s.expect(short.length === 0, `answers of ${short.join(", ")} bytes are not padded to 60`);
  s.expect(stray.length === 0, `the padding of ${stray.join(", ")} is not zero`);

  const trailing = new Uint8Array(700).fill(0x77);
  trailing.set(toBytes(s.read(3, 1)).subarray(0, ata.LENGTH));
  const read = s.answered(trailing, "a read with trailing bytes");
  if (read !== null) s.expect(isGood(read), `a read with trailing bytes: ${tell(read)}`);

  const lba = s.facts.sectors - 1;
  const echo = s.answered(s.read(lba, 1), "a read");
  if (echo?.frame.body.kind === "ata") {
    const { flags, count, lba: said } = echo.frame.body;
    s.expect(
      flags === ata.FLAG_EXTENDED,
      `AFlags 0x40 of a read come back as 0x${flags.toString(16)}`,
    );
    s.expect(count === 1, `count 1 of a read comes back as ${count}`);
    s.expect(said === lba, `LBA ${lba} of a read comes back as ${said}`);
  }
}

function tags(s: Subject): void {
  for (const tag of [1, 0x7fff_ffff, 0x8000_0001, 0xc000_0001, 0xffff_ffff]) {
    for (const [name, asked] of s.harmless({ tag })) {
      s.answered(asked, `${name} with tag ${tag.toString(16)}`);
    }
  }
  s.leaves("the tags that an initiator chooses are its own affair");
}

function realAddress(s: Subject): void {
  const answer = s.answered(
    s.config(config.READ, "", { major: aoe.ANY_MAJOR, minor: aoe.ANY_MINOR, to: BROADCAST }),
    "discovery",
  );
  if (answer === null) return;
  const { major, minor } = answer.frame.aoe;
  s.expect(
    major !== aoe.ANY_MAJOR && minor !== aoe.ANY_MINOR,
    `it says to be ${major}.${minor}, which means all`,
  );
}

function tooShort(s: Subject): void {
  for (const [name, asked, least] of [
    ["ATA", s.read(0, 1), ata.LENGTH],
    ["config", s.config(config.READ), config.LENGTH],
    ["mask", s.mask(mask.READ), mask.LENGTH],
    ["reserve", s.reserve(reserve.READ), reserve.LENGTH],
  ] as const) {
    const bytes = toBytes(asked).subarray(0, least - 1);
    s.silent(bytes, `a request of ${least - 1} bytes (${name}; a NIC that pads would excuse this)`);
  }
}

function errorAnswers(s: Subject): void {
  // Other bytes first, so that what an answer carries beyond its own would show.
  s.data(0, Math.min(2, s.facts.mostSectors));
  const asked = s.ata({ lba: 0x1234, count: 255, feature: 0x5a });
  const answer = s.refused(asked, aoe.ERROR_ARGUMENT, "a read of 255 sectors");
  if (answer !== null && isError(answer.frame)) {
    const { body } = answer.frame;
    if (body.kind === "ata") {
      s.expect(
        body.lba === 0x1234 && body.count === 255 && body.feature === 0x5a,
        "the refusal of a read does not carry the read's own registers",
      );
    }
    s.expect(
      answer.bytes.subarray(ata.LENGTH).every((byte) => byte === 0),
      `the refusal of a read carries ${answer.bytes.length - ata.LENGTH} bytes behind its header`,
    );
  }
  s.setConfig("mine");
  const set = s.refused(
    s.config(config.SET, "yours"),
    aoe.ERROR_CONFIG_PRESENT,
    "a second config set",
  );
  if (set?.frame.body.kind === "config") {
    const text = new TextDecoder().decode(set.frame.body.string);
    s.expect(text === "mine", `the refusal of a config set carries the string \`${text}\``);
  }
  s.setConfig("");
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

function wildcards(s: Subject): void {
  const all = { major: aoe.ANY_MAJOR, minor: aoe.ANY_MINOR };
  const before = s.place(7);
  for (const extra of [all, { major: aoe.ANY_MAJOR }, { minor: aoe.ANY_MINOR }]) {
    s.silent(s.write(7, new Uint8Array(512).fill(0xee), extra), "a wildcard write");
  }
  s.holds(7, before, "after wildcard writes");
  s.silent(s.config(config.SET, "w", all), "a wildcard config set");
  s.silent(s.config(config.FORCE_SET, "w", all), "a wildcard config force set");
  s.expect(s.configText() === "", "a wildcard config set changed the string");
  s.setConfig("");
  s.silent(s.reserve(reserve.SET, [s.facts.own], all), "a wildcard reserve set");
  s.expect(s.members()?.length === 0, "a wildcard reserve changed the list");
  s.release();
  s.succeeds(s.read(7, 1, all), "a wildcard read");
  s.succeeds(s.identify(all), "a wildcard IDENTIFY");
}

function order(s: Subject): void {
  const { own, mostSectors, sectors } = s.facts;
  s.silent(s.bare(0x7f, NONE, { flags: aoe.FLAG_RESPONSE, version: 2 }), "P3 before P7 and P8");
  s.refused(s.bare(0x7f, NONE, { version: 2 }), aoe.ERROR_VERSION, "P7 before P8");
  s.refused(
    s.bare(0x7f, NONE, { major: aoe.ANY_MAJOR }),
    aoe.ERROR_UNRECOGNIZED,
    "P8 before P33 (an unknown command to every shelf)",
  );
  if (mostSectors < 255) {
    s.refused(s.read(sectors, mostSectors + 1), aoe.ERROR_ARGUMENT, "P23 before P24");
  }
  s.prober.answer(s.reserve(reserve.FORCE_SET, [own]));
  const stranger = s.other(1);
  s.refused(
    s.read(sectors, 255, { from: stranger }),
    aoe.ERROR_RESERVED,
    "the reservation before arguments and range",
  );
  s.release();
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
  { id: "P33", title: "a wildcard changes nothing", test: wildcards },
  { id: "P34", title: "the order of checks", test: order },
];
