// The machine that a host side works on: its processes, its interface and its files.
//
//   started    setpriv --pdeathsig KILL WORDS    so that SIGKILL of the host side ends them as well
//   held       an abstract Unix socket named after the interface: its namespace has one of it, and
//              it goes with the process; who connects is told who holds it
//   files      a folder for each session, by the interface's name: one that SIGKILL has left is
//              removed by the next session that holds the interface

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { cpus, networkInterfaces, release, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { findProgram } from "../../lab/programs.ts";
import { allowedCpus, pinToCpus } from "../../sys/affinity.ts";
import { now, wallMilliseconds } from "../../sys/clock.ts";
import { interfaceDriver } from "../../sys/interface_driver.ts";
import { interfaceNames, readInterface } from "../../sys/interface.ts";
import { openPacketSocket } from "../../sys/packet_socket.ts";
import { environment, Failure } from "../../words/failure.ts";
import { writeImage } from "../machine/image_file.ts";
import { interfaceFacts } from "../machine/interfaces.ts";
import { provenance } from "../machine/provenance.ts";
import type { ExitEvent, Look } from "./host_orders.ts";
import { cacheFolder, settingsOf, withoutAdaptive } from "./host_settings.ts";
import type { HostWorld, Of, Started } from "./host_side.ts";
import { SettingsJournal } from "./settings_journal.ts";

type Send = HostWorld["send"];
type Exit = Omit<ExitEvent, "event" | "name">;

/** How long an interface that was reset may take until its carrier is there again, ms. */
const CARRIER_WAIT = 10_000;

export class Machine implements HostWorld {
  readonly now = now;
  readonly send: Send;
  /** The address by which ssh came in; "": none. */
  private readonly address: string;
  private folder = "";
  private lock: Disposable | null = null;
  private settings: SettingsJournal | null = null;

  constructor(send: Send, address: string) {
    this.send = send;
    this.address = address;
  }

  async look(order: Of<"look">): Promise<Look> {
    const { interface: name, by } = order;
    const found = readInterface(name);
    const held = found === null ? null : await this.hold(name, by);
    if (held === null && found !== null) this.prepare(order);
    const own = order.cpus ?? allowedCpus().slice(-1);
    leaveCpus(own);
    return {
      kernel: release(),
      cpu: cpus()[0]?.model ?? "unknown",
      user: userInfo().username,
      cpus: [...own],
      interface:
        found === null
          ? null
          : { mtu: found.mtu, up: found.up && found.running, driver: interfaceDriver(name) },
      others: interfaceNames().flatMap((other) => describeInterface(other)),
      carries_ssh: carries(name, this.address),
      raw: rawSockets(),
      held,
      folder: this.folder,
      facts: found === null ? {} : { ...interfaceFacts(name) },
      provenance: { ...provenance() },
    };
  }

  image({ name, bytes, seed }: Of<"image">): string {
    const path = join(this.folder, `${name}.img`);
    writeImage(path, bytes, seed);
    return path;
  }

  start(
    { words, reads }: Of<"start">,
    told: { line(text: string): void; exit(event: Exit): void },
  ): Started {
    const setpriv = findProgram("setpriv");
    if (setpriv === null) throw environment("setpriv (util-linux) is not in PATH");
    const child = Bun.spawn([setpriv, "--pdeathsig", "KILL", ...words], {
      cwd: this.folder,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    follow(child, reads, told).catch((error: unknown) => told.line(String(error)));
    return {
      pid: child.pid,
      write(text) {
        child.stdin.write(text);
        child.stdin.flush();
      },
      kill: (signal) => child.kill(signal),
    };
  }

  async set({ interface: name, settings }: Of<"set">): Promise<Readonly<Record<string, string>>> {
    const texts = Object.entries(settings).map(([key, value]) => [key, `${value}`]);
    const given = Object.fromEntries(texts) as Record<string, string>;
    const journal = this.settings;
    if (journal === null) throw environment(`${name} is not held by this session`);
    const world = settingsOf(name, clockTime);
    const read = journal.set(withoutAdaptive(given, world.read()));
    await carrier(name);
    return read;
  }

  clean(): void {
    this.settings?.putBack();
    rmSync(cacheFolder(), { recursive: true, force: true });
  }

  leave(): void {
    try {
      this.settings?.putBack();
    } catch (error) {
      // The journal stays for the next run.
      const said = error instanceof Error ? error.message : String(error);
      process.stderr.write(`not put back: ${said}\n`);
    }
    if (this.folder !== "") rmSync(this.folder, { recursive: true, force: true });
    this.lock?.[Symbol.dispose]();
    this.lock = null;
  }

  /** Null: this session holds the interface now; else who does. */
  private async hold(name: string, by: string): Promise<string | null> {
    const path = `\0aoe bench ${name}`;
    const words = `${by}, since ${clockTime()}`;
    try {
      const listener = Bun.listen({
        unix: path,
        socket: {
          open(socket) {
            socket.end(words);
          },
          data() {},
        },
      });
      this.lock = { [Symbol.dispose]: () => listener.stop(true) };
      return null;
    } catch {
      return await whoHolds(path);
    }
  }

  /** What only the holder may do: what an earlier session has left goes, and a folder is made. */
  private prepare({ interface: name, folder }: Of<"look">): void {
    const within = folder ?? tmpdir();
    const prefix = `aoe-host-${name}-`;
    for (const left of readdirSync(within)) {
      if (left.startsWith(prefix)) rmSync(join(within, left), { recursive: true, force: true });
    }
    this.folder = mkdtempSync(join(within, prefix));
    this.settings = new SettingsJournal(settingsOf(name, clockTime));
    const found = this.settings.recover();
    if (found === null) return;
    const words = Object.entries(found.before).flat().join(" ");
    const text = `a run of ${found.since} ended without a word; ${name} is put back to ${words}`;
    this.send({ event: "say", text });
  }
}

async function follow(
  child: Bun.Subprocess<"pipe", "pipe", "pipe">,
  reads: string | null,
  told: { line(text: string): void; exit(event: Exit): void },
): Promise<void> {
  const [stdout] = await Promise.all([
    new Response(child.stdout).text(),
    eachLine(child.stderr, (text) => told.line(text)),
  ]);
  await child.exited;
  const used = child.resourceUsage();
  told.exit({
    code: child.exitCode,
    signal: child.signalCode === null ? null : String(child.signalCode),
    stdout,
    file: reads === null ? null : readOrNull(reads),
    cpu_ns: used === undefined ? null : Number(used.cpuTime.total) * 1e3,
  });
}

/** Calls `told` with each line of a stream, the last one without its end too. */
export async function eachLine(
  stream: ReadableStream<Uint8Array>,
  told: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) told(line);
  }
  if (rest !== "") told(rest);
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** The host side is not to stand on the CPUs that are measured, where it has others. */
function leaveCpus(own: readonly number[]): void {
  const others = allowedCpus().filter((cpu) => !own.includes(cpu));
  if (others.length > 0) pinToCpus(others);
}

function rawSockets(): string | null {
  try {
    openPacketSocket().close();
    return null;
  } catch (error) {
    if (error instanceof Failure) return error.message;
    throw error;
  }
}

function describeInterface(name: string): string[] {
  const found = readInterface(name);
  if (found === null || found.loopback) return [];
  return [`${name} (${found.up && found.running ? "up" : "down"}, ${found.mtu})`];
}

function carries(name: string, address: string): boolean {
  const own = networkInterfaces()[name] ?? [];
  return address !== "" && own.some((one) => one.address === address);
}

async function whoHolds(path: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let said = "";
  try {
    await Bun.connect({
      unix: path,
      socket: {
        data(_, bytes) {
          said += bytes.toString();
        },
        close: () => resolve(said),
      },
    });
  } catch {
    return "somebody";
  }
  return (await promise) || "somebody";
}

/** Some drivers reset the link when coalescing is set: the carrier, and then a second. */
async function carrier(name: string): Promise<void> {
  if (readInterface(name)?.running === true) return;
  for (let waited = 0; waited < CARRIER_WAIT; waited += 50) {
    await Bun.sleep(50);
    if (readInterface(name)?.running === true) {
      await Bun.sleep(1000);
      return;
    }
  }
  throw environment(`${name} has no carrier ${CARRIER_WAIT / 1000} s after it was set`);
}

/** `14:02`, UTC. */
function clockTime(): string {
  return new Date(wallMilliseconds()).toISOString().slice(11, 16);
}
