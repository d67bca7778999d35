// `aoe target` as a process: what it refuses and how, and what foreign programs get from it over raw sockets in a
// lab of its own.

import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { pattern } from "../testing/doubles/probe.ts";

const AOE = join(import.meta.dir, "../aoe.ts");
const SBIN = `${process.env["PATH"]}:/usr/sbin:/sbin`;
const directory = mkdtempSync(join(tmpdir(), "aoe-target-"));
chmodSync(directory, 0o755);
afterAll(() => rmSync(directory, { recursive: true }));

const image = join(directory, "disk.img");
writeFileSync(image, pattern(128, 1));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(command: readonly string[]): Promise<Ended> {
  const child = Bun.spawn([...command], {
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, PATH: SBIN },
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, err };
}

function target(...words: string[]): Promise<Ended> {
  return run([process.execPath, AOE, "target", ...words]);
}

/** One sentence, no stack. */
function expectSentence({ err }: Ended, ...parts: readonly string[]): void {
  for (const part of parts) expect(err).toContain(part);
  expect(err.trim().split("\n")).toHaveLength(1);
  expect(err).not.toMatch(/\bat .*:\d+:\d+/);
}

describe("what is refused", () => {
  const ragged = join(directory, "ragged.img");
  writeFileSync(ragged, new Uint8Array(1000));
  const empty = join(directory, "empty.img");
  writeFileSync(empty, "");
  const fifo = join(directory, "fifo");
  Bun.spawnSync(["mkfifo", fifo]);
  test.each<[string, string[], number, string[]]>([
    ["shelf 65535", ["65535", "0", "lo", image], 2, ["shelf", "65534", "`65535`"]],
    ["slot 255", ["0", "255", "lo", image], 2, ["slot", "254", "`255`"]],
    ["a shelf that is no number", ["seven", "0", "lo", image], 2, ["shelf", "`seven`"]],
    ["an unknown option", ["7", "3", "lo", image, "--warp-drive"], 2, ["--warp-drive"]],
    ["too few words", ["7", "3", "lo"], 2, ["file"]],
    ["a buffer count of 1", ["-b", "1", "7", "3", "lo", image], 2, ["--buffer-count", "`1`"]],
    ["a mask that is no MAC", ["-m", "00:11", "7", "3", "lo", image], 2, ["--mask", "`00:11`"]],
    ["an offset below 0", ["-o", "-1", "7", "3", "lo", image], 2, ["--offset"]],
    ["an offset behind the end", ["-o", "128", "7", "3", "lo", image], 2, ["offset", "128"]],
    ["a length of 0", ["-l", "0", "7", "3", "lo", image], 2, ["--length", "`0`"]],
    [
      "a delay without a unit",
      ["--delay", "5", "--service", "drop:1%", "7", "3", "lo", image],
      2,
      ["Expected `--delay` to be a duration", "unit", "`5`"],
    ],
    [
      "a chance of 1",
      ["--service", "drop:1", "7", "3", "lo", image],
      2,
      ["`--service drop`", "100% (always) or 1% (one in a hundred)", "`1`"],
    ],
    [
      "an address in one word",
      ["e7.3", "lo", image],
      2,
      [`\`aoe target 7 3 lo ${image}\``, "`e7.3`"],
    ],
    [
      "a size without a unit",
      ["--create", "64", "7", "3", "lo", `${image}.none`],
      2,
      ["`--create`", "64m for 64 MiB", "`64`, which is 64 bytes"],
    ],
    ["0 lanes", ["--lanes", "0", "7", "3", "lo", image], 2, ["--lanes", "`0`"]],
    ["an unknown service model", ["--service", "slow:1ms", "7", "3", "lo", image], 2, ["slow"]],
    ["an unknown fault", ["--faults", "tx:eat:1%", "7", "3", "lo", image], 2, ["--faults"]],
    [
      "an unknown use of AF_XDP",
      ["--xdp", "1", "7", "3", "lo", image],
      2,
      ["`--xdp`", "auto, on, off", "`1`"],
    ],
    ["an unknown mode", ["--mode", "fastest", "7", "3", "lo", image], 2, ["fastest"]],
    [
      "a missing image",
      ["7", "3", "lo", `${image}.none`],
      5,
      [`${image}.none`, "does not exist", "--create"],
    ],
    ["a ragged image", ["7", "3", "lo", ragged], 5, ["512", "1000"]],
    ["a directory", ["-r", "7", "3", "lo", directory], 5, ["directory"]],
    ["a FIFO", ["7", "3", "lo", fifo], 5, ["FIFO", fifo]],
    ["a FIFO that is only read", ["-r", "7", "3", "lo", fifo], 5, ["FIFO"]],
    ["a character device", ["7", "3", "lo", "/dev/null"], 5, ["character device"]],
    ["an empty file", ["7", "3", "lo", empty], 5, ["empty"]],
    ["a file in the way of a new image", ["--create", "1m", "7", "3", "lo", image], 5, ["1048576"]],
    ["a new image without a size", ["--create", "x", "7", "3", "lo", image], 2, ["--create"]],
    ["a new image nowhere", ["--create", "1m", "7", "3", "lo", "/none/x"], 5, ["/none/x"]],
    ["a control socket that is a file", ["--control", ragged, "7", "3", "lo", image], 5, [ragged]],
    ["a missing interface", ["7", "3", "nowhere0", image], 5, ["nowhere0"]],
  ])("%s", async (_name, words, code, parts) => {
    const ended = await target(...words);
    expectSentence(ended, ...parts);
    expect(ended.code).toBe(code);
    expect(ended.out).toBe("");
  });

  const root = process.getuid?.() === 0;
  const setpriv = Bun.which("setpriv", { PATH: SBIN });
  const unprivileged = root && setpriv === null ? " (skipped: no setpriv)" : "";

  test.skipIf(unprivileged !== "")(
    `a file that may not be read, or not written${unprivileged}`,
    async () => {
      const own = join(directory, `mine-${process.pid}.img`);
      writeFileSync(own, pattern(8, 2));
      // Root may read anything unless it gives that up.
      const without = root
        ? [setpriv as string, "--bounding-set=-dac_override,-dac_read_search"]
        : [];
      for (const [mode, words, part] of [
        [0o000, [], "No permission to write"],
        [0o400, [], "-r serves it read-only"],
        [0o000, ["-r"], "Permission denied"],
      ] as const) {
        chmodSync(own, mode);
        const ended = await run([
          ...without,
          process.execPath,
          AOE,
          "target",
          ...words,
          "7",
          "3",
          "lo",
          own,
        ]);
        expectSentence(ended, own, part);
        expect(ended.code).toBe(5);
      }
    },
  );

  test.skipIf(root && setpriv === null)(
    `no permission for raw sockets${root && setpriv === null ? " (skipped: no setpriv)" : ""}`,
    async () => {
      const without = root ? [setpriv as string, "--bounding-set=-net_raw"] : [];
      const ended = await run([...without, process.execPath, AOE, "target", "7", "3", "lo", image]);
      expectSentence(ended, "CAP_NET_RAW");
      expect(ended.code).toBe(5);
    },
  );
});

/** Whether labs work here at all; their own tests say why not. */
const lab = await run([process.execPath, AOE, "lab", "--", "true"]);
const noLab = lab.code === 0 ? "" : ` (skipped: ${lab.err.trim()})`;

/**
 * Runs a shell script in a lab, beside a target on $AOE_LAB_B whose words behind the address are `words`.
 * The script runs once the target is ready; its output comes back, and the target's in `said`.
 */
async function beside(
  words: string,
  script: string,
  mtu = 1500,
): Promise<Ended & { said: string }> {
  const log = join(directory, `${Math.random()}.log`);
  const whole = `
    ${process.execPath} ${AOE} target 7 3 $AOE_LAB_B ${words} 2> ${log} & target=$!
    for i in $(seq 1500); do grep -q serves ${log} && break; sleep 0.02; done
    ${script}
    kill -TERM $target; wait $target; echo "target ended with $?"`;
  const ended = await run([
    process.execPath,
    AOE,
    "lab",
    "--mtu",
    String(mtu),
    "--",
    "sh",
    "-c",
    whole,
  ]);
  return { ...ended, said: readFileSync(log, "utf8") };
}

describe.skipIf(noLab !== "")(`over raw sockets${noLab}`, () => {
  const aoeping = Bun.which("aoeping", { PATH: SBIN });
  const aoecfg = Bun.which("aoecfg", { PATH: SBIN });
  const absent = aoeping === null || aoecfg === null ? " (skipped: no aoetools)" : "";

  test.skipIf(absent !== "")(
    `P18: aoeping and aoecfg (aoetools) are answered${absent}`,
    async () => {
      const ended = await beside(
        image,
        `aoeping -s 5 7 3 $AOE_LAB_A; echo "ping $?"
       aoeping -s 5 -I 7 3 $AOE_LAB_A; echo "identify $?"
       aoeping -s 5 -S return_status 7 3 $AOE_LAB_A
       timeout 5 aoecfg -c set -s "from aoecfg" 7 3 $AOE_LAB_A
       timeout 5 aoecfg -c read 7 3 $AOE_LAB_A; echo "config $?"
       timeout 0.3 aoecfg -c test -s "something else" 7 3 $AOE_LAB_A; echo "mismatch $?"`,
      );
      expect(ended.out).toContain("from aoecfg");
      for (const end of ["ping 0", "identify 0", "config 0", "mismatch 124"]) {
        expect(ended.out).toContain(end);
      }
      expect(ended.out).toContain("AoE software target");
      // Debian's aoeping 36 loses the registers of an answer that is good, and says so only by its exit code.
      expect(ended.err).not.toMatch(/does not support SMART|SMART command aborted/);
      expect(ended.out).toContain("target ended with 0");
      expect(ended.said).toContain("e7.3 serves");
    },
    60_000,
  );

  test("a signal ends it with 0, after a report", async () => {
    const ended = await beside(`${image} -r`, "true");
    expect(ended.out).toContain("target ended with 0");
    expect(ended.said).toMatch(
      /e7\.3 serves .*disk\.img \(128 sectors\) on b0 .*, mtu 1500, 2 sectors a command, read-only/,
    );
    expect(ended.said).toMatch(/e7\.3: 0 reads, 0 writes/);
    expect(ended.said).toMatch(/b0: \d+ frames in/);
  }, 60_000);

  test("P13: an interface with an MTU under 534 is refused with a sentence", async () => {
    const ended = await run([
      ...[process.execPath, AOE, "lab", "--mtu", "576", "--", "sh", "-c"],
      `ip link set b0 mtu 533; ${process.execPath} ${AOE} target 7 3 b0 ${image}`,
    ]);
    expectSentence(ended, "MTU of b0", "534", "533");
    expect(ended.code).toBe(5);
  }, 60_000);

  test("an interface that is named twice is served once", async () => {
    const ended = await run([
      ...[process.execPath, AOE, "lab", "--", "sh", "-c"],
      `${process.execPath} ${AOE} target 7 3 b0,b0 ${image} -r 2>${directory}/twice.log & target=$!
       for i in $(seq 1500); do grep -q serves ${directory}/twice.log && break; sleep 0.02; done
       kill -TERM $target; wait $target; code=$?; cat ${directory}/twice.log >&2; exit $code`,
    ]);
    expect(ended.err.split("e7.3 serves")).toHaveLength(2);
    expect(ended.code).toBe(0);
  }, 60_000);

  test("an image that a target serves is not served by a second one", async () => {
    const ended = await beside(image, `${process.execPath} ${AOE} target 7 4 $AOE_LAB_A ${image}`);
    expect(ended.err).toContain("in use by another target");
  }, 60_000);

  test("--capture leaves a capture, --state a state file, and both outlast a second signal", async () => {
    const capture = join(directory, "c.pcap");
    const state = join(directory, "state");
    const ended = await beside(
      `${image} --capture ${capture} --state ${state} --service hang:100% --mode frugal`,
      absent === "" ? "timeout 5 aoecfg -c set -s kept 7 3 $AOE_LAB_A" : "true",
    );
    expect(ended.out).toContain("target ended with 0");
    // The announcement at least.
    expect(statSync(capture).size).toBeGreaterThan(24 + 16 + 59);
    if (absent !== "") return;
    expect(readFileSync(join(state, "e7.3.json"), "utf8")).toContain(
      Buffer.from("kept").toString("hex"),
    );
  }, 60_000);
});
