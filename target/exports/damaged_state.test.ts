// A state file that is none: its export alone is not served, until somebody says so.

import { afterAll, afterEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";

import { testsInLab } from "../../testing/suites/in_lab.ts";
import * as config from "../../wire/config.ts";
import {
  AOE,
  cleanUp,
  cleanups,
  fresh,
  memory,
  Peer,
  removeFiles,
  rewrite,
  serve,
} from "../../testing/doubles/lab_target.ts";
import { configFrame, readFrame, textOf } from "../../testing/doubles/probe.ts";

afterEach(cleanUp);
afterAll(removeFiles);

function stateDirectory(): string {
  const place = fresh(".state");
  mkdirSync(place);
  return place;
}

testsInLab(import.meta.path, { mtu: 1500 }, () => {
  test("the other exports are served; --reset-state keeps the file and starts its export again", async () => {
    const place = stateDirectory();
    const bad = `${place}/e7.3.json`;
    // Cut in the midst of a mask list.
    writeFileSync(bad, '{"version":1,"config":"","masks":["02:00');
    const head = `interfaces = ["b0"]\nstate = "${place}"`;
    const served = await serve(`${memory(3)}${memory(4)}`, head);
    expect(served.said()).toContain(
      `e7.3 is not served: its state file ${bad} is not JSON; --reset-state keeps it as ${bad}.damaged and starts e7.3 without config string, mask list and reservation`,
    );
    const peer = new Peer();
    expect(await peer.silent(readFrame(0, 1, { tag: 1 }))).toBe(true);
    await peer.ask(readFrame(0, 1, { tag: 2, minor: 4 }));
    // A reload finds it as the start did, and changes nothing.
    const control = await served.connect();
    rewrite(served, (text) => `${text}${memory(5)}`);
    expect(await control.ask({ verb: "reload" })).toMatchObject({
      ok: false,
      error: expect.stringContaining("e7.3 is not served"),
    });
    expect(await peer.silent(readFrame(0, 1, { tag: 3, minor: 5 }))).toBe(true);
    await control.ask({ verb: "quit" });
    expect(await served.exited).toBe(0);
    expect(existsSync(bad)).toBe(true);

    const again = await serve(`${memory(3)}${memory(4)}`, head, ["--reset-state"]);
    expect(again.said()).toContain(
      `e7.3 starts without config string, mask list and reservation: ${bad} is not JSON, and is now ${bad}.damaged`,
    );
    expect(readFileSync(`${bad}.damaged`, "utf8")).toContain("02:00");
    const set = configFrame(config.SET, "new", { tag: 4 });
    expect(textOf(await peer.ask(set))).toBe("new");
    expect(readdirSync(place).toSorted()).toEqual(["e7.3.json", "e7.3.json.damaged"]);
  });

  test("a FIFO in its place holds nothing up, and one export alone is a failure of the environment", async () => {
    const place = stateDirectory();
    expect(Bun.spawnSync(["mkfifo", `${place}/e7.3.json`]).exitCode).toBe(0);
    const image = fresh(".img");
    const child = Bun.spawn(
      [process.execPath, AOE, "target", "7", "3", "b0", image, "--create", "64k", "--state", place],
      { stdout: "ignore", stderr: "pipe" },
    );
    cleanups.push(() => child.kill("SIGKILL"));
    expect(await child.exited).toBe(5);
    expect(await new Response(child.stderr).text()).toContain(
      "can't be read: it must be a regular",
    );
  });
});
