import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { connectUnixSocket, listenUnixSocket, type UnixStream } from "../sys/unix_socket.ts";
import { EXIT, Failure } from "../words/failure.ts";
import { addressedMemory } from "./addressed_memory.ts";
import { AGAIN, type ByteStream } from "./byte_stream.ts";
import { createPollWaiter } from "./poll_waiter.ts";
import { listenAt } from "./unix_listener.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aoe-sock-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function refusal(path: string): Failure {
  try {
    listenAt(path, "--socket").close();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error(`${path} was listened at`);
}

function connect(path: string): UnixStream {
  const stream = connectUnixSocket(path);
  if (typeof stream === "number") throw new Error(`errno ${-stream}`);
  return stream;
}

describe("the path", () => {
  test("is made, and taken away when the listener closes", () => {
    const path = join(folder, "fresh");
    const listener = listenAt(path, "--socket");
    expect(lstatSync(path).isSocket()).toBe(true);
    listener.close();
    expect(existsSync(path)).toBe(false);
  });

  test("of a dead server is replaced", () => {
    const path = join(folder, "stale");
    listenUnixSocket(path).close();
    expect(lstatSync(path).isSocket()).toBe(true);
    const listener = listenAt(path, "--socket");
    connect(path).close();
    listener.close();
    expect(existsSync(path)).toBe(false);
  });

  test("of a live server is left to it, even while it accepts nobody", () => {
    const path = join(folder, "live");
    const listener = listenAt(path, "--socket");
    expect(refusal(path).message).toBe(`Another server listens at ${path}`);
    expect(refusal(path).exitCode).toBe(EXIT.environment);
    const crowd: UnixStream[] = [];
    for (;;) {
      const stream = connectUnixSocket(path);
      if (typeof stream === "number") break;
      crowd.push(stream);
    }
    expect(refusal(path).message).toBe(`Another server listens at ${path}`);
    for (const stream of crowd) stream.close();
    expect(existsSync(path)).toBe(true);
    listener.close();
  });

  test("that is no socket is left alone", () => {
    const file = join(folder, "file");
    writeFileSync(file, "precious");
    const link = join(folder, "link");
    symlinkSync(file, link);
    const folderPath = join(folder, "folder");
    mkdirSync(folderPath);
    for (const path of [file, link, folderPath]) {
      expect(refusal(path).message).toBe(
        `${path} exists and is not a socket, so it is not replaced`,
      );
      expect(refusal(path).exitCode).toBe(EXIT.environment);
    }
    expect(readFileSync(file, "utf8")).toBe("precious");
  });

  test("that somebody else has put in its place is left to him", () => {
    const path = join(folder, "replaced");
    const listener = listenAt(path, "--socket");
    rmSync(path);
    const other = listenUnixSocket(path);
    listener.close();
    expect(existsSync(path)).toBe(true);
    other.close();
  });

  test("too long, empty, or in a folder that is none: one sentence", () => {
    const long = join(folder, "x".repeat(108));
    expect(refusal(long).message).toBe(
      `Expected \`--socket\` to be a path of 1 to 107 bytes, got \`${long}\``,
    );
    expect(refusal(long).exitCode).toBe(EXIT.usage);
    expect(refusal("").exitCode).toBe(EXIT.usage);
    const nowhere = join(folder, "nowhere", "s");
    expect(refusal(nowhere).message).toBe(
      `can't listen at ${nowhere}: No such file or directory (ENOENT)`,
    );
    expect(refusal(nowhere).exitCode).toBe(EXIT.environment);
  });
});

test("bytes go both ways, none is AGAIN, a full socket is AGAIN, the end is 0, a dead peer is an errno", () => {
  const path = join(folder, "bytes");
  const listener = listenAt(path, "--socket");
  const waiter = createPollWaiter();
  let knocks = 0;
  waiter.add(listener.fd, () => knocks++);
  expect(waiter.look()).toBe(0);
  expect(listener.accept()).toBe(AGAIN);
  const client = connect(path);
  expect(waiter.look()).toBe(1);
  expect(knocks).toBe(1);
  const server = listener.accept() as ByteStream;
  const memory = addressedMemory(65_536);
  expect(server.receive(memory, 0, 100)).toBe(AGAIN);
  memory.bytes.set([1, 2, 3], 10);
  expect(client.send(memory.address + 10, 3)).toBe(3);
  expect(server.receive(memory, 20, 100)).toBe(3);
  expect([...memory.bytes.subarray(20, 23)]).toEqual([1, 2, 3]);
  let sent = 0;
  for (;;) {
    const bytes = server.send(memory, 0, 65_536);
    if (bytes === AGAIN) break;
    expect(bytes).toBeGreaterThan(0);
    sent += bytes;
  }
  expect(sent).toBeGreaterThan(65_536);
  client.close();
  // What was not read is lost with the peer: said once, then the end.
  expect([0, -104]).toContain(server.receive(memory, 0, 100));
  expect(server.send(memory, 0, 100)).toBe(-32);
  expect(server.receive(memory, 0, 100)).toBe(0);
  server.close();
  listener.close();
  waiter.close();
  memory.unmap();
});
