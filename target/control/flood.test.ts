// Clients of the metrics and the control socket that ask much and read nothing, or say nothing at all: frames are
// answered meanwhile, and so is the next client.

import { afterAll, afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";

import { testsInLab } from "../../testing/suites/in_lab.ts";
import {
  AOE,
  cleanUp,
  cleanups,
  fresh,
  memory,
  Peer,
  removeFiles,
  serve,
  until,
} from "../../testing/doubles/lab_target.ts";
import { readFrame } from "../../testing/doubles/probe.ts";
import { connectControl } from "./client.ts";

afterEach(cleanUp);
afterAll(removeFiles);

const METRICS = 'interfaces = ["b0"]\nmetrics = ":9100"';

function client(where: { path: string } | { port: number }, text: string): Socket {
  const socket = connect(where);
  cleanups.push(() => socket.destroy());
  socket.on("error", () => {});
  // Never read: what the other end sends fills its socket.
  socket.pause();
  socket.on("connect", () => socket.write(text));
  return socket;
}

/** One read after the other, 2 s at least and 40 reads; the longest, ms. */
async function readAll(peer: Peer): Promise<number> {
  let longest = 0;
  const begun = performance.now();
  for (let tag = 1; tag <= 40 || performance.now() - begun < 2000; tag++) {
    const sent = performance.now();
    peer.came.length = 0;
    peer.send(readFrame(tag % 100, 1, { tag }));
    await until(`an answer to read ${tag}`, () => {
      peer.receive();
      return peer.came.length > 0;
    });
    longest = Math.max(longest, performance.now() - sent);
  }
  return longest;
}

/** CPU time of a process so far, in clock ticks of 10 ms. */
function ticks(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

testsInLab(import.meta.path, { mtu: 1500 }, () => {
  test("200 scrapers with 200 requests each that read no answer", async () => {
    const exports = Array.from({ length: 30 }, (_, slot) => memory(slot)).join("");
    await serve(exports, METRICS);
    const peer = new Peer();
    await peer.ask(readFrame(0, 1));
    const request = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(200);
    for (let count = 0; count < 200; count++) client({ port: 9100 }, request);
    const longest = await readAll(peer);
    console.log(`longest read ${longest.toFixed(1)} ms`);
    // One that reads has its answer too.
    const answer = await fetch("http://127.0.0.1:9100/metrics", {
      signal: AbortSignal.timeout(20_000),
    });
    expect(await answer.text()).toContain('aoe_export_reads_total{export="e7.3"}');
  }, 60_000);

  test("60 clients of the control socket with 1000 questions each that read no answer", async () => {
    const served = await serve(memory(3) + memory(4));
    const peer = new Peer();
    await peer.ask(readFrame(0, 1));
    for (let count = 0; count < 60; count++) {
      client({ path: served.control }, '{"verb":"stats"}\n'.repeat(1000));
    }
    const longest = await readAll(peer);
    console.log(`longest read ${longest.toFixed(1)} ms`);
    const control = await served.connect();
    expect(await control.ask({ verb: "quit" })).toEqual({ ok: true });
  }, 60_000);

  test("100 silent scrapers at 48 descriptors: control and metrics are served", async () => {
    const { control, child } = await limited();
    // Not quite silent: a kernel may be told to accept nobody who has said nothing.
    for (let count = 0; count < 100; count++) client({ port: 9100 }, "GET /met");
    await Bun.sleep(500);
    const asking = await connectControl(control);
    cleanups.push(() => asking.close());
    const told = await Promise.race([asking.ask({ verb: "stats" }), Bun.sleep(8000)]);
    expect(told).toMatchObject({ ok: true });
    const answer = await fetch("http://127.0.0.1:9100/metrics", {
      signal: AbortSignal.timeout(20_000),
    });
    expect(answer.status).toBe(200);
    await answer.text();
    expect(await asking.ask({ verb: "quit" })).toEqual({ ok: true });
    expect(await child.exited).toBe(0);
  }, 60_000);

  test("more clients of the control socket than descriptors: no CPU is burnt, and the next is served", async () => {
    const { control, child } = await limited();
    const clients = Array.from({ length: 60 }, () => client({ path: control }, ""));
    await Bun.sleep(500);
    const before = ticks(child.pid);
    await Bun.sleep(2000);
    // A tenth of a CPU, of which the shared machine may take what it likes.
    expect(ticks(child.pid) - before).toBeLessThan(60);
    for (const each of clients) each.destroy();
    const asking = await connectControl(control);
    cleanups.push(() => asking.close());
    expect(await asking.ask({ verb: "quit" })).toEqual({ ok: true });
  }, 60_000);
});

/** A target that may have 48 descriptors. */
async function limited() {
  const control = fresh(".sock");
  const image = fresh(".img");
  const line = 'ulimit -n 48; exec "$@"';
  const words = ["target", "7", "3", "b0", image, "--create", "1m", "--mode", "frugal"];
  const child = Bun.spawn(
    [
      "sh",
      "-c",
      line,
      "sh",
      process.execPath,
      AOE,
      ...words,
      "--control",
      control,
      "--metrics",
      ":9100",
    ],
    { stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  );
  cleanups.push(async () => {
    child.kill("SIGKILL");
    await child.exited;
  });
  for await (const bytes of child.stderr) {
    if (new TextDecoder().decode(bytes).includes("serves")) break;
  }
  return { control, child };
}
