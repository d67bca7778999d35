// What ten thousand exports cost in one process on one interface, against one export in another:
//
//   bun bench/claims/exports.ts [--exports 10000] [--rounds 40] [--json]
//
//   a0 ───── b0   `aoe target --config`, many exports of sparse files      start, discovery, memory, reads
//   a1 ───── b1   the same with one                                        reads, turn and turn about
//
// Both serve as many sectors from the page cache: eight of each of the many, and as many in all of the
// one. What differs is in how many exports and files they lie. To the kernel a file that is in no cache of
// the processor costs more, whoever reads it, so the same reads are timed without a target too. With 32
// outstanding what is promised of any export is judged by stretches at one, each at another, beside stretches
// at as few sectors of the one; what reads cost that all go to different exports is told, and not judged. The
// asking socket is as plain as they come: no ring, the kernel's default receive buffer. It makes a lab of its
// own.
// Exit code 3 where a figure misses what is promised of ten thousand.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { now } from "../../sys/clock.ts";
import { closeFile, openFile, readCachedAt } from "../../sys/file.ts";
import { mapMemory } from "../../sys/memory.ts";
import { EXIT, Failure } from "../../words/failure.ts";
import { parseInteger } from "../../words/quantity.ts";
import { createRandom } from "../../words/random.ts";
import * as aoe from "../../wire/aoe.ts";
import { SECTOR } from "../../wire/ata.ts";
import type { Mac } from "../../wire/mac.ts";
import { Asker, awaitExport } from "../machine/asker.ts";
import { labCommandLine, labEnv, requireLab } from "../../lab/lab.ts";
import { makeScratch } from "../machine/scratch.ts";
import { median, quantile, sorted } from "../../statistics/quantile.ts";
import { printableJson } from "../../words/printable.ts";

const AOE = join(import.meta.dir, "../../aoe.ts");
const SHAPE = { pairs: 2, mtu: 1500 } as const;
/** Exports per shelf; slots 0 to 254 there are. */
const SLOTS = 250;
/** The shelf of the one export beside. */
const ALONE = 1000;
const DEPTH = 32;
const READS = 400;
const KERNEL_ROUNDS = 9;
const KERNEL_READS = 20_000;

export const LIMITS = { start_ns: 2e9, read_ratio: 1.1, idle_export_bytes: 4096 } as const;

interface Figures {
  readonly exports: number;
  readonly first_start_ns: number;
  readonly start_ns: number;
  readonly discovered: number;
  readonly discovery_ns: number;
  readonly idle_export_bytes: number;
  readonly first_read_p50_ns: number;
  readonly read_p50_ns: number;
  readonly alone_p50_ns: number;
  /** Of the medians of both: reads one at a time, each of another export. */
  readonly read_ratio: number;
  /** 32 outstanding at one of the exports, another for each stretch; at as many sectors of the one; their ratio. */
  readonly read_one_deep_ns: number;
  readonly part_deep_ns: number;
  readonly read_one_deep_ratio: number;
  /** 32 outstanding, each at another export. */
  readonly read_deep_ns: number;
  readonly alone_deep_ns: number;
  readonly read_deep_ratio: number;
  /** What the kernel alone takes for such reads of those files, and of the one; null where it lets us open fewer. */
  readonly kernel_ns: number | null;
  readonly kernel_alone_ns: number | null;
}

type Place = [major: number, minor: number, lba: number];

function address(index: number): [major: number, minor: number] {
  return [Math.floor(index / SLOTS), index % SLOTS];
}

function start(folder: string, name: string, text: string) {
  const file = join(folder, name);
  writeFileSync(file, text);
  const at = now();
  const child = Bun.spawn([process.execPath, AOE, "target", "--config", file], {
    stdout: "ignore",
    stderr: Bun.file(join(folder, `${name}.log`)),
  });
  return { child, at };
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024;
}

/** Reads with `depth` outstanding; the ns of each at depth 1, of one in the mean beyond. */
function read(asker: Asker, mac: Mac, pick: () => Place, depth: number): number[] {
  const times: number[] = [];
  const begun = now();
  for (let sent = 0, done = 0; done < READS;) {
    let at = now();
    while (sent < READS && sent - done < depth) {
      const [major, minor, lba] = pick();
      at = now();
      asker.sendRead(mac, major, minor, lba);
      sent++;
    }
    const answer = asker.take(2e9);
    if (answer === null) throw new Failure("A read went unanswered", EXIT.failed);
    // A late answer to something else is not this read's.
    if (aoe.command(answer, 0) !== aoe.COMMAND_ATA) continue;
    done++;
    if (depth === 1) times.push(now() - at);
  }
  return depth === 1 ? times : [(now() - begun) / READS];
}

/** The same reads without a target: cached preads of random files among `paths`, ns each. */
function readFiles(paths: readonly string[], pick: () => number, lba: () => number): number | null {
  const memory = mapMemory(2 * SECTOR);
  const fds: number[] = [];
  try {
    for (const path of paths) {
      const fd = openFile(path, {});
      if (fd < 0) return null;
      fds.push(fd);
    }
    const rounds: number[] = [];
    for (let round = 0; round < KERNEL_ROUNDS; round++) {
      const begun = now();
      for (let index = 0; index < KERNEL_READS; index++) {
        readCachedAt(fds[pick()] as number, memory, 0, 2 * SECTOR, lba() * SECTOR);
      }
      rounds.push((now() - begun) / KERNEL_READS);
    }
    return median(rounds);
  } finally {
    for (const fd of fds) closeFile(fd);
    memory.unmap();
  }
}

async function measure(count: number, rounds: number): Promise<Figures> {
  const { folder, remove } = makeScratch("scale");
  mkdirSync(join(folder, "images"));
  const random = createRandom(1);
  const manyText = ['interfaces = ["b0"]'];
  for (let index = 0; index < count; index++) {
    const [major, minor] = address(index);
    manyText.push(
      `[[export]]\naddress = "e${major}.${minor}"\nfile = "images/${index}"\ncreate = "64m"`,
    );
  }
  const text = manyText.join("\n");
  const asker = new Asker("a0");
  const beside = new Asker("a1");
  const children: Bun.Subprocess[] = [];
  try {
    const [lastMajor, lastMinor] = address(count - 1);
    const first = start(folder, "many.toml", text);
    children.push(first.child);
    const first_start_ns = awaitExport(asker, lastMajor, lastMinor).at - first.at;
    first.child.kill();
    await first.child.exited;
    asker.drain(200e6);
    const many = start(folder, "many.toml", text);
    children.push(many.child);
    const ready = awaitExport(asker, lastMajor, lastMinor);
    const one = start(
      folder,
      "one.toml",
      `interfaces = ["b1"]\n[[export]]\naddress = "e${ALONE}.0"\nfile = "images/one"\ncreate = "64m"`,
    );
    children.push(one.child);
    const alone = awaitExport(beside, ALONE, 0);
    // The announcements of all of them, then idleness.
    asker.drain(500e6);
    beside.drain(100e6);
    await Bun.sleep(2000);
    const idle = residentBytes(many.child.pid) - residentBytes(one.child.pid);

    asker.takeDrops();
    const seen = new Set<number>();
    const asked = now();
    let last = asked;
    asker.sendConfig(aoe.ANY_MAJOR, aoe.ANY_MINOR);
    for (let view = asker.take(1e9); view !== null; view = asker.take(300e6)) {
      seen.add(aoe.major(view, 0) * 0x100 + aoe.minor(view, 0));
      last = now();
    }
    if (asker.takeDrops() > 0) process.stderr.write("the socket lost frames\n");

    const firstReads: number[] = [];
    for (let index = 0; index < count; index++) {
      const [major, minor] = address(index);
      const at = now();
      asker.sendRead(ready.mac, major, minor, 0);
      if (asker.take(5e9) === null) throw new Failure("A first read went unanswered", EXIT.failed);
      firstReads.push(now() - at);
    }
    const anyOfMany = (): Place => {
      const [major, minor] = address(random.below(count));
      return [major, minor, random.below(4) * 2];
    };
    const theOne = (): Place => [ALONE, 0, random.below(count * 4) * 2];
    const shallow: [number[], number[]] = [[], []];
    const deep: [number[], number[]] = [[], []];
    const oneDeep: [number[], number[]] = [[], []];
    // Everything cached and compiled before anything counts.
    for (let round = 0; round < Math.max(2 * rounds, Math.ceil((count * 4) / READS)); round++) {
      read(asker, ready.mac, anyOfMany, DEPTH);
      read(beside, alone.mac, theOne, DEPTH);
    }
    for (let round = 0; round < rounds; round++) {
      shallow[0].push(...read(asker, ready.mac, anyOfMany, 1));
      shallow[1].push(...read(beside, alone.mac, theOne, 1));
      deep[0].push(...read(asker, ready.mac, anyOfMany, DEPTH));
      const [major, minor] = address(random.below(count));
      const oneOfMany = (): Place => [major, minor, random.below(4) * 2];
      const start = random.below(count) * 8;
      const partOfOne = (): Place => [ALONE, 0, start + random.below(4) * 2];
      oneDeep[0].push(...read(asker, ready.mac, oneOfMany, DEPTH));
      oneDeep[1].push(...read(beside, alone.mac, partOfOne, DEPTH));
      deep[1].push(...read(beside, alone.mac, theOne, DEPTH));
    }
    const images = Array.from({ length: count }, (_, index) => join(folder, "images", `${index}`));
    const kernel_ns = readFiles(
      images,
      () => random.below(count),
      () => random.below(4) * 2,
    );
    const kernel_alone_ns = readFiles(
      [join(folder, "images", "one")],
      () => 0,
      () => random.below(count * 4) * 2,
    );
    const [p50, aloneP50] = [median(shallow[0]), median(shallow[1])];
    const [deepNs, aloneDeepNs] = [median(deep[0]), median(deep[1])];
    const [oneDeepNs, partDeepNs] = [median(oneDeep[0]), median(oneDeep[1])];
    return {
      exports: count,
      first_start_ns,
      start_ns: ready.at - many.at,
      discovered: seen.size,
      discovery_ns: last - asked,
      idle_export_bytes: Math.round(idle / count),
      first_read_p50_ns: quantile(sorted(firstReads), 0.5),
      read_p50_ns: p50,
      alone_p50_ns: aloneP50,
      read_ratio: p50 / aloneP50,
      read_one_deep_ns: oneDeepNs,
      part_deep_ns: partDeepNs,
      read_one_deep_ratio: oneDeepNs / partDeepNs,
      read_deep_ns: deepNs,
      alone_deep_ns: aloneDeepNs,
      read_deep_ratio: deepNs / aloneDeepNs,
      kernel_ns,
      kernel_alone_ns,
    };
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => child.exited));
    asker.close();
    beside.close();
    remove();
  }
}

/** What was promised of so many exports and is not so, one sentence each. */
export function missed(figures: Figures): string[] {
  const sentences: string[] = [];
  const most = (what: string, got: number, limit: number): void => {
    if (!(got <= limit)) sentences.push(`${what} is ${got}, and should be at most ${limit}`);
  };
  most("the start in ns", figures.start_ns, LIMITS.start_ns);
  most(
    "the memory of an idle export in bytes",
    figures.idle_export_bytes,
    LIMITS.idle_export_bytes,
  );
  most("the cost of a read in that of one export's", figures.read_ratio, LIMITS.read_ratio);
  most("the same with 32 outstanding", figures.read_one_deep_ratio, LIMITS.read_ratio);
  if (figures.discovered !== figures.exports) {
    sentences.push(`discovery found ${figures.discovered} of ${figures.exports}`);
  }
  return sentences;
}

function print(figures: Figures): void {
  const us = (ns: number): string => `${(ns / 1e3).toFixed(1)} us`;
  const ms = (ns: number): string => `${(ns / 1e6).toFixed(0)} ms`;
  const lines = [
    `${figures.exports} exports`,
    `start, files made      ${ms(figures.first_start_ns)}`,
    `start, files there     ${ms(figures.start_ns)}`,
    `discovered             ${figures.discovered} in ${ms(figures.discovery_ns)}`,
    `memory of an idle one  ${figures.idle_export_bytes} bytes`,
    `first read of one      ${us(figures.first_read_p50_ns)}`,
    `read, one at a time    ${us(figures.read_p50_ns)} against ${us(figures.alone_p50_ns)}: ${figures.read_ratio.toFixed(3)}`,
    `read, ${DEPTH} outstanding   ${us(figures.read_one_deep_ns)} against ${us(figures.part_deep_ns)}: ${figures.read_one_deep_ratio.toFixed(3)}`,
    `each at another        ${us(figures.read_deep_ns)} against ${us(figures.alone_deep_ns)}: ${figures.read_deep_ratio.toFixed(3)}`,
  ];
  if (figures.kernel_ns !== null && figures.kernel_alone_ns !== null) {
    lines.push(
      `of it the kernel's     ${us(figures.kernel_ns)} against ${us(figures.kernel_alone_ns)}`,
    );
  }
  process.stdout.write(`${lines.join("\n")}\n`);
}

function option(name: string, otherwise: number): number {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : parseInteger(process.argv[at + 1] ?? "", name, 1);
}

async function main(): Promise<number> {
  if (process.env["AOE_LAB"] === undefined) {
    requireLab(SHAPE);
    const command = [process.execPath, import.meta.path, ...process.argv.slice(2)];
    // A signal ends the lab and all in it at once: what is left in the folder goes from out here.
    const { folder, remove } = makeScratch("scale");
    const child = Bun.spawn(labCommandLine(command, SHAPE), {
      env: { ...labEnv(SHAPE), TMPDIR: folder },
      stdio: ["ignore", "inherit", "inherit"],
    });
    return child.exited.finally(remove);
  }
  const figures = await measure(option("--exports", 10_000), option("--rounds", 40));
  if (process.argv.includes("--json")) process.stdout.write(`${printableJson(figures)}\n`);
  else print(figures);
  const sentences = missed(figures);
  for (const sentence of sentences) process.stderr.write(`missed: ${sentence}\n`);
  return sentences.length === 0 ? EXIT.done : EXIT.threshold;
}

if (import.meta.main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}
