// P13–P15, P21–P27: ATA commands.

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { isError, toBytes } from "../../wire/frame.ts";
import type { Rule } from "./rule.ts";
import { isGood, type Subject, tell } from "./subject.ts";

const { STATUS_DRDY: GOOD, ERROR_ABRT: ABRT, ERROR_IDNF: IDNF } = ata;
const FAILED = ata.STATUS_ERR | ata.STATUS_DRDY;

function mostSectors(s: Subject): void {
  const { mtu, mostSectors: most, sectors } = s.facts;
  const fits = Math.min(255, Math.floor((mtu - (ata.LENGTH - 14)) / ata.SECTOR));
  s.expect(most === fits, `${most} sectors a command, where an MTU of ${mtu} carries ${fits}`);
  const count = Math.min(most, sectors);
  s.data(0, count, `a read of all ${count} sectors that it allows`);
}

function identifyCount(s: Subject): void {
  s.succeeds(s.identify(), "IDENTIFY with count 1");
  for (const count of [0, 2, 255]) {
    s.refused(s.identify({}, count), aoe.ERROR_ARGUMENT, `IDENTIFY with count ${count}`);
  }
}

function ataFailures(s: Subject): void {
  for (const [name, asked] of [
    ["a read past the end", s.read(s.facts.sectors, 1)],
    ["an unsupported ATA command", s.ata({ command: 0x99, flags: 0 })],
  ] as const) {
    const answer = s.answered(asked, name);
    if (answer === null) continue;
    const { body, aoe: header } = answer.frame;
    s.expect(!isError(answer.frame) && header.error === 0, `${name}: ${tell(answer)}`);
    if (!isError(answer.frame) && body.kind === "ata") {
      s.expect((body.command & ata.STATUS_ERR) !== 0, `${name}: ERR is not set`);
      s.expect(body.feature !== 0, `${name}: no reason in the error register`);
    }
  }
}

function opcodesDecide(s: Subject): void {
  const data = s.place(20);
  const same = (asked: Parameters<Subject["answered"]>[0], what: string): void => {
    const answer = s.answered(asked, what);
    if (answer === null) return;
    const found = answer.bytes.subarray(ata.LENGTH, ata.LENGTH + ata.SECTOR);
    s.expect(
      isGood(answer) && Buffer.from(found).equals(data),
      `${what}: ${isGood(answer) ? "other data" : tell(answer)}`,
    );
  };
  const { READ, READ_EXT, FLAG_EXTENDED } = ata;
  same(s.ata({ command: READ, flags: 0, lba: 20, count: 1 }), "READ 0x20");
  same(
    s.ata({ command: READ, flags: 0, lba: 20 + 0xe000_0000, count: 1 }),
    "READ 0x20 with device bits in lba3",
  );
  same(
    s.ata({ command: READ, flags: FLAG_EXTENDED, lba: 20 + 5 * 2 ** 32, count: 1 }),
    "READ 0x20 with the E flag (lba4 and lba5 don't count)",
  );
  same(
    s.ata({ command: READ_EXT, flags: 0, lba: 20, count: 1 }),
    "READ EXT 0x24 without the E flag",
  );
  s.ends(
    s.ata({ command: READ_EXT, flags: 0, lba: 20 + 5 * 2 ** 32, count: 1 }),
    FAILED,
    IDNF,
    "READ EXT 0x24 without the E flag, beyond 2^32",
  );
  const written = new Uint8Array(512).fill(0x28);
  s.ends(
    s.ata(
      { command: ata.WRITE, flags: ata.FLAG_WRITE, lba: 21 + 0xe000_0000, count: 1 },
      {},
      written,
    ),
    GOOD,
    0,
    "WRITE 0x30 with device bits in lba3",
  );
  s.holds(21, written, "after WRITE 0x30");
}

function dataLengths(s: Subject): void {
  const most = Math.min(s.facts.mostSectors, s.facts.sectors);
  for (const count of new Set([1, Math.min(2, most), most])) {
    const answer = s.answered(s.read(0, count), `a read of ${count}`);
    if (answer === null) continue;
    const behind = answer.bytes.length - ata.LENGTH;
    s.expect(isGood(answer) && behind === count * 512, `a read of ${count}: ${tell(answer)}`);
  }
  const before = s.place(24, Math.min(2, most));
  const wrote = s.answered(s.write(24, before), "a write");
  if (wrote !== null) {
    s.expect(isGood(wrote), `a write: ${tell(wrote)}`);
    s.expect(
      wrote.bytes.subarray(ata.LENGTH).every((byte) => byte === 0) && wrote.bytes.length <= 60,
      "a write's answer carries other bytes than zero behind its header",
    );
  }
  const short = toBytes(s.write(24, new Uint8Array(before.length).fill(0xdd)));
  s.refused(short.subarray(0, short.length - 1), aoe.ERROR_ARGUMENT, "a write with a byte too few");
  s.refused(short.subarray(0, 60), aoe.ERROR_ARGUMENT, "a write with 24 bytes of data");
  s.holds(24, before, "after writes with too few data");
}

function counts(s: Subject): void {
  const { mostSectors: most, sectors } = s.facts;
  if (most < 255) {
    s.refused(s.read(0, most + 1), aoe.ERROR_ARGUMENT, `a read of ${most + 1}`);
    s.refused(s.read(0, 255), aoe.ERROR_ARGUMENT, "a read of 255");
    s.refused(
      s.ata(
        { command: ata.WRITE_EXT, flags: 0x41, lba: 0, count: most + 1 },
        {},
        new Uint8Array(512),
      ),
      aoe.ERROR_ARGUMENT,
      `a write of ${most + 1}`,
    );
  } else s.leaves("a count beyond 255 does not exist");
  const before = s.data(0, 1);
  s.ends(s.read(0, 0), GOOD, 0, "a read of 0 sectors");
  s.ends(s.write(0, new Uint8Array(0)), GOOD, 0, "a write of 0 sectors");
  s.ends(s.read(sectors - 1, 0), GOOD, 0, "a read of 0 sectors, at the last");
  if (before !== null) s.holds(0, before, "after a write of 0 sectors");
}

function range(s: Subject): void {
  const { sectors, mostSectors: most } = s.facts;
  s.data(sectors - 1, 1, "a read of the last sector");
  const past = s.ends(s.read(sectors, 1), FAILED, IDNF, "a read past the end");
  const named = (answer: typeof past, lba: number, what: string): void => {
    if (answer?.frame.body.kind !== "ata" || isError(answer.frame)) return;
    const { lba: said } = answer.frame.body;
    s.expect(said === lba, `${what}: names sector ${said}, not the first bad one, ${lba}`);
  };
  named(past, sectors, "a read past the end");
  if (most >= 2) {
    const across = s.ends(s.read(sectors - 1, 2), FAILED, IDNF, "a read across the end");
    named(across, sectors, "a read across the end");
  }
  const far = 2 ** 47;
  named(s.ends(s.read(far, 1), FAILED, IDNF, "a read at 2^47"), far, "a read at 2^47");
  s.ends(s.write(sectors, new Uint8Array(512)), FAILED, IDNF, "a write past the end");
  for (const command of [0x99, 0x00, 0xc8]) {
    s.ends(s.ata({ command, flags: 0 }), FAILED, ABRT, `ATA command 0x${command.toString(16)}`);
  }
  s.leaves("read-only exports and disks that fail");
}

function flushes(s: Subject): void {
  for (const [name, command, flags] of [
    ["FLUSH CACHE 0xE7", ata.FLUSH, 0],
    ["FLUSH CACHE EXT 0xEA", ata.FLUSH_EXT, ata.FLAG_EXTENDED],
  ] as const) {
    s.ends(s.ata({ command, flags }), GOOD, 0, name);
  }
  s.leaves("whether data are safe after a flush can't be seen from outside");
}

function power(s: Subject): void {
  for (const count of [0, 1, 255]) {
    const what = `CHECK POWER with count ${count}`;
    const answer = s.ends(s.ata({ command: ata.CHECK_POWER, flags: 0, count }), GOOD, 0, what);
    if (answer?.frame.body.kind !== "ata") continue;
    s.expect(
      answer.frame.body.count === 0xff,
      `${what}: count ${answer.frame.body.count}, not 255`,
    );
  }
}

/** Words that P27 gives, as [word, bits that count, their value, what they are]. */
const WORDS: readonly (readonly [number, number, number, string])[] = [
  [0, 0xffff, 0x0040, "general configuration"],
  [49, 0x0200, 0x0200, "LBA"],
  [53, 0x0007, 0x0007, "validity of words 54–58, 64–70, 88"],
  [83, 0xf400, 0x7400, "LBA48, FLUSH, FLUSH EXT"],
  [84, 0xc000, 0x4000, "validity of word 84"],
  [86, 0x3400, 0x3400, "LBA48, FLUSH, FLUSH EXT enabled"],
  [87, 0xc000, 0x4000, "validity of word 87"],
  [93, 0xffff, 0x400b, "reset result"],
  [106, 0xc000, 0x4000, "validity of word 106"],
];

function identifyWords(s: Subject): void {
  const answer = s.succeeds(s.identify(), "IDENTIFY");
  if (answer === null) return;
  const bytes = answer.bytes.subarray(ata.LENGTH, ata.LENGTH + ata.SECTOR);
  if (!s.expect(bytes.length === ata.SECTOR, `IDENTIFY has ${bytes.length} bytes of data`)) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const word = (index: number): number => view.getUint16(2 * index, true);
  for (const [index, bits, value, name] of WORDS) {
    s.expect(
      (word(index) & bits) === value,
      `word ${index} (${name}) is 0x${word(index).toString(16).padStart(4, "0")}`,
    );
  }
  const { sectors } = s.facts;
  const small = view.getUint32(120, true);
  s.expect(small === Math.min(sectors, 0x0fff_ffff), `words 60–61 say ${small} sectors`);
  const large = view.getUint32(200, true) + view.getUint32(204, true) * 2 ** 32;
  s.expect(large === sectors, `words 100–103 say ${large} sectors`);
  for (const [from, to, name] of [
    [10, 20, "serial number"],
    [23, 27, "firmware"],
    [27, 47, "model"],
  ] as const) {
    const text = bytes.subarray(2 * from, 2 * to);
    const holds = text.every((byte) => byte >= 0x20 && byte < 0x7f);
    s.expect(holds, `words ${from}–${to - 1} (${name}) are not text padded with spaces`);
  }
  const sum = bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
  s.expect(bytes[510] === 0xa5 && sum === 0, "word 255 has no signature and checksum");
}

export const ATA: readonly Rule[] = [
  { id: "P13", title: "most sectors for the MTU", test: mostSectors },
  { id: "P14", title: "IDENTIFY has count 1", test: identifyCount },
  { id: "P15", title: "a disk's failure is no AoE error", test: ataFailures },
  { id: "P21", title: "the opcode decides between LBA28 and LBA48", test: opcodesDecide },
  { id: "P22", title: "data of writes and reads", test: dataLengths },
  { id: "P23", title: "counts beyond the most, and 0", test: counts },
  { id: "P24", title: "past the end, unsupported commands", test: range },
  { id: "P25", title: "FLUSH CACHE and FLUSH CACHE EXT", test: flushes },
  { id: "P26", title: "CHECK POWER MODE", test: power },
  { id: "P27", title: "IDENTIFY's words", test: identifyWords },
];
