// A target in a process of its own on a TAP interface, for a surface that is synchronous: frames go in by the device,
// answers come out of it, and the control socket says whether the process lives.
//
//   tap ──write──▶ aoefuzz0 ──▶ `aoe target` ──▶ aoefuzz0 ──read──▶ tap
//
// Beside the export that is fuzzed it serves WITNESS, at an address that the grammar does not hit.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AOE } from "../../lab/programs.ts";
import { OURS } from "../doubles/probe.ts";
import { EAGAIN } from "../../sys/errno.ts";
import { mapMemory } from "../../sys/memory.ts";
import { openTap } from "../../sys/tap.ts";
import { connectUnixSocket, type UnixStream } from "../../sys/unix_socket.ts";
import { environment, failed } from "../../words/failure.ts";
import { formatMac } from "../../wire/mac.ts";
import { MOST_BYTES } from "./frame_grammar.ts";

const NAME = "aoefuzz0";
/** What a TAP may have. */
const MOST_MTU = 65_521;
export const WITNESS = { major: 4000, minor: 200 } as const;
/** How long a target on a busy machine may take for anything, ms. */
const PATIENCE = 20_000;

export interface ServedTap {
  readonly mac: number;
  /** The interface's from now on; returns what it is. */
  setMtu(mtu: number): number;
  /** One line at the control socket, and its answer. Throws with what the target last said where it is gone. */
  ask(request: Readonly<Record<string, unknown>>): Record<string, unknown>;
  send(frame: Uint8Array): void;
  /** The next frame that left the interface; null: none has. Valid until the next call. */
  receive(): Uint8Array | null;
  /** All that the target has said. */
  said(): string;
  close(): void;
}

/** Throws a failure: no permission, no target. */
export function serveOnTap(): ServedTap {
  const tap = openTap(NAME);
  const folder = mkdtempSync(join(tmpdir(), "aoe-fuzz-"));
  const path = join(folder, "control");
  const log = join(folder, "log");
  const memory = mapMemory(MOST_BYTES);
  ip("addrgenmode", "none");
  ip("address", formatMac(OURS));
  ip("up");
  writeFileSync(
    join(folder, "t.toml"),
    `interfaces = ["${NAME}"]\ncontrol = "${path}"\n[[export]]\naddress = "e${WITNESS.major}.${WITNESS.minor}"\nmemory = "1m"\n`,
  );
  const child = Bun.spawn([process.execPath, AOE, "target", "--config", `${folder}/t.toml`], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: Bun.file(log),
  });
  const said = (): string => readFileSync(log, "utf8");
  const gone = (): Error =>
    failed(`The target ended: ${said().trim().split("\n").slice(-2).join("; ")}`);
  let control: UnixStream | null = null;
  const served: ServedTap = {
    mac: OURS,
    setMtu(mtu) {
      const set = Math.min(mtu, MOST_MTU);
      ip("mtu", `${set}`);
      return set;
    },
    ask(request) {
      control ??= connect(path, gone);
      const line = new TextEncoder().encode(`${JSON.stringify(request)}\n`);
      memory.bytes.set(line);
      if (control.send(memory.address, line.length) !== line.length) throw gone();
      let text = "";
      for (const end = performance.now() + PATIENCE; !text.endsWith("\n");) {
        const taken = control.receive(memory.address, memory.bytes.length);
        if (taken === 0 || (taken < 0 && taken !== -EAGAIN)) throw gone();
        if (taken > 0) text += new TextDecoder().decode(memory.bytes.subarray(0, taken));
        else if (performance.now() > end)
          throw failed("The target does not answer at its control socket");
        else Bun.sleepSync(0.2);
      }
      return JSON.parse(text) as Record<string, unknown>;
    },
    send(frame) {
      memory.bytes.set(frame);
      // It is full where the target does not keep up.
      for (let left = 100; tap.send(memory, frame.length) !== 0 && left > 0; left--)
        Bun.sleepSync(1);
    },
    receive() {
      const taken = tap.receive(memory);
      return taken === 0 ? null : memory.bytes.subarray(0, taken);
    },
    said,
    close() {
      control?.close();
      child.kill();
      tap.close();
      memory.unmap();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return served;
}

function connect(path: string, gone: () => Error): UnixStream {
  for (const end = performance.now() + PATIENCE; performance.now() < end; Bun.sleepSync(5)) {
    const stream = connectUnixSocket(path);
    if (typeof stream !== "number") return stream;
  }
  throw gone();
}

function ip(...words: string[]): void {
  const run = Bun.spawnSync(["ip", "link", "set", NAME, ...words], {
    env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
  });
  if (run.exitCode !== 0) {
    throw environment(`Can't set ${NAME} ${words.join(" ")}: ${run.stderr.toString().trim()}`);
  }
}
