// P14–P16, P21–P27: what ATA commands do, and bugs of peers in them.

import { describe, expect, test } from "bun:test";

import { EIO, ENOSPC } from "../../sys/errno.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { isError, type Frame } from "../../wire/frame.ts";
import * as identify from "../../wire/identify.ts";
import * as reserve from "../../wire/reserve.ts";
import {
  ataFrame,
  ataOf,
  createProbe,
  OTHER,
  OURS,
  PEER,
  pattern,
  readFrame,
  reserveFrame,
  SECTORS,
  writeFrame,
} from "../../testing/doubles/probe.ts";
import { createFaultyStore } from "../stores/faulty.ts";
import { createMemoryStore } from "../stores/memory.ts";

const FAILED = ata.STATUS_ERR | ata.STATUS_DRDY;

/** The data behind an answer's headers. */
function data(answer: Frame): Uint8Array {
  return answer.rest;
}

function identifyFrame(count = 1): Frame {
  return ataFrame({ command: ata.IDENTIFY, count, flags: 0 });
}

describe("IDENTIFY", () => {
  test("P14: IDENTIFY has count 1, and any other is error 2", () => {
    const probe = createProbe();
    expect(ataOf(probe.answer(identifyFrame(1))).command).toBe(ata.STATUS_DRDY);
    for (const count of [0, 2, 255]) {
      expect(probe.answer(identifyFrame(count)).aoe.error).toBe(aoe.ERROR_ARGUMENT);
    }
  });

  test("P27: IDENTIFY says what the export is", () => {
    const probe = createProbe();
    const answer = probe.answer(identifyFrame());
    expect(data(answer)).toHaveLength(identify.LENGTH);
    const view = new DataView(data(answer).buffer, data(answer).byteOffset);
    expect(identify.checksum(view, 0)).toBe("valid");
    expect(identify.parse(view, 0)).toMatchObject({
      sectors: SECTORS,
      serial: "AOE-7.3",
      smart: true,
      // Memory is as durable when written as it will ever be.
      writeCache: false,
      rpm: 0,
      instance: 0,
    });
  });

  const hdparm = Bun.which("hdparm", { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` });
  test.skipIf(hdparm === null)(
    `P27: hdparm --Istdin prints what IDENTIFY means${hdparm === null ? " (skipped: no hdparm)" : ""}`,
    async () => {
      const store = { ...createMemoryStore(SECTORS), synchronous: false, sectors: 2 ** 33 };
      const probe = createProbe({ exported: { store } });
      const answer = probe.answer(identifyFrame());
      const sector = new DataView(data(answer).buffer, data(answer).byteOffset);
      const child = Bun.spawn([hdparm as string, "--Istdin"], {
        stdin: new Blob([identify.toHdparm(sector, 0)]),
        stdout: "pipe",
        stderr: "pipe",
      });
      const text = await new Response(child.stdout).text();
      expect(await child.exited).toBe(0);
      expect(text).toMatch(/Model Number:\s+AoE software target/);
      expect(text).toMatch(/Serial Number:\s+AOE-7\.3/);
      expect(text).toMatch(/LBA48\s+user addressable sectors:\s*8589934592/);
      expect(text).toMatch(/\*\s+Write cache/);
      expect(text).toMatch(/\*\s+48-bit Address feature set/);
      expect(text).toMatch(/\*\s+Mandatory FLUSH_CACHE/);
      expect(text).toMatch(/\*\s+FLUSH_CACHE_EXT/);
      expect(text).toMatch(/\*\s+SMART feature set/);
      expect(text).toMatch(/Checksum: correct/);
    },
  );
});

describe("reading and writing", () => {
  test("P15: a failure of the disk is an AoE success with ERR in the ATA status", () => {
    const probe = createProbe();
    const answer = probe.answer(readFrame(SECTORS, 1));
    expect(isError(answer)).toBe(false);
    expect(answer.aoe.error).toBe(0);
    expect(ataOf(answer).command).toBe(FAILED);
    expect(ataOf(answer).feature).toBe(ata.ERROR_IDNF);
  });

  test("P16: others' ATA commands get error 6 while the list holds somebody else, IDENTIFY excepted", () => {
    const probe = createProbe();
    probe.answer(reserveFrame(reserve.SET, [OTHER], { from: OTHER }));
    for (const request of [
      readFrame(0, 1),
      writeFrame(0, pattern(1, 1)),
      ataFrame({ command: ata.FLUSH }),
      ataFrame({ command: ata.CHECK_POWER }),
      ataFrame({ command: 0x99 }),
    ]) {
      const answer = probe.answer(request);
      expect(answer.aoe.error).toBe(aoe.ERROR_RESERVED);
      expect(isError(answer)).toBe(true);
    }
    expect(probe.answer(identifyFrame()).aoe.error).toBe(0);
    expect(probe.answer(readFrame(0, 1, { from: OTHER })).aoe.error).toBe(0);
    expect(probe.store.bytes[0]).toBe(0);
  });

  test("P21: the opcode decides between LBA28 and LBA48, whatever the E flag says", () => {
    const probe = createProbe();
    probe.store.bytes.set(pattern(1, 3), 5 * 512);
    const far = 5 + 2 ** 28 * 3;
    for (const flags of [0, ata.FLAG_EXTENDED]) {
      // LBA28: bits from 28 on are the device's. Linux sends 0xA0 there.
      const low = probe.answer(
        ataFrame({ command: ata.READ, flags, lba: 5 + 0xa000_0000, count: 1 }),
      );
      expect(data(low)).toEqual(pattern(1, 3));
      expect(
        ataOf(probe.answer(ataFrame({ command: ata.READ, flags, lba: far, count: 1 }))).command,
      ).toBe(ata.STATUS_DRDY);
      const high = probe.answer(ataFrame({ command: ata.READ_EXT, flags, lba: far, count: 1 }));
      expect(ataOf(high)).toMatchObject({ command: FAILED, feature: ata.ERROR_IDNF, lba: far });
    }
    const largest = ataFrame({ lba: 2 ** 48 - 1, count: 1 });
    expect(ataOf(probe.answer(largest))).toMatchObject({ command: FAILED, lba: 2 ** 48 - 1 });
  });

  test("P22: a write brings its data or is error 2, and its answer has none; a read's has exactly its own", () => {
    const probe = createProbe();
    const short = ataFrame({ command: ata.WRITE_EXT, count: 2 }, {}, new Uint8Array(1023).fill(1));
    expect(probe.answer(short).aoe.error).toBe(aoe.ERROR_ARGUMENT);
    expect(probe.store.bytes.every((byte) => byte === 0)).toBe(true);
    const written = probe.answer(writeFrame(4, pattern(2, 7)));
    expect(ataOf(written).command).toBe(ata.STATUS_DRDY);
    expect(written.rest.every((byte) => byte === 0)).toBe(true);
    expect(written.rest).toHaveLength(24);
    for (const count of [1, 2]) {
      expect(data(probe.answer(readFrame(4, count)))).toEqual(pattern(2, 7).slice(0, count * 512));
    }
  });

  test("P23: more sectors than advertised are error 2, never a truncated answer; none are a success", () => {
    for (const [mtu, most] of [
      [534, 1],
      [1500, 2],
      [9000, 17],
    ] as const) {
      const probe = createProbe({ mtu });
      expect(data(probe.answer(readFrame(0, most)))).toHaveLength(most * 512);
      for (const count of [most + 1, 255]) {
        const answer = probe.answer(readFrame(0, count));
        expect(answer.aoe.error).toBe(aoe.ERROR_ARGUMENT);
        expect(answer.rest).toHaveLength(24);
      }
      for (const lba of [0, SECTORS, 2 ** 40]) {
        expect(ataOf(probe.answer(readFrame(lba, 0))).command).toBe(ata.STATUS_DRDY);
        expect(ataOf(probe.answer(writeFrame(lba, new Uint8Array(0)))).command).toBe(
          ata.STATUS_DRDY,
        );
      }
    }
  });

  test("P23: buffers made at a small MTU are replaced when it grows", () => {
    const probe = createProbe();
    probe.store.bytes.set(pattern(17, 4));
    for (let tag = 0; tag < 20; tag++) probe.send(readFrame(0, 2, { tag }));
    expect(probe.run(0)).toHaveLength(20);
    probe.network.setMtu(9000);
    probe.run(10e6);
    for (let tag = 0; tag < 20; tag++) probe.send(readFrame(0, 17, { tag }));
    const answers = probe.run(0);
    expect(answers).toHaveLength(20);
    for (const answer of answers) expect(data(answer)).toEqual(pattern(17, 4));
    probe.network.setMtu(1500);
    probe.run(10e6);
    expect(probe.answer(readFrame(0, 17)).aoe.error).toBe(aoe.ERROR_ARGUMENT);
    expect(data(probe.answer(readFrame(0, 2)))).toEqual(pattern(17, 4).slice(0, 1024));
  });

  test("P24: past the end is IDNF with the first sector that is not there", () => {
    const probe = createProbe();
    for (const [lba, count, bad] of [
      [SECTORS - 1, 2, SECTORS],
      [SECTORS, 1, SECTORS],
      [SECTORS + 5, 2, SECTORS + 5],
    ] as const) {
      for (const request of [readFrame(lba, count), writeFrame(lba, pattern(count, 1))]) {
        expect(ataOf(probe.answer(request))).toMatchObject({
          command: FAILED,
          feature: ata.ERROR_IDNF,
          lba: bad,
        });
      }
    }
    expect(probe.store.bytes.every((byte) => byte === 0)).toBe(true);
    expect(ataOf(probe.answer(readFrame(SECTORS - 1, 1))).command).toBe(ata.STATUS_DRDY);
  });

  test("P24: a write to a read-only export and an unsupported command are ABRT", () => {
    const store = createMemoryStore(SECTORS, false);
    const probe = createProbe({ exported: { store } });
    expect(ataOf(probe.answer(writeFrame(9, pattern(1, 1))))).toMatchObject({
      command: FAILED,
      feature: ata.ERROR_ABRT,
      lba: 9,
    });
    expect(store.bytes.every((byte) => byte === 0)).toBe(true);
    for (const command of [0x00, 0x25, 0x35, 0xa1, 0xc8, 0xef, 0xff]) {
      expect(ataOf(probe.answer(ataFrame({ command })))).toMatchObject({
        command: FAILED,
        feature: ata.ERROR_ABRT,
      });
    }
  });

  test("P24: a read that fails is UNC, a write that fails ABRT, with the first bad sector", () => {
    const told: string[] = [];
    const store = createFaultyStore(createMemoryStore(SECTORS), {
      badSectors: [11],
      writeErrno: (lba) => (lba === 20 ? ENOSPC : 0),
    });
    const probe = createProbe({
      exported: { store },
      target: { onStoreError: (_owner, errno, operation) => told.push(`${operation} ${errno}`) },
    });
    for (let again = 0; again < 2; again++) {
      expect(ataOf(probe.answer(readFrame(10, 2)))).toMatchObject({
        command: FAILED,
        feature: ata.ERROR_UNC,
        lba: 11,
      });
    }
    expect(ataOf(probe.answer(readFrame(9, 2))).command).toBe(ata.STATUS_DRDY);
    expect(ataOf(probe.answer(writeFrame(20, pattern(1, 1))))).toMatchObject({
      command: FAILED,
      feature: ata.ERROR_ABRT,
      lba: 20,
    });
    // Each cause once.
    expect(told).toEqual([`read ${EIO}`, `write ${ENOSPC}`]);
    expect(probe.owner.counters.storeErrors).toBe(3);
  });

  test.each([ata.FLUSH, ata.FLUSH_EXT])(
    "P25: FLUSH (0x%s) really flushes before its answer",
    (command) => {
      let flushed = 0;
      const inner = createMemoryStore(SECTORS);
      const store = {
        ...inner,
        synchronous: false,
        flush(token: number) {
          flushed++;
          return inner.flush(token);
        },
      };
      const probe = createProbe({ exported: { store } });
      const answer = ataOf(probe.answer(ataFrame({ command, count: 0 })));
      expect(answer.command).toBe(ata.STATUS_DRDY);
      expect(flushed).toBe(1);
    },
  );

  test.each(["at once", "delayed", "as its cache allows"])(
    "P25: after a flush that failed the export fails writes and flushes, and still reads (%s)",
    (when) => {
      const flaws = { flushErrno: () => EIO };
      const inner = createMemoryStore(SECTORS);
      const store = createFaultyStore(inner, flaws);
      const probe = createProbe({
        exported: {
          store:
            when === "as its cache allows"
              ? {
                  ...store,
                  asynchronous: true,
                  writeNow: (lba, sectors, memory, at) => inner.write(lba, sectors, memory, at, 0),
                }
              : store,
        },
        ...(when === "delayed" ? { service: "delay:1ms" } : {}),
      });
      const answer = (request: Frame): Frame => {
        probe.send(request);
        const [frame] = probe.run(1e6);
        if (frame === undefined) throw new Error("no answer");
        return frame;
      };
      expect(ataOf(answer(ataFrame({ command: ata.FLUSH_EXT })))).toMatchObject({
        command: FAILED,
        feature: ata.ERROR_ABRT,
      });
      flaws.flushErrno = () => 0;
      for (const request of [
        ataFrame({ command: ata.FLUSH }),
        ataFrame({ command: ata.FLUSH_EXT }),
        writeFrame(0, pattern(1, 1)),
      ]) {
        expect(ataOf(answer(request))).toMatchObject({
          command: FAILED,
          feature: ata.ERROR_ABRT,
        });
      }
      expect(ataOf(answer(readFrame(0, 1))).command).toBe(ata.STATUS_DRDY);
      expect(inner.bytes.every((byte) => byte === 0)).toBe(true);
      probe.owner.failed = false;
      expect(ataOf(answer(ataFrame({ command: ata.FLUSH }))).command).toBe(ata.STATUS_DRDY);
    },
  );

  test("P26: CHECK POWER says active, whatever the request's count", () => {
    const probe = createProbe();
    for (const count of [0, 1, 2, 255]) {
      expect(ataOf(probe.answer(ataFrame({ command: ata.CHECK_POWER, count })))).toMatchObject({
        command: ata.STATUS_DRDY,
        count: 0xff,
      });
    }
  });

  test("SMART RETURN STATUS says healthy, and what else SMART has is ABRT", () => {
    const probe = createProbe();
    const smart = (feature: number, lba = 0xc2_4f00): Frame =>
      ataFrame({ command: ata.SMART, feature, lba, flags: 0 });
    expect(ataOf(probe.answer(smart(0xda)))).toMatchObject({ command: 0x40, lba: 0xc2_4f00 });
    expect(ataOf(probe.answer(smart(0xd8))).command).toBe(0x40);
    expect(ataOf(probe.answer(smart(0xd0))).command).toBe(FAILED);
    expect(ataOf(probe.answer(smart(0xda, 0))).command).toBe(FAILED);
  });
});

describe("bugs of peers", () => {
  test("peer bug 4 (vblade): CHECK POWER with a count is answered", () => {
    const probe = createProbe();
    expect(probe.ask(ataFrame({ command: ata.CHECK_POWER, count: 1 }))).toHaveLength(1);
  });

  test("peer bug 6 (vblade): a burst of a whole buffer count of jumbo writes is answered whole", () => {
    const probe = createProbe({ mtu: 9000 });
    for (let tag = 0; tag < 64; tag++)
      probe.send(
        writeFrame(tag * 17 < 900 ? tag : 0, pattern(17, tag), { tag, to: OURS, from: PEER }),
      );
    expect(probe.run(0)).toHaveLength(64);
  });

  test("peer bugs 7 and 10 (ggaoed, kvblade): FLUSH's status is DRDY, not its opcode, and it flushes", () => {
    let flushed = 0;
    const inner = createMemoryStore(SECTORS);
    const store = {
      ...inner,
      flush(token: number) {
        flushed++;
        return inner.flush(token);
      },
    };
    const probe = createProbe({ exported: { store } });
    for (const command of [ata.FLUSH, ata.FLUSH_EXT]) {
      expect(ataOf(probe.answer(ataFrame({ command }))).command).toBe(0x40);
    }
    expect(flushed).toBe(2);
  });
});
