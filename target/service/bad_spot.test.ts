// A bad spot on a device, over raw sockets: the device is found, reads of the spot fail and name it, all else works;
// told by a configuration and moved by the control socket.

import { afterAll, afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";

import { testsInLab } from "../../testing/suites/in_lab.ts";
import {
  AOE,
  cleanUp,
  fresh,
  memory,
  removeFiles,
  serve,
} from "../../testing/doubles/lab_target.ts";
import { pattern } from "../../testing/doubles/probe.ts";
import { runChild } from "../../bench/machine/child.ts";

afterEach(cleanUp);
afterAll(removeFiles);

async function initiator(...words: string[]) {
  const {
    code,
    stdout: out,
    stderr: err,
  } = await runChild([process.execPath, AOE, "initiator", ...words, "--interface", "a0"]);
  return { code, said: `${out}${err}` };
}

testsInLab(import.meta.path, { mtu: 1500 }, () => {
  test("reads of the spot fail, and nothing else does", async () => {
    const served = await serve(memory(3, 'service = "error:unc/100%/read/64-71"'));
    const read = (offset: string, size: string) =>
      initiator("read", "e7.3", "-o", fresh(".raw"), "--offset", offset, "--size", size);
    const image = fresh(".raw");
    writeFileSync(image, pattern(128, 1));
    expect((await initiator("info", "e7.3")).said).toContain("64 KiB");
    expect((await initiator("write", "e7.3", image)).code).toBe(0);
    expect((await read("0", "32k")).code).toBe(0);
    expect((await read("36k", "28k")).code).toBe(0);
    const failed = await read("0", "64k");
    expect(failed.code).toBe(1);
    expect(failed.said).toMatch(/sector 64\b/);
    const control = await served.connect();
    const moved = { verb: "service", export: "e7.3", model: "error:idnf/100%/write/0" };
    expect(await control.ask(moved)).toEqual({ ok: true, service_model: moved.model });
    expect((await read("0", "64k")).code).toBe(0);
    const refused = await initiator("write", "e7.3", image);
    expect([refused.code, refused.said.includes("sector 0")]).toEqual([1, true]);
  }, 50_000);
});
