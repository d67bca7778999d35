// The suite against our own target over memory links: it must pass whole, and each of a row of targets that are
// wrong in one way must differ in the rule that forbids it.

import { join } from "node:path";

import { describe, expect, test } from "bun:test";

import { createMemoryPair } from "../../link/memory.ts";
import { createVirtualClock, runVirtual } from "../../link/virtual_clock.ts";
import type { Target } from "../../target/protocol/target.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import { writeMac } from "../../wire/mac.ts";
import { conformCommand } from "./command.ts";
import { createOddTarget } from "./odd_target.ts";
import { ADDRESS, type Odd } from "./odd_ways.ts";
import { Prober } from "./prober.ts";
import { meet } from "./meet.ts";
import { type RuleOutcome, RULES, runSuite } from "./suite.ts";

async function suite(
  mtu: number,
  odd: Odd = {},
  tweak?: (target: Target) => void,
): Promise<RuleOutcome[]> {
  const clock = createVirtualClock();
  const [a, b] = createMemoryPair({ clock, mtu, queueFrames: 4096 });
  const { target } = createOddTarget(b, [odd], false);
  tweak?.(target);
  const pass = (until: number): void => {
    runVirtual([target], clock, () => a.nextDeadline() <= clock.now(), until);
  };
  const prober = new Prober(
    { link: a, now: () => clock.now(), pass },
    ADDRESS,
    { answer: 20e6, silence: 5e6 },
    1,
  );
  const facts = await meet(prober, ADDRESS, 1e9);
  return runSuite(prober, facts);
}

function differing(outcomes: readonly RuleOutcome[]): string[] {
  return outcomes.filter(({ outcome }) => outcome === "differs").map(({ id }) => id);
}

describe("over memory links", () => {
  test("an MTU that carries no sector is refused", async () => {
    await expect(suite(533)).rejects.toThrow(
      "An MTU of 533 carries no sector: the suite needs one of 534",
    );
  });

  for (const mtu of [534, 1500, 9000]) {
    test(`our target passes whole at MTU ${mtu}`, async () => {
      const outcomes = await suite(mtu);
      const told = outcomes.filter(({ outcome }) => outcome !== "passes");
      expect(told.map(({ id, outcome, notTested }) => [id, outcome, notTested])).toEqual([
        ["P6", "not tested", ["a rule for initiators"]],
      ]);
      expect(outcomes.map(({ id }) => id)).toEqual(
        Array.from({ length: 34 }, (_, index) => `P${index + 1}`),
      );
    });
  }

  const isConfig = (view: DataView): boolean => aoe.command(view, 0) === aoe.COMMAND_CONFIG;
  const isAta = (view: DataView): boolean => aoe.command(view, 0) === aoe.COMMAND_ATA;
  const isFlush = (view: DataView): boolean =>
    isAta(view) && [ata.FLUSH, ata.FLUSH_EXT].includes(ata.command(view, 0));
  const rows: readonly (readonly [string, string, NonNullable<Odd["answered"]>])[] = [
    [
      "P1",
      "reserved flags set",
      (view, length) => {
        view.setUint8(aoe.VERSION_FLAGS, view.getUint8(aoe.VERSION_FLAGS) | 1);
        return length;
      },
    ],
    [
      "P5",
      "another source address",
      (view, length) => {
        if (isAta(view)) view.setUint16(aoe.MAJOR, aoe.ANY_MAJOR);
        return length;
      },
    ],
    [
      "P5",
      "answers to somebody else",
      (view, length) => {
        if (isAta(view)) writeMac(view, 0, 0x0200_0000_0099);
        return length;
      },
    ],
    [
      "P7",
      "version errors unmarked",
      (view, length) => {
        if (aoe.error(view, 0) === aoe.ERROR_VERSION) {
          view.setUint8(aoe.VERSION_FLAGS, view.getUint8(aoe.VERSION_FLAGS) & ~aoe.FLAG_ERROR);
        }
        return length;
      },
    ],
    [
      "P10",
      "a config string cut",
      (view, length) => {
        if (isConfig(view) && config.stringLength(view, 0) === 4)
          view.setUint16(config.STRING_LENGTH, 3);
        return length;
      },
    ],
    [
      "P12",
      "a buffer count of 1",
      (view, length) => {
        if (isConfig(view)) view.setUint16(config.BUFFER_COUNT, 1);
        return length;
      },
    ],
    [
      "P13",
      "a sector too many announced",
      (view, length) => {
        if (isConfig(view))
          view.setUint8(config.SECTOR_COUNT, view.getUint8(config.SECTOR_COUNT) + 1);
        return length;
      },
    ],
    [
      "P15",
      "an ATA failure with the error flag",
      (view, length) => {
        if (isAta(view) && (ata.status(view, 0) & ata.STATUS_ERR) !== 0 && !aoe.isError(view, 0)) {
          view.setUint8(aoe.VERSION_FLAGS, view.getUint8(aoe.VERSION_FLAGS) | aoe.FLAG_ERROR);
        }
        return length;
      },
    ],
    [
      "P18",
      "no padding",
      (view, length) =>
        isConfig(view) && length === 60 ? 32 + config.stringLength(view, 0) : length,
    ],
    [
      "P19",
      "the top bit of tags lost",
      (view, length) => {
        view.setUint8(aoe.TAG, view.getUint8(aoe.TAG) & 0x7f);
        return length;
      },
    ],
    ["P22", "a sector too few", (_, length) => (length === 36 + 1024 ? 36 + 512 : length)],
    [
      "P24",
      "a wrong first bad sector",
      (view, length) => {
        if (isAta(view) && ata.status(view, 0) === 0x41) view.setUint8(ata.LBA + 1, 0);
        return length;
      },
    ],
    [
      "P25",
      "FLUSH without a status",
      (view, length, request) => {
        if (isFlush(request.original)) view.setUint8(ata.COMMAND, 0);
        return length;
      },
    ],
    [
      "P26",
      "CHECK POWER says standby",
      (view, length) => {
        if (isAta(view) && ata.count(view, 0) === 0xff && !aoe.isError(view, 0))
          view.setUint8(ata.COUNT, 0);
        return length;
      },
    ],
    [
      "P27",
      "IDENTIFY without a checksum",
      (view, length, { original }) => {
        const identifies = isAta(original) && ata.command(original, 0) === ata.IDENTIFY;
        if (identifies && length === 548) view.setUint8(36 + 510, 0);
        return length;
      },
    ],
    [
      "P31",
      "what was in the buffer before",
      (view, length) => {
        if (!aoe.isError(view, 0) || !isAta(view)) return length;
        view.setUint8(50, 0xdd);
        return length;
      },
    ],
  ];
  for (const [rule, what, answered] of rows) {
    test(`${rule} differs: ${what}`, async () => {
      expect(differing(await suite(1500, { answered }))).toEqual([rule]);
    });
  }

  test("P28 differs where late copies are carried out", async () => {
    const outcomes = await suite(1500, {}, (target) => {
      const [port] = target.ports;
      if (port !== undefined) port.duplicates.find = () => -1;
    });
    expect(differing(outcomes)).toEqual(["P28"]);
  });

  test("an answer that comes twice is seen, whichever rule had asked", async () => {
    let copies = 0;
    const outcomes = await suite(1500, {}, (target) => {
      const [port] = target.ports;
      if (port === undefined) return;
      const { transmit } = port.link;
      port.link.transmit = (buffer, length) => {
        if (isAta(buffer.view) && copies++ % 5 === 0) transmit.call(port.link, buffer, length);
        return transmit.call(port.link, buffer, length);
      };
    });
    expect(differing(outcomes)).toEqual(["P2"]);
    expect(outcomes[1]?.differences.length).toBeGreaterThan(3);
    expect(outcomes[1]?.differences).toContain("an answer came twice (asked for P21)");
  });

  test("a target that dies leaves the rest not tested", async () => {
    let left = 200;
    const outcomes = await suite(1500, {
      answered: (_, length) => (left-- > 0 ? length : 0),
    });
    const dead = outcomes.filter(({ differences }) => differences.includes("it stopped answering"));
    expect(dead).toHaveLength(1);
    const rest = outcomes.filter(({ outcome }) => outcome === "not tested");
    expect(rest.length).toBeGreaterThan(5);
    expect(rest.at(-1)?.notTested[0]).toContain("it stopped answering in the test of P");
  });

  test("docs/conformance.md names every rule and every option", async () => {
    const text = await Bun.file(join(import.meta.dir, "../../docs/conformance.md")).text();
    for (const { long } of conformCommand().options) expect(text).toContain(`\`${long}`);
    for (const { id } of RULES) expect(text).toMatch(new RegExp(`\\| ${id} +\\|`));
  });
});
