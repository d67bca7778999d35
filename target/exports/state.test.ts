// State files: what is saved is found again, what is broken is said in a sentence, and a process killed at any
// moment leaves the old or the new state.

import { afterAll, describe, expect, test } from "bun:test";
import {
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { replaceFile } from "../../sys/replace_file.ts";
import { Failure } from "../../words/failure.ts";
import { createRandom } from "../../words/random.ts";
import { EMPTY_STATE, type ExportState } from "../protocol/export.ts";
import { PEER } from "../../testing/doubles/probe.ts";
import { DamagedState, formatState, loadState, setAside, stateFile } from "./state.ts";
import { StateSaver } from "./state_saver.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-state-"));
afterAll(() => rmSync(directory, { recursive: true }));

const address = { major: 7, minor: 3 };
/** One more than a frame can count. */
const MANY = Array.from(
  { length: 256 },
  (_, last) => `02:00:00:00:00:${last.toString(16).padStart(2, "0")}`,
);

/** Saves it as a target does, and waits. */
async function save(path: string, state: ExportState): Promise<number> {
  const saver = new StateSaver();
  let errno = -1;
  saver.save(path, formatState(state), (told) => {
    errno = told;
  });
  while (errno < 0) {
    await Bun.sleep(1);
    saver.poll();
  }
  saver.close();
  return errno;
}

describe("state file", () => {
  test("what is saved is loaded; nothing saved is null; a directory is made", async () => {
    const fresh = join(directory, "made", "here");
    const file = stateFile(fresh, address);
    expect(loadState(file)).toBeNull();
    const state = {
      config: new Uint8Array([0, 255, 10, 34]),
      masks: [0x0200_0000_0001, 0xffff_ffff_fffe],
      reservation: [0x0004_cf00_0001],
    };
    expect(await save(file.path, state)).toBe(0);
    expect(loadState(stateFile(fresh, address))).toEqual(state);
    expect(loadState(stateFile(fresh, { major: 7, minor: 4 }))).toBeNull();
    expect(await save(file.path, EMPTY_STATE)).toBe(0);
    expect(loadState(file)).toEqual(EMPTY_STATE);
    expect(readdirSync(fresh)).toEqual(["e7.3.json"]);
  });

  test("a state that can't be saved is an errno", async () => {
    const gone = join(directory, "gone");
    const file = stateFile(gone, address);
    rmSync(gone, { recursive: true });
    expect(await save(file.path, EMPTY_STATE)).toBeGreaterThan(0);
  });

  test("a saver that is closed gives everything back", async () => {
    const eventfds = (): number =>
      readdirSync("/proc/self/fd").filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).includes("eventfd");
        } catch {
          return false;
        }
      }).length;
    const before = eventfds();
    for (let round = 0; round < 5; round++) {
      await save(stateFile(directory, address).path, EMPTY_STATE);
    }
    // A Worker closes its own two as it goes.
    for (let waits = 0; eventfds() > before && waits < 1000; waits++) await Bun.sleep(5);
    expect(eventfds()).toBeLessThanOrEqual(before);
  });

  test("many at once all end, each with its own errno", async () => {
    const saver = new StateSaver();
    const ended: number[] = [];
    const files = Array.from({ length: 20 }, (_, minor) =>
      stateFile(directory, { major: 2, minor }),
    );
    for (const [index, { path }] of files.entries()) {
      const where = index % 5 === 0 ? join(directory, "none", "x.json") : path;
      const state = { ...EMPTY_STATE, reservation: [index + 1] };
      saver.save(where, formatState(state), (errno) => {
        ended[index] = errno;
      });
    }
    while (ended.filter((errno) => errno !== undefined).length < files.length) {
      await Bun.sleep(1);
      saver.poll();
    }
    saver.close();
    for (const [index, file] of files.entries()) {
      const refused = index % 5 === 0;
      expect(ended[index] === 0).toBe(!refused);
      expect(loadState(file)?.reservation).toEqual(refused ? undefined : [index + 1]);
    }
  });

  test.each([
    ["", "is not JSON"],
    ["{", "is not JSON"],
    ["[]", "has version undefined"],
    ['{"version":2}', "has version 2"],
    ['{"version":1,"config":"xyz"}', "`config`"],
    [`{"version":1,"config":"${"00".repeat(1025)}"}`, "too long"],
    ['{"version":1,"config":"","masks":{}}', "`masks`"],
    ['{"version":1,"config":"","masks":["nonsense"],"reservation":[]}', "`nonsense`"],
    ['{"version":1,"config":"","masks":[]}', "`reservation`"],
    [JSON.stringify({ version: 1, config: "", masks: MANY, reservation: [] }), "`masks`"],
    [JSON.stringify({ version: 1, config: "", masks: [], reservation: MANY }), "`reservation`"],
  ])("a damaged file (%#) is told in a sentence that says what helps", (text, part) => {
    const file = stateFile(directory, { major: 1, minor: 1 });
    writeFileSync(file.path, text);
    expect(() => loadState(file)).toThrow(DamagedState);
    expect(() => loadState(file)).toThrow(part);
    expect(() => loadState(file)).toThrow("e1.1 is not served");
    expect(() => loadState(file)).toThrow("--reset-state");
  });

  test.each([
    ["a FIFO", (path: string) => Bun.spawnSync(["mkfifo", path]), "regular file"],
    ["a link", (path: string) => symlinkSync("/etc/hostname", path), "ELOOP"],
    ["a directory", (path: string) => Bun.spawnSync(["mkdir", path]), "regular file"],
  ])("%s in its place is damage, and nothing waits for it", (name, make, part) => {
    const file = stateFile(join(directory, name), address);
    make(file.path);
    expect(() => loadState(file)).toThrow(DamagedState);
    expect(() => loadState(file)).toThrow(part);
    expect(setAside(file)).toBe(`${file.path}.damaged`);
    expect(loadState(file)).toBeNull();
  });

  test("each damaged file is kept, under a name of its own", () => {
    const place = join(directory, "kept");
    const file = stateFile(place, address);
    for (const text of ["first", "second", "third"]) {
      writeFileSync(file.path, text);
      setAside(file);
    }
    expect(readdirSync(place).toSorted()).toEqual([
      "e7.3.json.damaged",
      "e7.3.json.damaged-2",
      "e7.3.json.damaged-3",
    ]);
    expect(() => setAside(file)).toThrow(Failure);
  });
});

/** How often the process is killed; 200 by `AOE_KILLS=200 bun test target/exports/state.test.ts`. */
const KILLS = Number(process.env["AOE_KILLS"] ?? 12);

test(`a target killed at ${KILLS} random moments finds what it last acknowledged, or what it was about to`, async () => {
  const seed = Number(process.env["AOE_SEED"] ?? 11);
  console.log(`seed ${seed}`);
  const random = createRandom(seed);
  const place = join(directory, "killed");
  // Config string, reservation and mask list say the same number, each set by a command of its own; the
  // number of commands acknowledged goes out as it grows.
  const program = `
    import { writeSync } from "node:fs";
    import { createProbe, configFrame, reserveFrame, maskFrame, PEER } from ${JSON.stringify(join(import.meta.dir, "../../testing/doubles/probe.ts"))};
    import { formatState, loadState, stateFile } from ${JSON.stringify(join(import.meta.dir, "state.ts"))};
    import { StateSaver } from ${JSON.stringify(join(import.meta.dir, "state_saver.ts"))};
    const file = stateFile(${JSON.stringify(place)}, { major: 7, minor: 3 });
    const saver = new StateSaver();
    const save = (state, ended) => saver.save(file.path, formatState(state), ended);
    const probe = createProbe({ exported: { state: loadState(file) ?? undefined, save } });
    const from = Number(process.argv[1]);
    for (let n = from; ; n++) {
      const tag = n & 0xffffff;
      let answers = probe.ask([
        () => configFrame(4, "x".repeat(n % 900) + "=" + n, { tag }),
        () => reserveFrame(2, [PEER, n + 1], { tag }),
        () => maskFrame(1, [[1, PEER], [2, n - 3 + 1], [1, n + 1]], { tag }),
      ][n % 3]());
      while (answers.length === 0) {
        saver.poll();
        answers = probe.run(0);
      }
      writeSync(1, n + "\\n");
    }`.replaceAll("\\\\", "\\");
  const begin = { config: Buffer.from("=0"), reservation: [PEER, 2], masks: [PEER, 3] };
  const file = stateFile(place, address);
  expect(replaceFile(file.path, formatState(begin))).toBe(0);
  let acknowledged = 2;
  let between = 0;
  for (let round = 0; round < KILLS; round++) {
    const first = acknowledged + 1;
    const child = Bun.spawn([process.execPath, "-e", program, String(first)], {
      stdout: "pipe",
      stderr: "inherit",
    });
    const reader = child.stdout.getReader();
    const decoder = new TextDecoder();
    let said = "";
    // Killed within what some sets take, counted from the first that was acknowledged.
    const { value } = await reader.read();
    said += decoder.decode(value);
    await Bun.sleep(random.float() * 12);
    child.kill("SIGKILL");
    for (;;) {
      const { value: more, done } = await reader.read();
      if (done) break;
      said += decoder.decode(more);
    }
    await child.exited;
    const whole = said.slice(0, said.lastIndexOf("\n")).split("\n");
    acknowledged = Number(whole.at(-1));
    expect(acknowledged).toBeGreaterThanOrEqual(first);
    const state = loadState(file);
    if (state === null) throw new Error("no state where sets were acknowledged");
    const newest = numbersIn(state);
    // The three kinds take turns: the last of each is at most two commands older than the last of all.
    const last = Math.max(...newest);
    expect(last - acknowledged).toBeWithin(0, 2);
    if (last > acknowledged) between++;
    for (const number of newest) expect(last - number).toBeWithin(0, 3);
    expect(new Set(newest.map((number) => number % 3)).size).toBe(3);
    acknowledged = last;
  }
  console.log(`${between} of ${KILLS} kills fell between the state's replacement and its answer`);
}, 120_000);

/** The number that each of the three says. */
function numbersIn({ config, reservation, masks }: ExportState): number[] {
  const text = new TextDecoder().decode(config);
  const number = Number(/^x*=(\d+)$/.exec(text)?.[1]);
  expect(text).toBe(`${"x".repeat(number % 900)}=${number}`);
  expect(reservation).toHaveLength(2);
  expect(masks).toContain(PEER);
  return [
    number,
    (reservation[1] as number) - 1,
    Math.max(...masks.filter((mac) => mac !== PEER)) - 1,
  ];
}
