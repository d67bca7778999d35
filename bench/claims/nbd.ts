// What NBD costs at depth 1: fio through `aoe initiator nbd`, beside `aoe bench load` of the same device.
//
//   aoe lab -- bun bench/claims/nbd.ts [rounds] [seconds] [two | one | free]
//
//   load   bench load ─ frames ─ target                      two processes
//   nbd    fio ─ socket ─ initiator nbd ─ frames ─ target    three, and two wake-ups more
//   bare   fio ─ socket ─ qemu-nbd ─ an image in memory      no network at all: what the socket and fio take (where
//                                                            qemu-nbd is)
//
// All arms read 4 KiB at random, one at a time; they take turns (load nbd bare, bare nbd load, …), so that whatever else
// the machine does falls on all alike, and never run together. What a round trip takes depends on where the
// scheduler puts its ends, so all are pinned alike: `two` gives the target a CPU of its own, on which it spins, and all else
// another, `one` puts all on one, `free` leaves it to the scheduler. An arm's figure is the median of its trials' p50; the
// claim is nbd ≤ 3 × load. Exit code 0 where it holds, 3 where it does not, 5 without fio.

import { existsSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

import { allowedCpus, pinToCpus } from "../../sys/affinity.ts";
import { EXIT, expected } from "../../words/failure.ts";
import { findProgram } from "../../lab/programs.ts";
import { startNbd } from "./nbd_fixture.ts";
import { makeScratch } from "../machine/scratch.ts";

const AOE = resolve(import.meta.dir, "../../aoe.ts");
const SIZE = 64 * 2 ** 20;
const WARM_UP_SECONDS = 0.5;
const MOST_RATIO = 3;
const PLACEMENTS = ["two", "one", "free"];

/** fio's JSON, and ours, which has its shape. */
interface Document {
  readonly jobs: readonly {
    readonly read: {
      readonly iops: number;
      readonly lat_ns: { readonly percentile?: Readonly<Record<string, number | null>> };
    };
  }[];
}

interface Trial {
  readonly p50: number;
  readonly p99: number;
  readonly iops: number;
}

function trialOf(text: string): Trial {
  const { jobs } = JSON.parse(text.slice(text.indexOf("{"))) as Document;
  const read = jobs[0]?.read;
  const percentile = read?.lat_ns.percentile;
  const p50 = percentile?.["50.000000"];
  const p99 = percentile?.["99.000000"];
  if (read === undefined || p50 == null || p99 == null) {
    throw new Error(`no percentiles in ${text.slice(0, 400)}`);
  }
  return { p50, p99, iops: read.iops };
}

async function output(cwd: string, words: readonly string[]): Promise<string> {
  const child = Bun.spawn([...words], { cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`${words.join(" ")}: ${err}${out}`);
  return out;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** fio's reads of what `uri` serves. */
async function throughNbd(cwd: string, uri: string, seconds: number): Promise<Trial> {
  const text = await output(cwd, [
    ...["fio", "--name=nbd", "--ioengine=nbd", `--uri=${uri}`, "--rw=randread"],
    ...["--bs=4k", "--iodepth=1", `--size=${SIZE}`, "--time_based", `--runtime=${seconds}`],
    ...[`--ramp_time=${WARM_UP_SECONDS}`, "--lat_percentiles=1", "--output-format=json"],
  ]);
  return trialOf(text);
}

/** The same of `image` by qemu-nbd, which has no network behind it. */
async function throughQemu(cwd: string, image: string, seconds: number): Promise<Trial> {
  const socket = join(cwd, "bare");
  const server = Bun.spawn(["qemu-nbd", "-t", "-f", "raw", "-k", socket, image], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  });
  try {
    for (let tries = 0; !existsSync(socket); tries++) {
      if (tries === 500 || server.exitCode !== null) throw new Error("qemu-nbd did not start");
      await Bun.sleep(10);
    }
    return await throughNbd(cwd, `nbd+unix:///?socket=${socket}`, seconds);
  } finally {
    server.kill();
    await server.exited;
    rmSync(socket, { force: true });
  }
}

const us = (ns: number): string => (ns / 1e3).toFixed(1);

/** Exit code. */
async function main(rounds: number, seconds: number, placement: string): Promise<number> {
  if (!PLACEMENTS.includes(placement)) {
    process.stderr.write(`${expected("placement", PLACEMENTS.join(", "), placement).message}\n`);
    return EXIT.usage;
  }
  if (findProgram("fio") === null) {
    process.stderr.write("fio is absent, and it is the client that is timed\n");
    return EXIT.environment;
  }
  const { folder, remove } = makeScratch("nbd");
  const cpus = allowedCpus();
  const [ours = 0, second = ours] = cpus;
  // Children run where their parent may when they are made.
  pinToCpus(placement === "free" ? cpus : [placement === "one" ? ours : second]);
  // Who has a CPU to himself may spin on it; where all share one, the others need it. A target can't know.
  const mode = { two: ["--mode", "low-latency"], one: ["--mode", "frugal"] }[placement] ?? [];
  const nbd = await startNbd(folder, SIZE, [], mode);
  await nbd.server.end();
  if (placement !== "free") pinToCpus([ours]);
  const arms = {
    load: async () =>
      trialOf(
        await output(folder, [
          ...[process.execPath, AOE, "bench", "load", "e7.3", "--interface", "a0", "--json"],
          ...["--rw", "randread", "--bs", "4k", "--iodepth", "1", "--runtime", `${seconds}s`],
          ...["--ramp-time", `${WARM_UP_SECONDS * 1e3}ms`],
        ]),
      ),
    nbd: async () => {
      const server = await nbd.restart();
      const trial = await throughNbd(folder, nbd.uri, seconds);
      await server.end();
      return trial;
    },
    bare: () => throughQemu(folder, nbd.image, seconds),
  };
  const bare = findProgram("qemu-nbd") === null ? [] : (["bare"] as const);
  const trials: Record<keyof typeof arms, Trial[]> = { load: [], nbd: [], bare: [] };
  try {
    for (let round = 0; round < rounds; round++) {
      const order = ["load", "nbd", ...bare] as const;
      for (const arm of round % 2 === 0 ? order : order.toReversed()) {
        trials[arm].push(await arms[arm]());
      }
      const [load, through] = [trials.load.at(-1), trials.nbd.at(-1)] as [Trial, Trial];
      process.stderr.write(
        `round ${round + 1}: p50 load ${us(load.p50)} us, nbd ${us(through.p50)} us; p99 ${us(load.p99)}, ${us(through.p99)}\n`,
      );
    }
  } finally {
    await nbd.close();
    remove();
  }
  const [load, through, floor] = [trials.load, trials.nbd, trials.bare].map((arm) =>
    median(arm.map(({ p50 }) => p50)),
  );
  const ratio = (through as number) / (load as number);
  const holds = ratio <= MOST_RATIO;
  process.stdout.write(
    `p50 at depth 1, 4 KiB random reads, CPUs ${placement}, median of ${rounds}: load ${us(load as number)} us, nbd ${us(through as number)} us, ratio ${ratio.toFixed(2)} (at most ${MOST_RATIO}: ${holds ? "holds" : "missed"})\n`,
  );
  if (trials.bare.length > 0) {
    process.stdout.write(
      `qemu-nbd with the image in memory and no network, by the same client: ${us(floor as number)} us\n`,
    );
  }
  return holds ? EXIT.done : EXIT.threshold;
}

if (import.meta.main) {
  const [rounds = "5", seconds = "1", placement = "two"] = process.argv.slice(2);
  process.exitCode = await main(Number(rounds), Number(seconds), placement);
}
