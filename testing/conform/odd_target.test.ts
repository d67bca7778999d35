// What the suite says of targets with one deviation from a rule and one oddity that no rule forbids: the deviation
// alone. And what it does to a neighbour that obeys wildcards: nothing, unless told.

import { describe, expect, test } from "bun:test";

import { parseFaults } from "../../link/fault_plan.ts";
import { createFaults } from "../../link/faults.ts";
import type { Link, TxBuffer } from "../../link/link.ts";
import { createMemoryPair, createMemorySwitch, type MemoryControl } from "../../link/memory.ts";
import { createVirtualClock, runVirtual, type VirtualClock } from "../../link/virtual_clock.ts";
import type { Export } from "../../target/protocol/export.ts";
import { parseServiceModel } from "../../target/service/model.ts";
import * as aoe from "../../wire/aoe.ts";
import * as config from "../../wire/config.ts";
import { configFrame } from "../doubles/probe.ts";
import { toBytes } from "../../wire/frame.ts";
import { createRandom } from "../../words/random.ts";
import type { Permits } from "./facts.ts";
import { meet } from "./meet.ts";
import { createOddTarget, neighbourState } from "./odd_target.ts";
import { ADDRESS, DEVIATIONS, type Made, type Odd, ODDITIES, TARGETS } from "./odd_ways.ts";
import { formatOutcome, formatTable } from "./report.ts";
import { Prober } from "./prober.ts";
import { type RuleOutcome, runSuite } from "./suite.ts";

interface Options {
  readonly permits?: Permits;
  readonly neighbour?: boolean;
  readonly pads?: boolean;
  /** Before the suite asks anything. */
  readonly before?: (made: Made, link: Link) => unknown;
  /** Once the suite has met it. */
  readonly met?: (made: Made, cable: MemoryControl) => void;
  readonly wrap?: (link: Link, clock: VirtualClock) => Link;
}

async function tried(
  odd: readonly Odd[],
  {
    permits = { pastEnd: true },
    neighbour = true,
    pads = false,
    before,
    met,
    wrap = (link) => link,
  }: Options = {},
): Promise<{ outcomes: RuleOutcome[]; made: Made; untouched: string }> {
  const clock = createVirtualClock();
  const [a, b, cable] = createMemoryPair({ clock, mtu: 1500, queueFrames: 4096 });
  const made = createOddTarget(wrap(b, clock), odd, neighbour);
  const untouched = neighbourState(made);
  before?.(made, b);
  const pass = (until: number): void => {
    runVirtual([made.target], clock, () => a.nextDeadline() <= clock.now(), until);
  };
  const air = { link: a, pads, now: () => clock.now(), pass };
  const prober = new Prober(air, ADDRESS, { answer: 20e6, silence: 5e6 }, 0x0100_0000);
  const facts = await meet(prober, ADDRESS, 1e9, permits);
  met?.(made, cable);
  return { outcomes: await runSuite(prober, facts), made, untouched };
}

/** What the target announces is lost. */
const quiet = (link: Link): Link =>
  new Proxy(link, {
    get(of, name): unknown {
      if (name === "transmit") {
        return (buffer: TxBuffer, length: number): boolean =>
          aoe.tag(buffer.view, 0) === 0 || of.transmit(buffer, length);
      }
      const value: unknown = Reflect.get(of, name);
      return typeof value === "function" ? value.bind(of) : value;
    },
  });

const slow = (delay: string) => (link: Link, clock: VirtualClock) =>
  createFaults(link, parseFaults(`tx:delay:fixed/${delay}`, "--faults"), {
    clock,
    random: createRandom(1),
    slots: 4096,
  });

function differing(outcomes: readonly RuleOutcome[]): string[] {
  return outcomes.filter(({ outcome }) => outcome === "differs").map(({ id }) => id);
}

describe("one deviation, one oddity: the deviation alone is told", () => {
  for (const [deviation, oddity] of TARGETS) {
    test(`${deviation}; ${oddity}`, async () => {
      const neighbour = !deviation.startsWith("P33");
      const { outcomes, made, untouched } = await tried([ODDITIES[oddity], DEVIATIONS[deviation]], {
        neighbour,
      });
      const differ = outcomes.filter(({ outcome }) => outcome === "differs");
      expect(differ.map(({ id, differences }) => [id, differences.length > 0])).toEqual([
        [deviation.split(" ")[0] as string, true],
      ]);
      expect(neighbourState(made)).toBe(untouched);
    });
  }
});

const told = (outcomes: readonly RuleOutcome[], id: string): readonly string[] =>
  outcomes.find((each) => each.id === id)?.differences ?? [];

describe("deviations alone", () => {
  test("what comes after silence is told, however late", async () => {
    const odd = [DEVIATIONS["P3 it answers responses"]];
    const { outcomes } = await tried(odd, { wrap: slow("12ms") });
    expect(differing(outcomes)).toEqual(["P3"]);
    expect(told(outcomes, "P3")[0]).toEndWith(", late");
  });

  test("a list that has one host too many", async () => {
    const { outcomes } = await tried([DEVIATIONS["P17 a host of its own is on each list"]]);
    expect(told(outcomes, "P17")).toContain("after adding two: it lists 3 entries, not 2");
  });

  test("writes that are answered and not kept: what stands on them is not judged", async () => {
    for (const name of [
      "P22 it forgets what is written behind sector 15",
      "P22 its writes end with a device fault",
    ] as const) {
      const { outcomes } = await tried([DEVIATIONS[name]], { permits: {} });
      expect([name, differing(outcomes)]).toEqual([name, ["P22"]]);
    }
  });
});

describe("no deviation: nothing is told", () => {
  for (const [name, oddity] of Object.entries(ODDITIES)) {
    test(name, async () => {
      const { outcomes } = await tried([oddity]);
      expect(
        outcomes.flatMap(({ id, differences }) => differences.map((each) => [id, each])),
      ).toEqual([]);
    });
  }

  test("answers that need more time than an answer is given", async () => {
    const { outcomes } = await tried([], { wrap: slow("25ms") });
    expect(differing(outcomes)).toEqual([]);
  });
  test("commands that need more time than two tries are given are not missed either", async () => {
    const random = createRandom(1);
    const { outcomes } = await tried([], {
      met({ target }) {
        const model = parseServiceModel("delay:fixed/70ms", { what: "", random, sectors: 4096 });
        target.setModel(target.exports[0] as Export, model);
      },
    });
    expect(differing(outcomes)).toEqual([]);
    expect(outcomes.flatMap(({ notTested }) => notTested).join()).toContain(
      "say a longer --answer",
    );
  });
  test("a network that loses one frame in fifty", async () => {
    const { outcomes } = await tried([], {
      wrap: (link, clock) =>
        createFaults(link, parseFaults("tx:drop:2%", "--faults"), {
          clock,
          random: createRandom(7),
        }),
    });
    expect(differing(outcomes)).toEqual([]);
  });
});

test("a target whose other interface has a smaller MTU keeps shorter lists and strings", async () => {
  const { outcomes } = await tried([], {
    met({ target }) {
      const [, small] = createMemoryPair({ clock: createVirtualClock(), mtu: 600 });
      target.addPort(small, "small");
    },
  });
  expect(differing(outcomes)).toEqual([]);
  const left = outcomes.flatMap(({ notTested }) => notTested).join("\n");
  expect(left).toContain("a list of 185: it is full with 73");
  expect(left).toContain("a string of 1024 bytes is refused, as a smaller MTU of its own");
});

test("the config string is put back byte for byte", async () => {
  const string = Uint8Array.from([0xff, 0x00, 0xfe, 0x41]);
  const { made } = await tried([], {
    before: ({ target }) =>
      target.exports[0]?.change({ config: string, masks: [], reservation: [] }),
  });
  expect(made.target.exports[0]?.state.config).toEqual(string);
});

test("an answer to somebody else is no announcement", async () => {
  const { outcomes } = await tried([], {
    // Before the suite asks anything, to a host of another address.
    before: (_, link) => {
      const frame = configFrame(0, "", {
        to: 0x0200_0000_0e0e,
        from: link.mac,
        ...ADDRESS,
        flags: 8,
      });
      const bytes = toBytes({ ...frame, aoe: { ...frame.aoe, tag: 7, version: 0 } });
      const buffer = link.allocate(bytes.length);
      buffer?.bytes.set(bytes);
      if (buffer !== null) link.transmit(buffer, bytes.length);
    },
    wrap: quiet,
  });
  expect(outcomes.find(({ id }) => id === "P11")?.outcome).toBe("not tested");
  expect(differing(outcomes)).toEqual([]);
});

test("a frame that does not leave our interface ends the suite", async () => {
  const down = tried([], { met: (_, cable) => cable.down(0) });
  await expect(down).rejects.toThrow("A frame did not leave the interface");
});

describe("a neighbour that obeys wildcards", () => {
  test("is looked for again before each change", async () => {
    const { made, untouched, outcomes } = await tried([], {
      before: ({ target, neighbour }) => target.removeExport(neighbour, () => {}),
      // It comes without a word.
      met: ({ target, neighbour }) => target.addExport(neighbour),
      wrap: quiet,
    });
    expect(neighbourState(made)).toBe(untouched);
    expect(outcomes.find(({ id }) => id === "P33")?.notTested[0]).toContain("e7.4");
  });

  test("keeps every byte; P33 says why it is not tested", async () => {
    const { outcomes, made, untouched } = await tried([]);
    expect(neighbourState(made)).toBe(untouched);
    const wildcards = outcomes.find(({ id }) => id === "P33");
    expect(wildcards?.outcome).toBe("passes");
    expect(wildcards?.notTested).toEqual([
      "another address answers here, e7.4, which may obey a change to a wildcard address: --alone sends them all the same",
      "a wildcard mask edit: another address answers here, e7.4, which may obey a change to a wildcard address: --alone sends them all the same",
    ]);
  });

  test("is changed where --alone says that it may be", async () => {
    const { outcomes, made, untouched } = await tried([], { permits: { alone: true } });
    expect(neighbourState(made)).not.toBe(untouched);
    expect(outcomes.find(({ id }) => id === "P33")?.notTested).toEqual([]);
    expect(differing(outcomes)).toEqual([]);
  });
});

test("nothing is written behind the end unless it is allowed", async () => {
  const odd = [DEVIATIONS["P24 it grows where a write is past its end"]];
  const { outcomes, made } = await tried(odd, { permits: {} });
  expect(made.store.sectors).toBe(4096);
  expect(differing(outcomes)).toEqual([]);
  expect(outcomes.find(({ id }) => id === "P24")?.notTested).toContain(
    "a write past the end: some targets carry it out: --past-end tries it",
  );
});

test("a short request that is answered is no deviation where an interface may have padded it", async () => {
  const { outcomes } = await tried([DEVIATIONS["P30 it answers short requests"]], { pads: true });
  expect(differing(outcomes)).toEqual([]);
  expect(outcomes.find(({ id }) => id === "P30")?.notTested).toEqual([
    "a request of 35 bytes (ATA) is answered, and on this interface it may have been padded",
  ]);
});

test("what a target sends steers no terminal", async () => {
  const clear = "\x1b[2J\u202e\u009b";
  const odd: Odd = {
    answered(answer, length, { original }) {
      if (aoe.command(answer, 0) !== aoe.COMMAND_CONFIG) return length;
      if (config.command(original, 0) !== config.TEST_PREFIX) return length;
      const bytes = new TextEncoder().encode(clear);
      answer.setUint16(config.STRING_LENGTH, bytes.length);
      bytes.forEach((byte, at) => {
        answer.setUint8(config.LENGTH + at, byte);
      });
      return length;
    },
  };
  const { outcomes } = await tried([odd]);
  expect(differing(outcomes)).toEqual(["P10"]);
  const told = outcomes.find(({ id }) => id === "P10") as RuleOutcome;
  expect(formatOutcome(told)).toContain("the string `\\x1b[2J\\u{202e}\\x9b`");
  // The same of a sentence that came to hold them in another way.
  const raw: RuleOutcome = { ...told, differences: [clear], notTested: [clear] };
  for (const text of [formatOutcome(raw), formatTable("x", [raw])]) {
    expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  }
});

test("two hosts that answer as one address are refused; --alone takes the first, whatever the other says", async () => {
  const clock = createVirtualClock();
  const macs = [0x0200_0000_00a0, 0x0200_0000_00b0, 0x0200_0000_00c0];
  const [a, ...others] = createMemorySwitch({ clock, macs }).links as [Link, Link, Link];
  const cores = others.map((link) => createOddTarget(link, [], false).target);
  const pass = (until: number): void => {
    runVirtual(cores, clock, () => a.nextDeadline() <= clock.now(), until);
  };
  const met = async (permits: Permits, firstTag: number) => {
    const air = { link: a, now: () => clock.now(), pass };
    const prober = new Prober(air, ADDRESS, { answer: 20e6, silence: 5e6 }, firstTag);
    return { prober, facts: await meet(prober, ADDRESS, 1e9, permits) };
  };
  await expect(met({}, 0x0100_0000)).rejects.toThrow(
    "e7.3 is answered from 02:00:00:00:00:b0 and 02:00:00:00:00:c0, which may be two hosts: stop one, or say --alone where both may be written",
  );
  const { prober, facts } = await met({ alone: true }, 0x0200_0000);
  expect(facts.source).toBe(0x0200_0000_00b0);
  expect(differing(await runSuite(prober, facts))).toEqual([]);
});
