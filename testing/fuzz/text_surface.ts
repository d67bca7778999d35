// What people write: option grammars, job files, the target's configuration. Each is a good text, then
// mutated. Its parser returns a value in its range or throws a Failure with one line for the
// user; any other exception, and a reader that hangs, is a finding.
//
//   the first line names the reader, the rest is its text

import { createRandom, type Random } from "../../words/random.ts";
import { parseAddress } from "../../words/address.ts";
import { parseDistribution } from "../../words/distribution.ts";
import { EXIT, Failure } from "../../words/failure.ts";
import {
  formatDuration,
  formatSize,
  parseDuration,
  parseInteger,
  parseProbability,
  parseRate,
  parseSize,
} from "../../words/quantity.ts";
import { parseFaults } from "../../link/fault_plan.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import { POOL_OPTIONS } from "../../initiator/pool/options.ts";
import { parseOptions } from "../../words/option.ts";
import { parseConfig } from "../../target/config/read.ts";
import { parseServiceModel } from "../../target/service/model.ts";
import { cellsOf, parseJob, showJob } from "../../bench/job/job.ts";
import { parseLatePlan } from "../../lab/late_plan.ts";
import { parseLoad } from "../../bench/load/options.ts";
import { mutateText } from "./mutate.ts";
import { must, pick, type Surface } from "./surface.ts";

export interface Reader {
  /** Good texts, from which the others are made. */
  readonly texts: readonly [string, ...string[]];
  /** Reads, and throws where the value is not what it promises. */
  read(text: string): void;
}

const WHAT = "--option";
/** ns that a reader may take before it counts as hanging. */
const PATIENCE = 2e9;

const DISTRIBUTIONS = [
  "50us",
  "fixed/1ms",
  "uniform/1us/5us",
  "normal/50us/5us",
  "lognormal/100us/50us",
  "exponential/1ms",
  "pareto/50us/1.5",
  "trace/delays.txt",
] as const;

function trace(): string {
  return "1us\n2us # slow\n\n3us\n";
}

export const READERS: Readonly<Record<string, Reader>> = {
  duration: {
    texts: ["50us", "1ms", "2s", "0.5ms", "100ns"],
    read(text) {
      const ns = parseDuration(text, WHAT);
      must(Number.isFinite(ns) && ns >= 0, () => `a duration of ${ns}`);
      must(Number.isFinite(parseDuration(formatDuration(ns), WHAT)), () => "it does not read back");
    },
  },
  size: {
    texts: ["512", "4k", "64m", "10g", "1t"],
    read(text) {
      const bytes = parseSize(text, WHAT);
      must(Number.isSafeInteger(bytes) && bytes >= 0, () => `a size of ${bytes}`);
      must(Number.isSafeInteger(parseSize(formatSize(bytes), WHAT)), () => "it does not read back");
    },
  },
  rate: {
    texts: ["1000iops", "100m", "4k"],
    read(text) {
      const { perSecond } = parseRate(text, WHAT);
      must(Number.isFinite(perSecond) && perSecond > 0, () => `a rate of ${perSecond}`);
    },
  },
  probability: {
    texts: ["1%", "0.001", "100%", "0"],
    read(text) {
      const p = parseProbability(text, WHAT);
      must(p >= 0 && p <= 1, () => `a probability of ${p}`);
    },
  },
  integer: {
    texts: ["1", "64", "255", "0x10"],
    read(text) {
      const value = parseInteger(text, WHAT, 1, 65_535);
      must(Number.isInteger(value) && value >= 1 && value <= 65_535, () => `an integer ${value}`);
    },
  },
  address: {
    texts: ["e7.3", "e0.0", "e65534.254"],
    read(text) {
      const { major, minor } = parseAddress(text, WHAT);
      must(major >= 0 && major < 0xffff && minor >= 0 && minor < 0xff, () => `e${major}.${minor}`);
    },
  },
  distribution: {
    texts: DISTRIBUTIONS,
    read(text) {
      const distribution = parseDistribution(text, WHAT, trace);
      const random = createRandom(1);
      for (let draws = 0; draws < 20; draws++) {
        const ns = distribution.sample(random);
        must(Number.isInteger(ns) && ns >= 0, () => `a sample of ${ns}`);
      }
    },
  },
  faults: {
    texts: [
      "tx:drop:1%,rx:delay:uniform/0us/500us",
      "rx:corrupt:0.1%/header,rx:duplicate:2%",
      "tx:reorder:5%/300us,tx:corrupt:1%",
    ],
    read(text) {
      const { tx, rx } = parseFaults(text, WHAT, trace);
      for (const { drop, corrupt, duplicate, reorder, reorderBy } of [tx, rx]) {
        const all = [drop, corrupt, duplicate, reorder];
        must(
          all.every((p) => p >= 0 && p <= 1),
          () => `probabilities ${all.join()}`,
        );
        must(Number.isFinite(reorderBy) && reorderBy >= 0, () => `reordered by ${reorderBy}`);
      }
    },
  },
  reclaim: {
    texts: [
      "eager",
      "coalesce:64/1ms",
      "delay:1ms",
      "next-xmit:100us",
      "on-receive:50us",
      "batch:32",
      "ring:64/32",
      "stuck",
    ],
    read(text) {
      parseReclaim(text, WHAT);
    },
  },
  late: {
    texts: ["hold:100ms,release:400ms", "hold:0s,drop:5ms,hold:5ms", "pulse:5ms/20ms"],
    read(text) {
      const { moves, pulse } = parseLatePlan(text, WHAT);
      must(pulse !== null || moves.length > 0, () => "a plan of nothing");
    },
  },
  service: {
    texts: [
      "lanes:4,delay:normal/50us/5us,drop:1%",
      "rate:1000iops/8,stall:1s/100ms",
      "seek:7200/1ms/10ms,error:unc/1%",
      "hang:0.1%,duplicate:1%,reorder:1%/1ms",
      "delay:trace/delays.txt",
    ],
    read(text) {
      const random = createRandom(1);
      parseServiceModel(text, { what: WHAT, random, sectors: 1000, loadTrace: trace });
    },
  },
  pool: {
    texts: ["completion 16 256 100ms", "fixed 4 0 on-release", "lifo-swap 1 1 1ms"],
    read(text) {
      const [pool = "", poolPrealloc = "", poolCap = "", kick = ""] = text.split(" ");
      const texts = { pool, poolPrealloc, poolCap, kick };
      const values = parseOptions(POOL_OPTIONS, texts);
      must(
        values.poolPrealloc >= 0 && values.poolCap >= 0,
        () => `${values.poolPrealloc} buffers and ${values.poolCap}`,
      );
    },
  },
  load: {
    texts: ["randrw 4k 16 10s 70", "read 64k 1 1s 0", "write 512 256 100ms 100"],
    read(text) {
      const [rw = "", bs = "", iodepth = "", runtime = "", rwmixread = ""] = text.split(" ");
      parseLoad({ rw, bs, iodepth, runtime, rwmixread });
    },
  },
  job: {
    texts: [
      '[global]\nrw = "randread"\nbs = "4k"\niodepth = 16\n\n[pools]\npool = ["fixed", "completion"]\nservice = { fast = "", slow = "lanes:4,delay:1ms" }\n',
      '[held]\nlink = "ring"\nlate = ["release:0s", "pulse:5ms/20ms"]\nwrite_lane = "on"\nlane_ring = "64k"\n',
      '[one]\nruntime = "1s"\nramp_time = "200ms"\nmtu = 9000\nkick = ["100ms", "on-release"]\n',
    ],
    read(text) {
      const job = parseJob(text, "fuzz.toml");
      must(showJob(job).length > 0, () => "nothing is shown");
      for (const each of job.jobs) must(cellsOf(each).length > 0, () => "a job without cells");
    },
  },
  config: {
    texts: [
      'interfaces = ["eth1"]\nstate = "state"\n\n[defaults]\nbuffer_count = 64\n\n[[export]]\naddress = "e7.3"\nfile = "disk.img"\nservice = "delay:1ms"\n',
      'interfaces = ["eth1", "eth2"]\n[[export]]\naddress = "e1.1"\nmemory = "64m"\nread_only = true\n[[export]]\naddress = "e1.2"\nfile = "b.img"\n',
    ],
    read(text) {
      parseConfig(text, "fuzz.toml");
    },
  },
};

const NAMES = Object.keys(READERS) as [string, ...string[]];

export const textSurface: Surface = {
  name: "texts",
  about: "option grammars, job files and target configurations",
  make(random: Random) {
    const name = pick(random, NAMES);
    const reader = READERS[name] as Reader;
    const text = pick(random, reader.texts);
    return `${name}\n${mutateText(text, random, 5)}`;
  },
  run(input) {
    const line = input.indexOf("\n");
    const reader = Object.hasOwn(READERS, input.slice(0, line))
      ? (READERS[input.slice(0, line)] as Reader)
      : null;
    if (reader === null) return "no reader";
    const begun = performance.now();
    try {
      reader.read(input.slice(line + 1));
      return "read";
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const { message, exitCode } = error;
      must(
        exitCode === EXIT.usage || exitCode === EXIT.environment,
        () => `exit code ${exitCode}: ${message}`,
      );
      must(message.trim() !== "", () => "a failure without a sentence");
      return "refused";
    } finally {
      const ns = (performance.now() - begun) * 1e6;
      must(ns < PATIENCE, () => `it took ${formatDuration(ns)}`);
    }
  },
};
