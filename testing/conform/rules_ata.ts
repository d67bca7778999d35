// P13–P15, P21–P27: ATA commands.

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { type Frame, isError, toBytes } from "../../wire/frame.ts";
import { SCRATCH } from "./facts.ts";
import { fitting, identityOf } from "./meet.ts";
import type { Answer } from "./prober.ts";
import type { Rule } from "./rule.ts";
import { isGood, type Subject, tell } from "./subject.ts";

const { ERROR_ABRT: ABRT, ERROR_IDNF: IDNF } = ata;

/** Opcodes that no version of ATA gives a meaning; and 0, which always ends with ABRT. */
const UNSUPPORTED = [0x00, 0x0f, 0x55] as const;

/** The MTU that counts is that of the target's own interface, which its answers alone tell. */
function mostSectors(s: Subject): void {
  const { mtu, mostSectors: most, sectors } = s.facts;
  const fits = fitting(mtu);
  if (!s.has("read")) return;
  const count = Math.min(most, sectors);
  const what = `a read of the ${count} sectors that it allows`;
  if (count <= fits) {
    const answer = s.answered(s.read(0, count), what);
    if (answer !== null) s.expect(isGood(answer), `${what}: ${tell(answer)}`);
    if (most < fits)
      s.leaves(`whether its own MTU carries more than ${most} sectors; ours carries ${fits}`);
    return;
  }
  // The answer is too long for us; but what it allows it may not refuse.
  const answer = s.prober.answer(s.read(0, count));
  if (answer === null) {
    s.leaves(`${what}: its answer needs an MTU of ${22 + count * ata.SECTOR}, and ours is ${mtu}`);
  } else
    s.expect(isGood(answer), `${what}, where an MTU of ${mtu} carries ${fits}: ${tell(answer)}`);
}

function identifyCount(s: Subject): void {
  s.succeeds(s.identify(), "IDENTIFY with count 1");
  for (const count of [0, 2, 255]) {
    s.refused(s.identify({}, count), aoe.ERROR_ARGUMENT, `IDENTIFY with count ${count}`);
  }
}

/** What must fail by the disk's own registers: how, and the first sector that is bad, where it names one. */
function* failing(s: Subject): Generator<readonly [string, Frame, number, number | null]> {
  const { sectors, carried } = s.facts;
  const far = 2 ** 47;
  yield ["a read past the end", s.read(sectors, 1), IDNF, sectors];
  if (carried >= 2) yield ["a read across the end", s.read(sectors - 1, 2), IDNF, sectors];
  if (far >= sectors) yield ["a read at 2^47", s.read(far, 1), IDNF, far];
  for (const command of UNSUPPORTED) {
    yield [`ATA command 0x${command.toString(16)}`, s.ata({ command, flags: 0 }), ABRT, null];
  }
}

/** Whether it is answered and fails is P24's, and its registers are; an AoE error in their place is told here alone. */
function ataFailures(s: Subject): void {
  for (const [name, asked] of failing(s)) {
    const answer = s.prober.answer(asked);
    if (answer === null) continue;
    s.expect(!isError(answer.frame) && answer.frame.aoe.error === 0, `${name}: ${tell(answer)}`);
  }
}

function opcodesDecide(s: Subject): void {
  const data = s.place(20);
  if (data === null) return;
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
  const far = 20 + 5 * 2 ** 32;
  same(s.ata({ command: READ, flags: 0, lba: 20, count: 1 }), "READ 0x20");
  same(
    s.ata({ command: READ, flags: 0, lba: 20 + ata.LBA_MODE, count: 1 }),
    "READ 0x20 with device bits in lba3",
  );
  same(
    s.ata({ command: READ, flags: FLAG_EXTENDED, lba: far, count: 1 }),
    "READ 0x20 with the E flag (lba4 and lba5 don't count)",
  );
  same(
    s.ata({ command: READ_EXT, flags: 0, lba: 20, count: 1 }),
    "READ EXT 0x24 without the E flag",
  );
  if (s.facts.sectors <= far) {
    s.fails(
      s.ata({ command: READ_EXT, flags: 0, lba: far, count: 1 }),
      IDNF,
      "READ EXT 0x24 without the E flag, beyond 2^32",
    );
  }
  const written = new Uint8Array(512).fill(0x28);
  const write = s.ata(
    { command: ata.WRITE, flags: ata.FLAG_WRITE, lba: 21 + ata.LBA_MODE, count: 1 },
    {},
    written,
  );
  if (s.good(write, "WRITE 0x30 with device bits in lba3") !== null) {
    s.holds(21, written, "after WRITE 0x30");
  }
}

function dataLengths(s: Subject): void {
  const most = Math.min(s.facts.carried, s.facts.sectors);
  for (const count of new Set([1, Math.min(2, most), most])) {
    const answer = s.answered(s.read(0, count), `a read of ${count}`);
    if (answer === null) continue;
    const behind = answer.bytes.length - ata.LENGTH;
    s.expect(isGood(answer) && behind === count * 512, `a read of ${count}: ${tell(answer)}`);
  }
  const data = new Uint8Array(512 * Math.min(2, most)).fill(0x24);
  const wrote = s.answered(s.write(24, data), "a write");
  if (wrote === null) return;
  if (isAborted(wrote)) {
    s.leaves(`writes: it takes none, as a read-only one would (${tell(wrote)})`);
    return;
  }
  if (!s.expect(isGood(wrote), `a write: ${tell(wrote)}`)) return;
  s.expect(
    wrote.bytes.subarray(ata.LENGTH).every((byte) => byte === 0) && wrote.bytes.length <= 60,
    "a write's answer carries other bytes than zero behind its header",
  );
  if (!s.holds(24, data, "after a write")) return;
  const short = toBytes(s.write(24, new Uint8Array(data.length).fill(0xdd)));
  s.refused(short.subarray(0, short.length - 1), aoe.ERROR_ARGUMENT, "a write with a byte too few");
  s.refused(short.subarray(0, 60), aoe.ERROR_ARGUMENT, "a write with 24 bytes of data");
  s.holds(24, data, "after writes with too few data");
}

function counts(s: Subject): void {
  const { mostSectors: most, sectors } = s.facts;
  if (most < 255) {
    s.refused(s.read(0, most + 1), aoe.ERROR_ARGUMENT, `a read of ${most + 1}`);
    s.refused(s.read(0, 255), aoe.ERROR_ARGUMENT, "a read of 255");
    // What a target that takes it would write must stay within what it may.
    if (most < SCRATCH && s.has("write")) {
      const fields = { command: ata.WRITE_EXT, flags: 0x41, lba: 0, count: most + 1 };
      const what = `a write of ${most + 1}`;
      s.refused(s.ata(fields, {}, new Uint8Array(512)), aoe.ERROR_ARGUMENT, what);
    }
  } else s.leaves("a count beyond 255 does not exist");
  if (s.has("read")) {
    s.good(s.read(0, 0), "a read of 0 sectors");
    s.good(s.read(sectors - 1, 0), "a read of 0 sectors, at the last");
  }
  const before = s.place(0);
  if (before === null) return;
  s.good(s.write(0, new Uint8Array(0)), "a write of 0 sectors");
  s.holds(0, before, "after a write of 0 sectors");
}

function range(s: Subject): void {
  const { sectors } = s.facts;
  if (s.has("read")) {
    const last = s.answered(s.read(sectors - 1, 1), "a read of the last sector");
    if (last !== null) s.expect(isGood(last), `a read of the last sector: ${tell(last)}`);
  }
  for (const [what, asked, reason, bad] of failing(s)) {
    const answer = s.fails(asked, reason, what);
    if (answer?.frame.body.kind !== "ata" || isGood(answer) || bad === null) continue;
    const { lba } = answer.frame.body;
    s.expect(lba === bad, `${what}: names sector ${lba}, not the first bad one, ${bad}`);
  }
  s.leaves("read-only exports and disks that fail");
}

/** Some targets grow by it, and some write what is another's: only where the user says so, and when all else is done. */
function pastTheEnd(s: Subject): void {
  const { sectors, permits } = s.facts;
  if (permits.pastEnd !== true) {
    s.leaves("some targets carry it out: --past-end tries it");
    return;
  }
  if (s.has("write")) {
    s.fails(s.write(sectors, new Uint8Array(512)), IDNF, "a write past the end");
    const after = identityOf(s)?.sectors ?? null;
    if (after !== null) {
      s.expect(
        after === sectors,
        `a write past the end: it has ${after} sectors then, not ${sectors}`,
      );
    }
  }
}

function flushes(s: Subject): void {
  for (const [name, command, flags] of [
    ["FLUSH CACHE 0xE7", ata.FLUSH, 0],
    ["FLUSH CACHE EXT 0xEA", ata.FLUSH_EXT, ata.FLAG_EXTENDED],
  ] as const) {
    s.good(s.ata({ command, flags }), name);
  }
  s.leaves("whether data are safe after a flush can't be seen from outside");
}

/** An ATA command that ended with ABRT. */
function isAborted(answer: Answer): boolean {
  const { body } = answer.frame;
  return (
    !isError(answer.frame) && !isGood(answer) && body.kind === "ata" && (body.feature & ABRT) !== 0
  );
}

function word(sector: DataView, index: number): number {
  return sector.getUint16(2 * index, true);
}

function power(s: Subject): void {
  for (const count of [0, 1, 255]) {
    const what = `CHECK POWER with count ${count}`;
    const answer = s.good(s.ata({ command: ata.CHECK_POWER, flags: 0, count }), what);
    if (answer?.frame.body.kind !== "ata" || !isGood(answer)) continue;
    s.expect(
      answer.frame.body.count === 0xff,
      `${what}: count ${answer.frame.body.count}, not 255`,
    );
  }
}
const LBA48 = 0x0400;

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
  const sector = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const [index, bits, value, name] of WORDS) {
    const is = word(sector, index);
    s.expect(
      (is & bits) === value,
      `word ${index} (${name}) is 0x${is.toString(16).padStart(4, "0")}`,
    );
  }
  // How many sectors there are, the device alone knows: its two figures must agree.
  if ((word(sector, 83) & LBA48) !== 0) {
    const large = sector.getUint32(200, true) + sector.getUint32(204, true) * 2 ** 32;
    const small = sector.getUint32(120, true);
    s.expect(
      small === Math.min(large, 0x0fff_ffff),
      `words 60–61 say ${small} sectors, where words 100–103 say ${large}`,
    );
  }
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
  { id: "P24", title: "a write past the end", test: pastTheEnd, last: 1 },
  { id: "P25", title: "FLUSH CACHE and FLUSH CACHE EXT", test: flushes },
  { id: "P26", title: "CHECK POWER MODE", test: power },
  { id: "P27", title: "IDENTIFY's words", test: identifyWords },
];
