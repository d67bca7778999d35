// Which target `ctl` and `top` speak to: the one that --socket names, else the only one whose socket stands where units
// and people put it.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { probeLab, runInLab } from "../../lab/lab.ts";
import { EXIT, Failure } from "../../words/failure.ts";
import { connectControl } from "./client.ts";

const folder = mkdtempSync(join(tmpdir(), "aoe-client-"));
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

let folders = 0;

/** A folder like /run with a target for each name, which answers by its name. */
async function run(...names: string[]): Promise<string> {
  const place = join(folder, `${folders++}`);
  mkdirSync(place);
  for (const name of names) await listen(place, name);
  return place;
}

async function listen(place: string, name: string): Promise<void> {
  mkdirSync(join(place, name));
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => socket.write(`${JSON.stringify({ ok: true, name })}\n`));
  });
  servers.push(server);
  await new Promise<void>((done) => {
    server.listen(join(place, name, "control"), done);
  });
}

async function answer(given: string | undefined, place: string): Promise<unknown> {
  try {
    const client = await connectControl(given, place);
    const { name } = await client.ask({ verb: "stats" });
    client.close();
    return name;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [error.exitCode, error.message];
  }
}

describe("without --socket", () => {
  test.each(["aoe", "aoe-lab"])("the only target that listens: in %s", async (name) => {
    const place = await run(name);
    // What a dead one has left, and what is no target's.
    Bun.spawnSync([
      process.execPath,
      "-e",
      `require("net").createServer().listen(${JSON.stringify(join(place, "stale"))}, () => process.kill(process.pid, "SIGKILL"))`,
    ]);
    mkdirSync(join(place, "aoe-dead"));
    Bun.spawnSync(["mv", join(place, "stale"), join(place, "aoe-dead", "control")]);
    mkdirSync(join(place, "aoe-empty"));
    mkdirSync(join(place, "other"));
    expect(await answer(undefined, place)).toBe(name);
  });

  test("of several, none is taken", async () => {
    const place = await run("aoe-b", "aoe", "aoe-c");
    expect(await answer(undefined, place)).toEqual([
      EXIT.usage,
      `Expected \`--socket\` to say which target is meant: they listen at ${place}/aoe/control and ${place}/aoe-b/control and ${place}/aoe-c/control`,
    ]);
    expect(await answer(join(place, "aoe-b", "control"), place)).toBe("aoe-b");
  });

  test("where there is none, what is missing is said", async () => {
    const place = await run();
    expect(await answer(undefined, place)).toEqual([
      EXIT.environment,
      `No target listens at ${place}/aoe/control or ${place}/aoe-NAME/control: \`--socket\` names the path that its \`--control\` has`,
    ]);
  });
});

test("with --socket, the option is named where nobody listens", async () => {
  const path = join(folder, "none");
  expect(await answer(path, folder)).toEqual([
    EXIT.environment,
    `No target listens at ${path}: there is no such file; \`--socket\` must be the path of the target's \`--control\` (\`control\` of its configuration)`,
  ]);
});

const lab = probeLab();
test.skipIf(!lab.available)(
  "the unit's own place, by the command (skipped where no lab can be made)",
  async () => {
    const aoe = `${process.execPath} ${resolve(import.meta.dir, "../../aoe.ts")}`;
    const script = `
    mount -t tmpfs none /run && mkdir /run/aoe-lab || exit 77
    truncate -s 1m /run/disk.img
    ${aoe} target 7 3 b0 /run/disk.img --control /run/aoe-lab/control 2>/dev/null & target=$!
    for i in $(seq 1500); do [ -S /run/aoe-lab/control ] && break; sleep 0.05; done
    ${aoe} target ctl stats
    ${aoe} target ctl quit
    wait $target`;
    const { exitCode, stdout, stderr } = await runInLab(["sh", "-c", script]);
    if (exitCode === 77) return console.log("skipped: no tmpfs can be mounted here");
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout).toContain('"export":"e7.3"');
  },
  60_000,
);
