// P9–P12, P16, P17, P29: query config, buffer count, reservations, mask lists.

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import { isError, toBytes } from "../../wire/frame.ts";
import { BROADCAST, type Mac } from "../../wire/mac.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import type { Rule } from "./rule.ts";
import { isGood, type Subject, tell } from "./subject.ts";

const { DIRECTIVE_ADD: ADD, DIRECTIVE_DELETE: DELETE, DIRECTIVE_NONE: NONE } = mask;

function configCommands(s: Subject): void {
  s.setConfig("shelf seven");
  const lying = toBytes(s.config(config.READ));
  new DataView(lying.buffer).setUint16(config.STRING_LENGTH, 1024);
  s.succeeds(lying, "a read whose length field says 1024");
  s.succeeds(s.config(config.TEST, "shelf seven"), "a test of the same string");
  s.silent(s.config(config.TEST, "shelf"), "a test of a prefix");
  s.silent(s.config(config.TEST, "shelf eight"), "a test of another string");
  s.succeeds(s.config(config.TEST_PREFIX, "shelf"), "a test of a prefix as one");
  s.succeeds(s.config(config.TEST_PREFIX, ""), "a test of the empty prefix");
  s.silent(s.config(config.TEST_PREFIX, "elf"), "a test of what is no prefix");
  s.silent(s.config(config.TEST_PREFIX, "shelf seven and more"), "a test of more than the string");
  s.refused(s.config(config.SET, "other"), aoe.ERROR_CONFIG_PRESENT, "a set over another string");
  s.expect(s.configText() === "shelf seven", "a refused set changed the string");
  s.succeeds(s.config(config.SET, "shelf seven"), "a set of the same string");
  s.succeeds(s.config(config.FORCE_SET, "forced"), "a force set");
  s.expect(s.configText() === "forced", "a force set did not change the string");
  s.succeeds(s.config(config.FORCE_SET, "x".repeat(1024)), "a force set of 1024 bytes");
  s.expect(s.configText() === "x".repeat(1024), "a string of 1024 bytes does not come back");
  s.setConfig("");
  s.succeeds(s.config(config.SET, "first"), "a set where there is no string");
  for (const [name, said, carried] of [
    ["a length of 1025", 1025, 1025],
    ["a length beyond the frame", 200, 10],
    // A header's worth beyond: what a check that forgets the header lets pass.
    ["a length 32 bytes beyond the frame", 132, 100],
  ] as const) {
    const bytes = toBytes(s.config(config.FORCE_SET, "y".repeat(carried)));
    new DataView(bytes.buffer).setUint16(config.STRING_LENGTH, said);
    s.refused(bytes.subarray(0, config.LENGTH + carried), aoe.ERROR_ARGUMENT, name);
  }
  s.expect(s.configText() === "first", "a refused force set changed the string");
  s.setConfig("");
}

function configAnswers(s: Subject): void {
  const { bufferCount, firmware, mostSectors } = s.facts;
  s.setConfig("told");
  for (const [name, asked] of [
    ["read", s.config(config.READ)],
    ["test", s.config(config.TEST, "told")],
    ["test prefix", s.config(config.TEST_PREFIX, "to")],
    ["refused set", s.config(config.SET, "no")],
    ["force set", s.config(config.FORCE_SET, "told")],
    ["wildcard read", s.config(config.READ, "", { major: aoe.ANY_MAJOR, to: BROADCAST })],
  ] as const) {
    const answer = s.answered(asked, name);
    if (answer?.frame.body.kind !== "config") continue;
    const { body } = answer.frame;
    s.expect(body.bufferCount === bufferCount, `${name}: a buffer count of ${body.bufferCount}`);
    s.expect(body.firmware === firmware, `${name}: firmware ${body.firmware}`);
    s.expect(
      (body.sectorCount === 0 ? 2 : body.sectorCount) === mostSectors,
      `${name}: ${body.sectorCount} sectors a command`,
    );
    s.expect(body.version === aoe.VERSION, `${name}: version ${body.version}`);
    const text = new TextDecoder().decode(body.string);
    s.expect(text === "told", `${name}: the string \`${text}\``);
  }
  s.setConfig("");
}

function announcement(s: Subject): void {
  const { announcement: heard } = s.facts;
  if (heard === null) {
    s.leaves("it was there before the suite listened; start it after the suite (--wait 30s)");
    return;
  }
  const { body, ethernet, aoe: header } = heard.frame;
  s.expect(
    header.command === aoe.COMMAND_CONFIG,
    `it announces itself by command ${header.command}`,
  );
  s.expect(ethernet.destination === BROADCAST, "it does not announce itself to all");
  s.expect(header.tag === 0, `the announcement has tag ${header.tag}`);
  s.expect(header.version === aoe.VERSION, `the announcement has AoE version ${header.version}`);
  if (body.kind === "config") {
    s.expect(body.version === aoe.VERSION, `the announcement says version ${body.version}`);
  }
  s.leaves("a change of its MTU");
}

function bufferCount(s: Subject): void {
  const { bufferCount: count } = s.facts;
  s.expect(count >= 2, `a buffer count of ${count} leaves Linux with a dead device`);
  const burst = Math.min(count, 256);
  const asked = Array.from({ length: burst }, (_, index) => s.read(index % 32, 1));
  const answers = s.prober.burst(asked);
  const answered = answers.filter((each) => each.length > 0).length;
  s.expect(answered === burst, `${answered} of ${burst} reads at once are answered`);
  if (burst < count) s.leaves(`more than ${burst} of its ${count} messages at once`);
}

function reservations(s: Subject): void {
  const { own } = s.facts;
  const friend = s.other(1);
  const stranger = s.other(2);
  const members = (names: readonly Mac[], what: string): void => {
    const found = s.members();
    const same =
      found !== null && found.length === names.length && names.every((mac) => found.includes(mac));
    s.expect(
      same,
      `${what}: the list has ${found === null ? "no answer" : `${found.length} members`}, not ${names.length}`,
    );
  };
  s.succeeds(s.reserve(reserve.SET, [own, friend]), "a set where the list is empty");
  members([own, friend], "after a set");
  s.ends(s.read(0, 1), ata.STATUS_DRDY, 0, "a member's read");
  s.ends(s.read(0, 1, { from: friend }), ata.STATUS_DRDY, 0, "another member's read");
  s.refused(s.read(0, 1, { from: stranger }), aoe.ERROR_RESERVED, "a stranger's read");
  s.refused(
    s.write(9, new Uint8Array(512), { from: stranger }),
    aoe.ERROR_RESERVED,
    "a stranger's write",
  );
  s.succeeds(s.identify({ from: stranger }), "a stranger's IDENTIFY");
  s.succeeds(s.config(config.READ, "", { from: stranger }), "a stranger's config read");
  s.refused(
    s.reserve(reserve.SET, [stranger], { from: stranger }),
    aoe.ERROR_RESERVED,
    "a stranger's set",
  );
  members([own, friend], "after a refused set");
  s.succeeds(s.reserve(reserve.SET, [own], { from: friend }), "a member's set");
  members([own], "after a member's set");
  s.succeeds(
    s.reserve(reserve.FORCE_SET, [stranger], { from: stranger }),
    "a stranger's force set",
  );
  s.refused(s.read(0, 1), aoe.ERROR_RESERVED, "a read of who was put off the list");
  s.succeeds(s.reserve(reserve.SET, [], { from: stranger }), "a release");
  members([], "after a release");
  s.ends(s.read(0, 1), ata.STATUS_DRDY, 0, "a read after the release");
  const lying = toBytes(s.reserve(reserve.FORCE_SET, [own]));
  lying[reserve.COUNT] = 200;
  s.refused(lying, aoe.ERROR_ARGUMENT, "a count beyond the frame");
  members([], "after a refused count");
  s.release();
}

function maskList(s: Subject): void {
  const { own, mtu } = s.facts;
  const [friend, third, fourth, stranger] = [s.other(1), s.other(2), s.other(3), s.other(4)];
  const add = (...macs: Mac[]): [number, Mac][] => macs.map((mac) => [ADD, mac]);
  const listed = (names: readonly Mac[], what: string): void => {
    const found = s.masks() ?? s.masks(friend);
    const missing = names.filter((mac) => found?.includes(mac) !== true).length;
    s.expect(
      found !== null && missing === 0 && found.length === names.length,
      found === null
        ? `${what}: nobody is let through`
        : `${what}: ${missing} of ${names.length} entries are missing`,
    );
  };
  const first = s.succeeds(s.mask(mask.EDIT, add(own, friend)), "an edit that adds two");
  if (first?.frame.body.kind === "mask") {
    s.expect(first.frame.body.count === 2, `the answer to it lists ${first.frame.body.count}`);
  }
  listed([own, friend], "after adding two");
  for (const [name, asked] of s.harmless({ from: stranger })) {
    s.silent(asked, `a stranger's ${name}`);
  }
  s.succeeds(s.read(0, 1, { from: friend }), "a listed host's read");
  s.succeeds(s.mask(mask.EDIT, add(third)), "a later edit that adds one");
  listed([own, friend, third], "after a later edit");
  s.succeeds(s.mask(mask.EDIT, [[NONE, 0]]), "a directive that does nothing");
  const half = s.mask(mask.EDIT, [...add(fourth), [7, stranger], ...add(s.other(5))]);
  const bad = s.answered(half, "an edit with a bad directive");
  if (bad !== null) {
    const { body } = bad.frame;
    s.expect(
      body.kind === "mask" && body.error === mask.ERROR_DIRECTIVE && body.count === 1,
      `an edit whose second directive is bad: ${tell(bad)}, not MError 2 after 1`,
    );
  }
  listed([own, friend, third, fourth], "after an edit that is good up to its second directive");
  const lying = toBytes(s.mask(mask.EDIT, add(own)));
  lying[mask.COUNT] = 100;
  s.refused(lying, aoe.ERROR_ARGUMENT, "a directive count beyond the frame");

  // To the brim: what one frame at the smallest MTU holds, 255 at most.
  const most = Math.min(255, Math.floor((mtu + 14 - mask.LENGTH) / mask.DIRECTIVE_LENGTH));
  const crowd = Array.from({ length: most - 4 }, (_, index) => s.other(100 + index));
  let full = true;
  for (let at = 0; at < crowd.length; at += 64) {
    full = s.prober.answer(s.mask(mask.EDIT, add(...crowd.slice(at, at + 64)))) !== null && full;
  }
  if (s.expect(full, `a list of ${most} can't be filled`)) {
    const over = s.answered(s.mask(mask.EDIT, add(s.other(999))), `an entry beyond ${most}`);
    if (over !== null) {
      const { body } = over.frame;
      s.expect(
        body.kind === "mask" && body.error === mask.ERROR_FULL,
        `an entry beyond ${most}: ${tell(over)}, not MError 3`,
      );
    }
  }
  s.succeeds(s.mask(mask.EDIT, [[DELETE, third]]), "an edit that deletes one");
  s.silent(s.read(0, 1, { from: third }), "a deleted host's read");
  s.expect(
    s.unmask([friend, third, fourth, stranger, ...crowd]),
    "the list can't be emptied again",
  );
}

function wildcardMask(s: Subject): void {
  const all = { major: aoe.ANY_MAJOR, minor: aoe.ANY_MINOR };
  s.silent(s.mask(mask.EDIT, [[ADD, s.facts.own]], all), "a wildcard mask edit");
  s.expect(s.masks()?.length === 0, "a wildcard mask edit changed the list");
  s.unmask([]);
}

function maskFirst(s: Subject): void {
  const stranger = s.other(1);
  s.prober.answer(s.reserve(reserve.FORCE_SET, [s.facts.own]));
  s.prober.answer(s.mask(mask.EDIT, [[ADD, s.facts.own]]));
  s.silent(s.read(0, 1, { from: stranger, version: 2 }), "the mask list before P7");
  s.silent(s.bare(0x7f, new Uint8Array(0), { from: stranger }), "the mask list before P8");
  s.silent(s.read(0, 1, { from: stranger }), "the mask list before the reservation");
  s.unmask([stranger]);
  s.release();
}

/** A target has been seen to end here. */
function onlyEntry(s: Subject): void {
  s.prober.answer(s.mask(mask.EDIT, [[ADD, s.facts.own]]));
  s.succeeds(s.mask(mask.EDIT, [[DELETE, s.facts.own]]), "an edit that deletes the only entry");
  s.expect(s.masks()?.length === 0, "the list is not empty behind it");
}

function unknownSubcommands(s: Subject): void {
  s.setConfig("kept");
  for (const command of [5, 9, 15]) {
    s.refused(s.config(command, "gone"), aoe.ERROR_ARGUMENT, `CCmd ${command}`);
  }
  s.expect(s.configText() === "kept", "an unknown CCmd changed the string");
  s.setConfig("");
  for (const command of [2, 255]) {
    s.refused(s.mask(command, [[ADD, s.facts.own]]), aoe.ERROR_ARGUMENT, `MCmd ${command}`);
  }
  s.expect(s.masks()?.length === 0, "an unknown MCmd changed the list");
  s.unmask([]);
  for (const command of [3, 255]) {
    s.refused(s.reserve(command, [s.other(1)]), aoe.ERROR_ARGUMENT, `RCmd ${command}`);
  }
  s.expect(s.members()?.length === 0, "an unknown RCmd changed the list");
  s.release();
}

function duplicates(s: Subject): void {
  const { prober } = s;
  const older = new Uint8Array(512).fill(0x11);
  const newer = new Uint8Array(512).fill(0x22);
  const first = s.write(11, older);
  const ends = (asked: typeof first, what: string): void => {
    const answer = s.answered(asked, what);
    if (answer !== null) s.expect(isGood(answer), `${what}: ${tell(answer)}`);
  };
  ends(first, "a write");
  ends(s.write(11, newer), "a later write");
  ends(first, "a late copy of the first write");
  s.holds(11, newer, "a late copy of a write undid a later one");

  const set = s.config(config.SET, "once");
  s.succeeds(set, "a config set");
  s.setConfig("");
  const again = s.answered(set, "a late copy of a config set");
  if (again !== null)
    s.expect(!isError(again.frame), `a late copy of a config set: ${tell(again)}`);
  s.expect(s.configText() === "", "a late copy of a config set was carried out");
  s.setConfig("");

  const reserved = s.reserve(reserve.SET, [s.facts.own]);
  s.succeeds(reserved, "a reserve set");
  s.release();
  s.answered(reserved, "a late copy of a reserve set");
  s.expect(s.members()?.length === 0, "a late copy of a reserve set was carried out");
  s.release();
  prober.wait(prober.patience.silence);
  s.leaves("copies of a request that is still in service");
}

export const CONTROL: readonly Rule[] = [
  { id: "P9", title: "config read, test, prefix, set, force set", test: configCommands },
  { id: "P10", title: "what every config answer carries", test: configAnswers },
  { id: "P11", title: "it announces itself", test: announcement },
  { id: "P12", title: "buffer count ≥ 2, and as many at once", test: bufferCount },
  { id: "P16", title: "reserve and release", test: reservations },
  { id: "P17", title: "MAC mask list", test: maskList, last: true },
  { id: "P33", title: "a wildcard mask edit", test: wildcardMask, last: true },
  { id: "P34", title: "the mask list's place", test: maskFirst, last: true },
  { id: "P17", title: "the only entry", test: onlyEntry, last: true },
  { id: "P28", title: "a late copy is not carried out again", test: duplicates },
  { id: "P29", title: "unknown sub-commands: error 2", test: unknownSubcommands },
];
