// HTTP as scrapers speak it, and as they don't.

import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect } from "node:net";

import { resolveHost } from "../../link/tcp_listener.ts";
import { createPollWaiter } from "../../link/poll_waiter.ts";
import { Failure } from "../../words/failure.ts";
import { createProbe } from "../../testing/doubles/probe.ts";
import { MOST_SCRAPERS, type MetricsServer, serveMetrics } from "./metrics_server.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).toReversed()) clean();
});

function start(host = "127.0.0.1", port = 0): MetricsServer & { readonly port: number } {
  const waiter = createPollWaiter();
  cleanups.push(() => waiter.close());
  const { target } = createProbe();
  const server = serveMetrics({
    listen: { host, port },
    address: host,
    target,
    waiter,
    say() {},
  });
  const timer = setInterval(() => server.clients.look(), 1);
  cleanups.push(() => {
    clearInterval(timer);
    server.clients.close();
  });
  return { ...server, port: Number(new URL(server.url).port) };
}

/** All that comes back until the other end closes. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    cleanups.push(() => socket.destroy());
    let came = "";
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      came += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(came));
    socket.on("connect", () => socket.write(text));
  });
}

describe("an answer", () => {
  test("is whole, in chunks, and of the right type", async () => {
    const { url } = start();
    const answer = await fetch(url);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([
      200,
      "text/plain; version=0.0.4; charset=utf-8",
    ]);
    const text = await answer.text();
    expect(text).toStartWith("# HELP aoe_target_exports");
    expect(text).toEndWith("\n");
    expect(text).toContain('aoe_export_reads_total{export="e7.3"} 0\n');
  });

  test("of HTTP/1.0 ends with the connection", async () => {
    const { port } = start();
    const [head = "", body = ""] = (await raw(port, "GET /metrics HTTP/1.0\r\n\r\n")).split(
      "\r\n\r\n",
    );
    expect(head).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(head).not.toContain("chunked");
    expect(body).toStartWith("# HELP");
    expect(body).toContain("aoe_export_reads_total");
  });

  test("of HEAD has no body; what comes behind a request is not answered", async () => {
    const { port } = start();
    const head = await raw(port, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n(.+\r\n)+\r\n$/);
    expect(head).toContain("connection: close\r\n");
  });

  test.each([
    ["GET /other HTTP/1.1", "404 Not Found"],
    ["POST /metrics HTTP/1.1", "405 Method Not Allowed"],
    ["hello", "400 Bad Request"],
    ["GET /metrics?a=b HTTP/1.1", "200 OK"],
  ])("%s: %s", async (line, status) => {
    const { port } = start();
    expect(await raw(port, `${line}\r\n\r\n`)).toStartWith(`HTTP/1.1 ${status}\r\n`);
  });

  test("comes however the request is cut, and never to one that is too long", async () => {
    const { port } = start();
    const socket = connect(port, "127.0.0.1");
    cleanups.push(() => socket.destroy());
    const first = new Promise<string>((resolve) => {
      socket.once("data", (bytes) => resolve(bytes.toString()));
    });
    for (const byte of "GET /metrics HTTP/1.1\r\n\r\n") {
      socket.write(byte);
      await Bun.sleep(2);
    }
    expect(await first).toStartWith("HTTP/1.1 200 OK");
    const long = raw(port, `GET /metrics HTTP/1.1\r\n${"x: y\r\n".repeat(4000)}\r\n`);
    expect(await long.catch(() => "")).toBe("");
  });
});

test("silent clients make way: no more than the places are held, and who asks is answered", async () => {
  const { clients, port, url } = start();
  for (let count = 0; count < 3 * MOST_SCRAPERS; count++) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    cleanups.push(() => socket.destroy());
  }
  while (clients.count < MOST_SCRAPERS) await Bun.sleep(5);
  for (let count = 0; count < 3; count++) {
    expect((await (await fetch(url)).text()).length).toBeGreaterThan(1000);
    expect(clients.count).toBeLessThanOrEqual(MOST_SCRAPERS);
  }
});

describe("where it listens", () => {
  const v6 = readFileSync("/proc/net/if_inet6", "latin1").includes(
    "00000000000000000000000000000001",
  );
  test.skipIf(!v6)("IPv6, and a name (skipped where lo has no ::1)", async () => {
    const { url } = start("::1");
    expect(url).toMatch(/^http:\/\/\[::1\]:\d+\/metrics$/);
    expect((await fetch(url)).status).toBe(200);
    expect(["127.0.0.1", "::1"]).toContain(await resolveHost("localhost"));
    await expect(resolveHost("no..host")).rejects.toThrow(
      "No address is known for the host no..host",
    );
  });

  test("a port that is taken is said", () => {
    const { port } = start();
    try {
      start("127.0.0.1", port);
      throw new Error("it listens");
    } catch (error) {
      expect(error).toBeInstanceOf(Failure);
      expect((error as Failure).message).toContain(`Can't serve metrics on 127.0.0.1:${port}:`);
      expect((error as Failure).exitCode).toBe(5);
    }
  });
});
