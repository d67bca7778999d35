// Lines over Unix sockets: halves, floods, giants, many clients, clients that do not read; each is answered
// clearly or disconnected, and none holds up another.

import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createPollWaiter, type PollWaiter } from "../../link/poll_waiter.ts";
import { listenAt } from "../../link/unix_listener.ts";
import type { Clients } from "./clients.ts";
import { createLineServer, LONGEST_LINE, MOST_CLIENTS } from "./line_server.ts";
import type { Answer } from "./verbs.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-lines-"));
afterAll(() => rmSync(directory, { recursive: true }));

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).toReversed()) clean();
});

let paths = 0;

interface Served {
  readonly server: Clients;
  readonly waiter: PollWaiter;
  readonly path: string;
  connect(): Promise<Client>;
}

interface Client {
  readonly socket: Socket;
  /** All lines that came before the other end closed. */
  readonly ended: Promise<string[]>;
  /** The next line. */
  line(): Promise<string>;
}

const echo = (line: string, answer: Answer): void => answer({ ok: true, echo: line });

function serve(handle = echo): Served {
  const path = join(directory, `${paths++}`);
  const waiter = createPollWaiter();
  const server = createLineServer({
    listener: listenAt(path, "--control"),
    waiter,
    handle,
    say() {},
  });
  const timer = setInterval(() => server.look(), 1);
  cleanups.push(() => {
    clearInterval(timer);
    server.close();
    waiter.close();
  });
  return {
    server,
    waiter,
    path,
    connect() {
      return new Promise((resolve, reject) => {
        const socket = connect(path);
        cleanups.push(() => socket.destroy());
        let text = "";
        let told = 0;
        let wake = (): void => {};
        socket.setEncoding("utf8");
        socket.on("data", (chunk: string) => {
          text += chunk;
          wake();
        });
        // A server that has said its last line may close before it has read ours.
        socket.on("error", reject);
        const ended = new Promise<string[]>((done) => {
          socket.on("close", () => done(text.split("\n").slice(0, -1)));
        });
        socket.on("connect", () =>
          resolve({
            socket,
            ended,
            async line() {
              for (;;) {
                const lines = text.split("\n");
                if (lines.length - 1 > told) return lines[told++] as string;
                await new Promise<void>((came) => {
                  wake = came;
                });
              }
            },
          }),
        );
      });
    },
  };
}

describe("lines", () => {
  test("a line that is not UTF-8 is refused, and the next is served", async () => {
    const client = await serve().connect();
    client.socket.write(Buffer.from('{"file":"caf\xe9"}\nnext\n', "latin1"));
    expect(await client.line()).toBe(
      '{"ok":false,"error":"Expected a line of UTF-8, got other bytes"}',
    );
    expect(await client.line()).toBe('{"ok":true,"echo":"next"}');
  });

  test("one, several at once, in pieces of one byte, and after the client has said all it will", async () => {
    const { connect: open } = serve();
    const client = await open();
    client.socket.write("a\n");
    expect(await client.line()).toBe('{"ok":true,"echo":"a"}');
    client.socket.write("b\n\n  \nc\n");
    expect([await client.line(), await client.line()]).toEqual([
      '{"ok":true,"echo":"b"}',
      '{"ok":true,"echo":"c"}',
    ]);
    for (const byte of Buffer.from("grüße\n")) {
      client.socket.write(Buffer.of(byte));
      await Bun.sleep(1);
    }
    expect(await client.line()).toContain("grüße");
    client.socket.end("last\n");
    expect((await client.ended).at(-1)).toBe('{"ok":true,"echo":"last"}');
  });

  test("half a line at the end is told", async () => {
    const client = await serve().connect();
    client.socket.end("whole\nhalf");
    const lines = await client.ended;
    expect(lines[0]).toContain("whole");
    expect(lines[1]).toContain('"ok":false');
    expect(lines[1]).toContain("newline");
    expect(lines).toHaveLength(2);
  });

  test("the longest line is taken, a longer one refused and its client disconnected", async () => {
    const served = serve((line, answer) => answer({ length: line.length }));
    const client = await served.connect();
    client.socket.write(`${"x".repeat(LONGEST_LINE)}\n`);
    expect(await client.line()).toBe(`{"length":${LONGEST_LINE}}`);
    const other = await served.connect();
    other.socket.write("y".repeat(LONGEST_LINE + 1));
    expect(await other.line()).toContain(`at most ${LONGEST_LINE} bytes`);
    other.socket.end("more\n");
    expect(await other.ended).toHaveLength(1);
    client.socket.write("z\n");
    expect(await client.line()).toBe('{"length":1}');
  });

  test("answers keep the order of requests, though the first takes its time", async () => {
    let late: (() => void) | null = null;
    const { connect: open } = serve((line, answer) => {
      if (line === "slow") late = () => answer({ echo: "slow" });
      else answer({ echo: line });
    });
    const client = await open();
    client.socket.write("slow\nfast\n");
    await Bun.sleep(20);
    expect(late).not.toBeNull();
    (late as unknown as () => void)();
    expect([await client.line(), await client.line()]).toEqual([
      '{"echo":"slow"}',
      '{"echo":"fast"}',
    ]);
  });

  test("an answer in pieces is one line, and other clients are served meanwhile", async () => {
    function* pieces(): Generator<string> {
      for (let piece = 0; piece < 3000; piece++) yield "0123456789".repeat(100);
      yield "\n";
    }
    const { connect: open, server } = serve((line, answer) => {
      if (line === "long") answer(pieces());
      else answer({ echo: line });
    });
    // One that doesn't read: its answer of 3 MB stays where it is.
    const deaf = await open();
    deaf.socket.pause();
    deaf.socket.write("long\n");
    const client = await open();
    client.socket.write("long\nshort\n");
    expect(await client.line()).toHaveLength(3_000_000);
    expect(await client.line()).toBe('{"echo":"short"}');
    expect(server.count).toBe(2);
    deaf.socket.destroy();
  });

  test("one client too many hears why, and there is room again when another leaves", async () => {
    const served = serve();
    const clients = await Promise.all(Array.from({ length: MOST_CLIENTS }, () => served.connect()));
    await Bun.sleep(20);
    const late = await served.connect();
    expect(await late.line()).toContain(`${MOST_CLIENTS} clients`);
    late.socket.end();
    await late.ended;
    clients[0]?.socket.destroy();
    await Bun.sleep(20);
    const next = await served.connect();
    next.socket.write("hello\n");
    expect(await next.line()).toContain("hello");
  });

  test("a client that goes while its answer is due costs nothing, and no wait ends early because of it", async () => {
    let late: (() => void) | null = null;
    const served = serve((_line, answer) => {
      late = () => answer({});
    });
    const client = await served.connect();
    client.socket.write("x\n");
    await Bun.sleep(20);
    client.socket.destroy();
    await Bun.sleep(20);
    const { waiter } = served;
    const begun = waiter.now();
    waiter.wait(begun + 50e6);
    expect(waiter.now() - begun).toBeGreaterThan(40e6);
    (late as unknown as () => void)();
    await Bun.sleep(20);
    expect(served.server.count).toBe(0);
  });
});

test("a line ends a wait", async () => {
  const { waiter, connect: open } = serve();
  const client = await open();
  await Bun.sleep(10);
  client.socket.write("x\n");
  const begun = waiter.now();
  waiter.wait(begun + 5e9);
  expect(waiter.now() - begun).toBeLessThan(1e9);
});

test("a socket is its owner's alone when made so", () => {
  const mask = process.umask(0o177);
  const { path } = serve();
  process.umask(mask);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
