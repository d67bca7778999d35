// `aoe bench`: its subcommands and their options. What they do is loaded when they are named.

import { Command, Option } from "commander";
import { PROCESSES } from "./load/arrivals.ts";
import { collect, judgeCommands } from "./judge/commands.ts";
import { LOAD_DEFAULTS } from "./load/options.ts";
import { TRACE_LIMIT } from "./load/trace/trace_limit.ts";
import { reportCommand } from "./report/command.ts";
import { reproduceCommand } from "./claims/command.ts";
import { growthCommand } from "./growth/command.ts";
import { peersCommand } from "./peers/command.ts";
import { wholeCommand } from "./whole/command.ts";
import { ORDERS } from "./load/workload.ts";
import { MODES } from "../target/config/values.ts";
import { STRATEGIES } from "../initiator/pool/buffer_pool.ts";

export function benchCommand(): Command {
  const bench = new Command("bench")
    .description("measure targets, initiators and the buffer pool")
    .helpCommand(false)
    .action(() => bench.help({ error: true }));
  bench.addCommand(loadCommand());
  bench.addCommand(runCommand());
  for (const command of judgeCommands()) bench.addCommand(command);
  bench.addCommand(reproduceCommand());
  bench.addCommand(reportCommand());
  bench.addCommand(wholeCommand());
  bench.addCommand(peersCommand());
  bench.addCommand(growthCommand());
  bench.addCommand(partsCommand(), { hidden: true });
  return bench;
}

/** Asked by another revision's `ab`. */
function partsCommand(): Command {
  return new Command("parts").action(async () => (await import("./run/parts.ts")).printParts());
}

function loadCommand(): Command {
  const load = new Command("load")
    .description("put load on a target that runs, and time it")
    .argument("<address>", "which device: e7.3")
    .requiredOption("--interface <name>", "where it is reached")
    .option(
      "--rw <order>",
      `${ORDERS.join(" ")} (default ${LOAD_DEFAULTS.rw}); only these with \`write\` or \`rw\` in them write`,
    )
    .option("--bs <size>", `bytes of a command (default ${LOAD_DEFAULTS.bs})`)
    .option("--iodepth <n>", `commands outstanding at most (default ${LOAD_DEFAULTS.iodepth})`)
    .option("--runtime <duration>", `measured time (default ${LOAD_DEFAULTS.runtime})`)
    .option(
      "--ramp-time <duration>",
      `warm-up before it, not in the figures (default ${LOAD_DEFAULTS.rampTime})`,
    )
    .option(
      "--warm-up <duration>",
      `at full speed before the ramp, with the link letting go at once, so that code is compiled (default ${LOAD_DEFAULTS.warmUp})`,
    )
    .option("--rwmixread <percent>", `reads in a mixed order (default ${LOAD_DEFAULTS.rwmixread})`)
    .option(
      "--randseed <n>",
      `seed of places, mix and arrivals (default ${LOAD_DEFAULTS.randseed})`,
    )
    .option(
      "--rate-iops <n>",
      "open loop: commands a second, due by the clock (default 0: closed loop)",
    )
    .option("--rate-process <process>", `arrivals of the open loop: ${PROCESSES.join(", ")}`)
    .option("--offset <size>", "where the region begins (default 0)")
    .option("--size <size>", "its length (default 0: to the end of the device)")
    .option("--verify <method>", "crc32c: stamp every sector written, check every sector read");
  poolOptions(load)
    .option("--cpus <list>", "run on these CPUs only: 1 or 0,2")
    .addOption(new Option("--mode <mode>", "how to wait for answers (low-latency)").choices(MODES))
    .option("--packet-life <duration>", "how long a late copy of a write is feared (1s)")
    .option("--target-pid <pid>", "also tell what this process costs meanwhile: the target's")
    .option("--wait <duration>", "until a device that does not answer is given up (default 5s)")
    .option("--json", "fio's json+ with an `aoe` block, on stdout")
    .option("--ndjson", "a line of JSON at the start, at each interval and at the end, on stdout")
    .option("--link <kind>", "packet, or ring: transmit from memory that the kernel holds (packet)")
    .option("--transmit-interface <if>", "where frames leave, if not by --interface")
    .option(
      "--late <plan>",
      "in `aoe lab --late`, when t0 holds what was sent: hold:AT,release:AT,drop:AT or pulse:PAUSE/PERIOD, from the warm-up's end on",
    )
    .option("--write-lane", "take the answers to writes by a socket of their own")
    .option("--receive-ring <size>", "memory of the receive ring (4m)")
    .option("--lane-ring <size>", "memory of the write lane's (4m)")
    .option(
      "--xdp <when>",
      "send small frames by AF_XDP: auto, on or off (auto: where nothing would miss them)",
    )
    .option("--drag <duration>", "burn CPU time for every transmit: a slow-down to be found (0us)")
    .option("--hgrm <file>", "write the latencies as an HdrHistogram percentile distribution")
    .option("--hlog <file>", "write them as an HdrHistogram log")
    .option("--trace <file>", "write each buffer's and command's life as a Chrome trace (Perfetto)")
    .option("--trace-limit <n>", `commands in it at most (default ${TRACE_LIMIT})`)
    .addHelpText(
      "after",
      `
Latencies of an open loop count from when a command was due, not from when it could be sent.

Examples:
  aoe bench load e7.3 --interface eth1 --rw randread --bs 4k --iodepth 16 --runtime 10s
  aoe bench load e7.3 --interface eth1 --rw randrw --verify crc32c --size 64m --json`,
    )
    .action(async (address: string, flags: Record<string, string | boolean>) => {
      const { loadAction } = await import("./load/load_action.ts");
      process.exitCode = await loadAction(address, flags);
    });
  return load;
}

function poolOptions(command: Command): Command {
  return command
    .option("--pool <strategy>", STRATEGIES.join(" "))
    .option("--pool-prealloc <n>", "buffers made at the start (default 16)")
    .option("--pool-cap <n>", "extra buffers at most (default 256)")
    .option(
      "--kick <duration>",
      "when dry with nothing outstanding, try again after this; or on-release (default 100ms)",
    )
    .option(
      "--reclaim <model>",
      "eager, coalesce:64/1ms, delay:1ms, next-xmit:100us, on-receive:100us, stuck (default eager)",
    )
    .option(
      "--faults <plan>",
      "drop, duplicate, reorder, corrupt, delay: tx:drop:1%,rx:delay:uniform/0us/500us",
    );
}

function runCommand(): Command {
  return new Command("run")
    .description("run a job file: labs, targets, images and loads are made for each trial")
    .argument("<job>", "a TOML file such as fixtures/jobs/demo.toml")
    .option(
      "--set <key=value>",
      "override a key in every section (a|b makes a list); may be repeated",
      collect,
      [],
    )
    .option("--show", "print the job as resolved and where each value came from, run nothing")
    .option("--json", "the whole result on stdout")
    .option("--ndjson", "a line of JSON at the start, after each trial and at the end, on stdout")
    .option("-o, --output <file>", "write the whole result to a file")
    .option("--save-baseline <name>", "keep the result under a name")
    .option("--baseline <name>", "judge the result beside the baseline of that name")
    .addHelpText(
      "after",
      `
Example:
  aoe bench run fixtures/jobs/demo.toml --set runtime=2s --set trials=3 -o result.json`,
    )
    .action(async (path: string, flags: Record<string, string | boolean | string[]>) => {
      const { runAction } = await import("./run_action.ts");
      process.exitCode = await runAction(path, flags);
    });
}
