// Labs as root and as an ordinary user: what is in them, how they end, and that nothing stays behind.

import { resolve } from "node:path";

import { describe, expect, test } from "bun:test";

import { labCommandLine, labEnv, type LabRun, probeLab, runInLab } from "./lab.ts";
import { childrenOf, readStat } from "./process_tree.ts";
import { type User, usersToTry } from "../testing/suites/users.ts";

const AOE = resolve(import.meta.dir, "../aoe.ts");
const probe = probeLab();

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(user: User, words: readonly string[], env: Record<string, string> = {}) {
  return Bun.spawn([...user.prefix, process.execPath, AOE, "lab", ...words], {
    env: { ...process.env, ...user.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function finish(child: ReturnType<typeof start>): Promise<Ended> {
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  return { exitCode: child.exitCode, stdout, stderr };
}

function lab(user: User, ...words: string[]): Promise<Ended> {
  return finish(start(user, words));
}

/** The process and everything below it. */
function treeOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

function isAlive(pid: number): boolean {
  const stat = readStat(pid);
  return stat !== null && stat.state !== "Z" && stat.state !== "X";
}

/** Processes whose command line holds `mark`. */
function marked(mark: string): number[] {
  const listing = Bun.spawnSync(["ps", "-eo", "pid=,stat=,args="]).stdout.toString();
  return listing
    .split("\n")
    .filter((line) => line.includes(mark) && !/^\s*\d+ Z/.test(line))
    .map((line) => Number.parseInt(line, 10));
}

async function until(what: string, holds: () => boolean, ms = 5_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`after ${ms} ms still not: ${what}`);
    await Bun.sleep(10);
  }
}

/** Starts a command that says "ready", and returns when it did. */
async function startReady(user: User, script: string) {
  const child = start(user, ["--", "sh", "-c", script]);
  const reader = child.stdout.getReader();
  let said = "";
  while (!said.includes("ready")) {
    const { value, done } = await reader.read();
    if (done)
      throw new Error(`ended before it was ready: ${await new Response(child.stderr).text()}`);
    said += new TextDecoder().decode(value);
  }
  return { child, reader, said: () => said };
}

/** Runs a script in a lab on a terminal, types `keys` when it says "ready". */
async function atTerminal(user: User, script: string, keys: string) {
  let said = "";
  const decoder = new TextDecoder();
  const child = Bun.spawn(
    [...user.prefix, process.execPath, AOE, "lab", "--", "bash", "-c", script],
    {
      env: { ...process.env, ...user.env },
      terminal: {
        data(_terminal, data) {
          said += decoder.decode(data, { stream: true });
        },
      },
    },
  );
  await until("the command is ready", () => said.includes("ready"));
  child.terminal?.write(keys);
  await child.exited;
  child.terminal?.close();
  return { exitCode: child.exitCode, said: said.replaceAll(/[\r\n]/g, "") };
}

if (!probe.available) {
  test.skip(`labs: ${probe.reason}`, () => {});
} else {
  for (const user of usersToTry()) {
    describe(`as ${user.name}`, () => {
      test("has the pair, up, with the MTU, and nothing else", async () => {
        const run = await lab(user, "--mtu", "1500", "--", "ip", "-j", "link");
        expect(run.stderr).toBe("");
        expect(run.exitCode).toBe(0);
        const links = JSON.parse(run.stdout) as {
          ifname: string;
          mtu: number;
          operstate: string;
          address: string;
        }[];
        expect(links.map((link) => link.ifname).sort()).toEqual(["a0", "b0", "lo"]);
        for (const link of links.filter(({ ifname }) => ifname !== "lo")) {
          expect([link.mtu, link.operstate]).toEqual([1500, "UP"]);
          expect(link.address).toBe(`02:00:00:00:00:${link.ifname}`);
        }
      });

      test("defaults to MTU 9000, makes several pairs, tells their names", async () => {
        const run = await lab(
          user,
          "-v",
          "--pairs",
          "3",
          "--",
          "sh",
          "-c",
          'echo "$AOE_LAB_A $AOE_LAB_B $AOE_LAB_PAIRS $AOE_LAB_MTU"; ip -br link show a2',
        );
        expect(run.exitCode).toBe(0);
        expect(run.stdout).toStartWith("a0 b0 a0:b0 a1:b1 a2:b2 9000\na2@b2");
        expect(run.stderr).toBe("Lab: a0-b0 a1-b1 a2-b2, MTU 9000\n");
      });

      test("is silent: no frame leaves or comes in by itself", async () => {
        const run = await lab(user, "--", "sh", "-c", "sleep 0.5; ip -s -j link show a0");
        const [link] = JSON.parse(run.stdout) as {
          stats64: { rx: { packets: number }; tx: { packets: number } };
        }[];
        expect(link?.stats64.rx.packets).toBe(0);
        expect(link?.stats64.tx.packets).toBe(0);
      });

      test("passes on exit codes, and 128 + n for signals", async () => {
        const rows: [string, number][] = [
          ["exit 0", 0],
          ["exit 7", 7],
          ["kill -TERM $$", 143],
          ["kill -INT $$", 130],
          ["kill -KILL $$", 137],
        ];
        const codes = await Promise.all(
          rows.map(async ([script]) => (await lab(user, "--", "sh", "-c", script)).exitCode),
        );
        expect(codes).toEqual(rows.map(([, code]) => code));
      });

      test("says which command is missing", async () => {
        const run = await lab(user, "--", "no-such-program");
        expect(run.exitCode).toBe(5);
        expect(run.stderr).toBe("There is no command no-such-program to run in the lab\n");
      });

      test("hands stdin, stdout and stderr through", async () => {
        const child = Bun.spawn(
          [...user.prefix, process.execPath, AOE, "lab", "--", "sh", "-c", "cat; echo told >&2"],
          {
            env: { ...process.env, ...user.env },
            stdin: new TextEncoder().encode("one\ntwo\n"),
            stdout: "pipe",
            stderr: "pipe",
          },
        );
        expect(await new Response(child.stdout).text()).toBe("one\ntwo\n");
        expect(await new Response(child.stderr).text()).toBe("told\n");
        expect(await child.exited).toBe(0);
      });

      test("passes signals on to the command, which may handle them", async () => {
        const rows: [NodeJS.Signals, string, number][] = [
          ["SIGTERM", "", 143],
          ["SIGINT", "", 130],
          ["SIGTERM", "trap 'exit 9' TERM;", 9],
          ["SIGINT", "trap 'exit 10' INT;", 10],
          ["SIGUSR1", "trap 'exit 11' USR1;", 11],
        ];
        await Promise.all(
          rows.map(async ([signal, trap, code]) => {
            const script = `${trap} echo ready; while :; do sleep 0.01; done`;
            const { child } = await startReady(user, script);
            child.kill(signal);
            await child.exited;
            expect([signal, trap, child.exitCode]).toEqual([signal, trap, code]);
          }),
        );
      });

      test("a terminal's Ctrl-C reaches the command once, and its exit code counts", async () => {
        const script =
          "n=0; trap 'n=$((n+1))' INT; echo ready; for i in 1 2 3 4; do sleep 0.1; done; echo n=$n; exit 8";
        expect(await atTerminal(user, script, "\x03")).toEqual({ exitCode: 8, said: "ready^Cn=1" });
        expect(await atTerminal(user, "echo ready; sleep 1000", "\x03")).toEqual({
          exitCode: 130,
          said: "ready^C",
        });
        const reading = "echo ready; read line; echo got $line";
        expect(await atTerminal(user, reading, "hi\n")).toEqual({
          exitCode: 0,
          said: "readyhigot hi",
        });
      });

      test("nothing is left after SIGKILL of the parent", async () => {
        const { child } = await startReady(
          user,
          "setsid sleep 1000 & (trap '' TERM HUP INT; sleep 1000) & echo ready; sleep 1000",
        );
        // aoe, unshare, the lab's shell, the command, its three sleeps, a subshell.
        await until("all processes are there", () => treeOf(child.pid).length >= 7);
        const tree = treeOf(child.pid);
        expect(tree.every(isAlive)).toBe(true);
        child.kill("SIGKILL");
        await until("all processes of the lab are gone", () => !tree.some(isAlive));
      }, 60_000);

      test("nothing is left when SIGKILL comes while the lab is being made", async () => {
        const mark = `86${process.pid}${user.prefix.length}`;
        for (let ms = 20; ms < 110; ms += 9) {
          const child = start(user, ["--", "sleep", mark]);
          await Bun.sleep(ms);
          child.kill("SIGKILL");
          await child.exited;
        }
        await until("no marked process is left", () => marked(mark).length === 0);
      }, 60_000);

      test("nothing is left when the command leaves a daemon behind", async () => {
        const mark = `87${process.pid}${user.prefix.length}`;
        const run = await lab(
          user,
          "--",
          "sh",
          "-c",
          `setsid sleep ${mark} >/dev/null 2>&1 & sleep 0.1`,
        );
        expect(run.exitCode).toBe(0);
        await until("the daemon is gone", () => marked(mark).length === 0);
      }, 60_000);

      test("a lab in a lab", async () => {
        const inner = await lab(
          user,
          ...["--", process.execPath, AOE, "lab", "--mtu", "4000", "--"],
          ...["sh", "-c", "ip -o link show a0"],
        );
        expect(inner.stdout).toContain("mtu 4000");
        expect(inner.exitCode).toBe(0);
      });
    });
  }

  test("in a lab, /proc and process ids agree", async () => {
    const run = await runInLab([
      process.execPath,
      "-p",
      'require("node:fs").readlinkSync("/proc/self") === String(process.pid)',
    ]);
    expect(run.stdout).toBe("true\n");
  });

  test("runInLab ends what takes too long", async () => {
    const begun = performance.now();
    const run = await runInLab(["sleep", "1000"], { timeoutMs: 300 });
    expect(run.exitCode).toBe(137);
    expect(performance.now() - begun).toBeLessThan(3_000);
  });

  test("runInLab takes stdin, environment and folder", async () => {
    const run = await runInLab(["sh", "-c", "cat; echo $WORD; pwd"], {
      stdin: "in",
      env: { WORD: "word" },
      cwd: "/usr",
    });
    expect(run).toEqual({ exitCode: 0, stdout: "inword\n/usr\n", stderr: "" });
  });

  test("a parent that died before the lab was whole stops it", () => {
    const line = labCommandLine(["echo", "reached"]).map((word) =>
      word.replace(/\[ -d \/proc\/\d+ \]/, "[ -d /proc/999999999 ]"),
    );
    const run = Bun.spawnSync(line, { env: labEnv() });
    expect(run.stdout.toString()).toBe("");
    expect(run.exitCode).toBe(5);
  });
}

describe("where no lab can be made", () => {
  const refuse = (script: string): Promise<LabRun> =>
    runInLab([
      "sh",
      "-c",
      `${script}; exec "$@"`,
      "sh",
      process.execPath,
      AOE,
      "lab",
      "--",
      "true",
    ]);

  // A lab has a mount namespace of its own, in which programs can be hidden, and limits of its own.
  test.skipIf(!probe.available)("one sentence says which program is missing", async () => {
    for (const [program, origin] of [
      ["unshare", "util-linux"],
      ["setpriv", "util-linux"],
      ["ip", "iproute2"],
    ]) {
      const run = await refuse(`mount --bind /dev/null "$(command -v ${program})"`);
      expect(run.stderr).toBe(
        `No lab can be made: \`${program}\` (${origin}) is neither in PATH nor in /usr/sbin or /sbin.\n`,
      );
      expect(run.exitCode).toBe(5);
    }
  });

  test.skipIf(!probe.available)("one sentence says that namespaces are forbidden", async () => {
    const run = await refuse(
      "cd /proc/sys/user; echo 0 > max_user_namespaces; echo 0 > max_net_namespaces",
    );
    expect(run.stderr).toStartWith(
      "No lab can be made: this kernel or container forbids user and network namespaces (unshare",
    );
    expect(run.stderr.trim().split("\n")).toHaveLength(1);
    expect(run.exitCode).toBe(5);
  });

  test.skipIf(!probe.available)(
    "root does without a user namespace where only that is refused",
    async () => {
      const run = await runInLab([
        ...["sh", "-c", 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"', "sh"],
        ...[process.execPath, AOE, "lab", "--mtu", "4000", "--", "ip", "-o", "link", "show", "a0"],
      ]);
      expect(run.stderr).toBe("");
      expect(run.stdout).toContain("mtu 4000");
    },
  );

  test("options out of range are usage errors", async () => {
    const rows: [string[], string][] = [
      [["--mtu", "67"], "Expected `--mtu` to be an integer between 68 and 65535, got `67`\n"],
      [["--mtu", "9k"], "Expected `--mtu` to be an integer between 68 and 65535, got `9k`\n"],
      [["--pairs", "0"], "Expected `--pairs` to be an integer between 1 and 16, got `0`\n"],
      [[], "Nothing to run: `aoe lab [options] -- COMMAND…` needs a command.\n"],
    ];
    for (const [options, sentence] of rows) {
      const words = options.length === 0 ? [] : [...options, "--", "true"];
      const run = await lab({ name: "us", prefix: [], env: {} }, ...words);
      expect([run.exitCode, run.stderr]).toEqual([2, sentence]);
    }
  });
});
