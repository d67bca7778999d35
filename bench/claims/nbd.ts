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

import { existsSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { allowedCpus, pinToCpus } from "../../sys/affinity.ts";
import { EXIT, expected } from "../../words/failure.ts";
import { AOE, findProgram } from "../../lab/programs.ts";
import { median } from "../../statistics/quantile.ts";
import { runChild } from "../machine/child.ts";
import { makeScratch } from "../machine/scratch.ts";
import { schedule } from "../run/schedule.ts";

const SIZE = 64 * 2 ** 20;
const WARM_UP_SECONDS = 0.5;
const MOST_RATIO = 3;
const PLACEMENTS = ["two", "one", "free"];

/** fio's JSON, and ours, which has its shape. */
interface Document {
  readonly jobs: readonly {
    readonly read: {
      readonly lat_ns: { readonly percentile?: Readonly<Record<string, number | null>> };
    };
  }[];
}

interface Trial {
  readonly p50: number;
  readonly p99: number;
}

function trialOf(text: string): Trial {
  const { jobs } = JSON.parse(text.slice(text.indexOf("{"))) as Document;
  const read = jobs[0]?.read;
  const percentile = read?.lat_ns.percentile;
  const p50 = percentile?.["50.000000"];
  const p99 = percentile?.["99.000000"];
  if (p50 == null || p99 == null) {
    throw new Error(`no percentiles in ${text.slice(0, 400)}`);
  }
  return { p50, p99 };
}

/** Of fio, or of ours, whose document has its shape. */
async function timed(cwd: string, words: readonly string[]): Promise<Trial> {
  const { code, stdout, stderr } = await runChild(words, { cwd });
  if (code !== 0) throw new Error(`${words.join(" ")}: ${stderr}${stdout}`);
  return trialOf(stdout);
}

/** fio's reads of what an NBD server, started by `words`, serves at `socket`. */
async function throughNbd(
  cwd: string,
  words: readonly string[],
  socket: string,
  seconds: number,
): Promise<Trial> {
  const server = Bun.spawn([...words], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  try {
    for (let tries = 0; !existsSync(socket); tries++) {
      if (tries === 1000 || server.exitCode !== null) {
        server.kill();
        throw new Error(`${words.join(" ")}: ${await new Response(server.stderr).text()}`);
      }
      await Bun.sleep(10);
    }
    return await timed(cwd, [
      ...["fio", "--name=nbd", "--ioengine=nbd", `--uri=nbd+unix:///?socket=${socket}`],
      ...["--rw=randread", "--bs=4k", "--iodepth=1", `--size=${SIZE}`, "--time_based"],
      ...[`--runtime=${seconds}`, `--ramp_time=${WARM_UP_SECONDS}`, "--lat_percentiles=1"],
      "--output-format=json",
    ]);
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
  const [image, socket] = [join(folder, "disk.img"), join(folder, "socket")];
  writeFileSync(image, "");
  truncateSync(image, SIZE);
  const target = Bun.spawn([process.execPath, AOE, "target", ...mode, "7", "3", "b0", image], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (placement !== "free") pinToCpus([ours]);
  const serve = ["initiator", "nbd", "e7.3", "--interface", "a0", "--socket", socket];
  const arms = {
    load: () =>
      timed(folder, [
        ...[process.execPath, AOE, "bench", "load", "e7.3", "--interface", "a0", "--json"],
        ...["--rw", "randread", "--bs", "4k", "--iodepth", "1", "--runtime", `${seconds}s`],
        ...["--ramp-time", `${WARM_UP_SECONDS * 1e3}ms`],
      ]),
    nbd: () => throughNbd(folder, [process.execPath, AOE, ...serve], socket, seconds),
    // The same of the image, which has no network before it.
    bare: () =>
      throughNbd(folder, ["qemu-nbd", "-t", "-f", "raw", "-k", socket, image], socket, seconds),
  };
  const bare = findProgram("qemu-nbd") === null ? [] : (["bare"] as const);
  const trials: Record<keyof typeof arms, Trial[]> = { load: [], nbd: [], bare: [] };
  const turns = schedule(["load", "nbd", ...bare] as const, rounds, 1, "abba", 0);
  try {
    for (const [at, { cell: arm }] of turns.entries()) {
      const trial = await arms[arm]();
      trials[arm].push(trial);
      process.stderr.write(
        `${at + 1}/${turns.length}  ${arm}: p50 ${us(trial.p50)} us, p99 ${us(trial.p99)} us\n`,
      );
    }
  } finally {
    target.kill();
    await target.exited;
    remove();
  }
  const p50 = (arm: keyof typeof arms): number => median(trials[arm].map((trial) => trial.p50));
  const ratio = p50("nbd") / p50("load");
  const holds = ratio <= MOST_RATIO;
  process.stdout.write(
    `p50 at depth 1, 4 KiB random reads, CPUs ${placement}, median of ${rounds}: load ${us(p50("load"))} us, nbd ${us(p50("nbd"))} us, ratio ${ratio.toFixed(2)} (at most ${MOST_RATIO}: ${holds ? "holds" : "missed"})\n`,
  );
  if (bare.length > 0) {
    process.stdout.write(
      `qemu-nbd with the image in memory and no network, by the same client: ${us(p50("bare"))} us\n`,
    );
  }
  return holds ? EXIT.done : EXIT.threshold;
}

if (import.meta.main) {
  const [rounds = "5", seconds = "1", placement = "two"] = process.argv.slice(2);
  process.exitCode = await main(Number(rounds), Number(seconds), placement);
}
