// `aoe decode --interface`: what goes and comes on an interface, with the tags that the kernel takes out.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inNamespace } from "../testing/suites/in_namespace.ts";
import { openPacketLink } from "./packet.ts";
import { openTap } from "./tap.ts";

const AOE = new URL("../aoe.ts", import.meta.url).pathname;
const READ = "10000007030080000001400002240800000000000000";

interface Shown {
  readonly meaning: string;
  readonly answers: number | null;
}

if (inNamespace(import.meta.path)) {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "aoe-tap-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const aoe = (...words: string[]) =>
    Bun.spawn([process.execPath, AOE, ...words], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
  type Child = ReturnType<typeof aoe>;

  /** Waits for `words` on the child's stderr. */
  async function heard(child: Child, words: string): Promise<void> {
    let text = "";
    for await (const piece of child.stderr) {
      text += new TextDecoder().decode(piece);
      if (text.includes(words)) return;
    }
    throw new Error(`it ended with: ${text}`);
  }

  /** Gathers the lines of its output. */
  function linesOf(child: Child): { readonly lines: string[]; readonly ended: Promise<void> } {
    const lines: string[] = [];
    const gather = async (): Promise<void> => {
      let text = "";
      for await (const piece of child.stdout) {
        text += new TextDecoder().decode(piece);
        const whole = text.split("\n");
        text = whole.pop() ?? "";
        lines.push(...whole);
      }
    };
    return { lines, ended: gather() };
  }

  test("a discovery and a read, both ways, live, until a signal", async () => {
    const target = aoe("target", "7", "3", "vb", join(folder, "image"), "--create", "1m");
    await heard(target, "serves");
    const decode = aoe("decode", "--interface", "va", "--ndjson");
    const { lines, ended } = linesOf(decode);
    // It listens once the kernel lists a socket for all protocols.
    const sockets = Bun.file("/proc/thread-self/net/packet");
    while (!/ 0003 /.test(await sockets.text())) await Bun.sleep(20);
    const words = ["read", "e7.3", "-o", "/dev/null", "--size", "4k", "--interface", "va"];
    expect(await aoe("initiator", ...words).exited).toBe(0);
    // While it still runs.
    for (let tries = 0; tries < 500 && lines.length < 6; tries++) await Bun.sleep(20);
    expect(lines.length).toBeGreaterThanOrEqual(6);
    decode.kill("SIGINT");
    expect(await decode.exited).toBe(0);
    await ended;
    target.kill("SIGTERM");
    await target.exited;

    const { summary } = JSON.parse(lines.pop() ?? "{}");
    // A target that has just started asks who else has its address: nobody answers that.
    expect(summary).toMatchObject({ malformed: 0, retransmits: 0, lost: 0 });
    const frames = lines.map((line) => JSON.parse(line) as Shown);
    expect(frames.map(({ meaning }) => meaning)).toContain("read ext lba 0 sectors 8");
    const answer = frames.find(({ meaning }) => meaning.startsWith("read ext answer: DRDY, 4096"));
    expect(answer?.answers).toBeGreaterThan(0);
  }, 60_000);

  test("tags are in the frame again, on the way in and out", () => {
    const sent = ["", "81002007", "88a8006481000007"].map((tags) =>
      Uint8Array.fromHex(`6e8b6dc0c647525400a0e001${tags}88a2${READ}`),
    );
    const tap = openTap("va", false);
    const beside = openTap("vb", false);
    const link = openPacketLink({ interface: "vb" });
    try {
      for (const bytes of sent) {
        const buffer = link.allocate(bytes.length);
        if (buffer === null) throw new Error("no buffer");
        buffer.bytes.set(bytes);
        expect(link.transmit(buffer, bytes.length)).toBe(true);
        link.flush();
      }
      for (const [which, out] of [
        [tap, false],
        [beside, true],
      ] as const) {
        const seen: string[] = [];
        for (let tries = 0; tries < 200 && seen.length < sent.length; tries++) {
          which.take(({ view, offset, captured, length, sent: went }) => {
            expect([captured, went]).toEqual([length, out]);
            seen.push(new Uint8Array(view.buffer, view.byteOffset + offset, captured).toHex());
          });
          Bun.sleepSync(5);
        }
        expect(seen).toEqual(sent.map((bytes) => bytes.toHex()));
      }
    } finally {
      link.close();
      beside.close();
      tap.close();
    }
  });

  test("frames of other EtherTypes come only where they are asked for", () => {
    const link = openPacketLink({ interface: "vb" });
    const taps = [openTap("va", false), openTap("va", true)];
    const buffer = link.allocate(60);
    if (buffer === null) throw new Error("no buffer");
    buffer.bytes.set(Uint8Array.fromHex("6e8b6dc0c647525400a0e0010806"));
    link.transmit(buffer, 60);
    link.flush();
    Bun.sleepSync(50);
    const counts = taps.map((tap) => {
      let frames = 0;
      tap.take(() => frames++);
      expect(tap.lost()).toBe(0);
      tap.close();
      return frames;
    });
    link.close();
    expect(counts).toEqual([0, 1]);
  });
}
