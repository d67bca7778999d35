// `write`, `copy` and `nbd` at a target that carries out no flush, over raw sockets: what they say and end with.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NullTarget } from "../../bench/run/null_target.ts";
import { drive } from "../../link/drive.ts";
import type { FrameView, Link } from "../../link/link.ts";
import { openPacketLink } from "../../link/packet.ts";
import { createPollWaiter } from "../../link/poll_waiter.ts";
import { inNamespace } from "../../testing/suites/in_namespace.ts";
import * as header from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";

const AOE = new URL("../../aoe.ts", import.meta.url).pathname;
const BYTES = Buffer.alloc(64 * 1024, "what is to become durable\n");

if (inNamespace(import.meta.path)) {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "aoe-no-flush-"));
    writeFileSync(join(folder, "source"), BYTES);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const aoe = (...words: string[]) =>
    Bun.spawn([process.execPath, AOE, ...words], {
      cwd: folder,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });

  let target: ReturnType<typeof aoe> | null = null;
  afterEach(async () => {
    target?.kill("SIGTERM");
    await target?.exited;
    target = null;
  });

  /** `-s`: its write cache is off. */
  async function serve(...more: string[]): Promise<void> {
    const service = "error:abrt/100%/flush";
    rmSync(join(folder, "image"), { force: true });
    target = aoe(
      "target",
      "7",
      "3",
      "vb",
      "image",
      "--create",
      "1m",
      "--service",
      service,
      ...more,
    );
    let text = "";
    for await (const piece of target.stderr) {
      text += new TextDecoder().decode(piece);
      if (text.includes("serves")) return;
    }
    throw new Error(text);
  }

  async function run(...words: string[]) {
    const child = aoe("initiator", ...words, "--interface", "va");
    const err = await child.stderr.text();
    return { err, code: await child.exited };
  }
  const written = (): boolean =>
    readFileSync(join(folder, "image")).subarray(0, BYTES.length).equals(BYTES);
  const WHY = "e7.3 can't flush: the target aborted it (ATA status 0x41, error 0x04)";

  describe.each([
    ["write", ["write", "e7.3", "source"]],
    ["copy", ["copy", "source", "e7.3"]],
  ] as const)("%s", (_, words) => {
    test("succeeds where its write cache is off, and says so", async () => {
      await serve("-s");
      const { err, code } = await run(...words);
      expect(err).toContain(
        `${WHY}; e7.3 says that its write cache is off, so what it has answered is durable without it\n`,
      );
      expect([code, written()]).toEqual([0, true]);
    }, 60_000);

    test("fails where it is on, and says that all is written", async () => {
      await serve();
      const { err, code } = await run(...words);
      expect(err).toContain(`${WHY}; all is written, and e7.3 says that its write cache is on`);
      expect([code, written()]).toEqual([1, true]);
    }, 60_000);
  });

  test("nbd serves without flush where a flush stays unanswered and all else is answered", async () => {
    const waiter = createPollWaiter();
    const link = openPacketLink({ interface: "vb" });
    for (const fd of link.fds) waiter.add(fd);
    const deaf: Link = Object.create(link, {
      receive: {
        value: (visit: (frame: FrameView) => void, limit: number) =>
          link.receive((frame) => {
            if (!isFlush(frame)) visit(frame);
          }, limit),
      },
    });
    const core = new NullTarget([deaf], 2048, 16);
    let ended = false;
    const driven = drive({ core, waiter, mode: "frugal", slice: 5e6, until: () => ended });
    try {
      const socket = join(folder, "nbd");
      const words = ["nbd", "e7.3", "--socket", socket, "--timeout", "1s", "--interface", "va"];
      const child = aoe("initiator", ...words);
      let text = "";
      let served = false;
      for await (const piece of child.stderr) {
        text += new TextDecoder().decode(piece);
        if (!text.includes("Serving") || served) continue;
        served = true;
        // It is served: a client gets its greeting.
        const greeted = Promise.withResolvers<string>();
        const client = await Bun.connect({
          unix: socket,
          socket: { data: (_, bytes) => greeted.resolve(bytes.subarray(0, 8).toString()) },
        });
        expect(await greeted.promise).toBe("NBDMAGIC");
        client.end();
        child.kill("SIGTERM");
      }
      expect(await child.exited).toBe(0);
      expect(text).toMatch(
        /^e7\.3 can't flush: no answer within 1(\.\d+)? s \(\d+ frames sent\); so clients are offered neither flush nor FUA\n/,
      );
    } finally {
      ended = true;
      waiter.wake();
      await driven;
      link.close();
      waiter.close();
    }
  }, 60_000);

  function isFlush({ view, base }: FrameView): boolean {
    const opcode = ata.command(view, base);
    const isAta = header.command(view, base) === header.COMMAND_ATA;
    return isAta && (opcode === ata.FLUSH || opcode === ata.FLUSH_EXT);
  }
}
