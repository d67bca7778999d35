// From a host's name to a session: ssh, the shell there, the parts that are missing, the host side.
//
//   ssh ─▶ aoe-here Linux x86_64 joe          what is there
//       ◀─ have bun HASH       ─▶ yes | no | bad
//       ◀─ put tree HASH SIZE  ─▶ ok | bad
//       ◀─ run sudo HASH BUN   ─▶ {"event":"hello",…}      from here on a HostSession
//
// A host named `here` is this machine: its host side is started without ssh.

import { AOE, findProgram } from "../../lab/programs.ts";
import { now } from "../../sys/clock.ts";
import { environment, failed, type Failure } from "../../words/failure.ts";
import { HERE, type Host } from "../job/hosts.ts";
import { bootstrap, ownMachine, type Part } from "./delivery.ts";
import { type HostEvent, readReply } from "./host_orders.ts";
import { HostSession } from "./host_session.ts";
import { eachLine } from "./host_world.ts";
import { isCrowded, sshWords, unreachable, wantsPerson } from "./ssh_words.ts";

export interface Parts {
  readonly runtime: Part;
  /** Of each program under test; the first is the one whose host side runs. */
  readonly trees: readonly Part[];
}

export interface Connected {
  readonly session: HostSession;
  /** Of the Bun there, and of the folder that the trees stand in. */
  readonly bun: string;
  readonly root: string;
  /** Bytes that were put there. */
  readonly put: number;
  /** Resolves when its ssh has ended. */
  readonly closed: Promise<void>;
  /** Ends ssh at once. */
  kill(): void;
}

/** ms until a shell, or a host side, has to have said something. */
const PATIENCE = 60_000;
/** How often a crowded jump host is tried. */
const TRIES = 4;

export async function connectHost(
  host: Host,
  parts: Parts,
  say: (sentence: string) => void,
  signal?: AbortSignal,
  asks = false,
): Promise<Connected> {
  if (host.name === HERE) {
    return await talk(host, new Line([process.execPath, AOE, "bench", "host", ""]), say, null);
  }
  if (findProgram("ssh") === null) throw environment("ssh is not in PATH");
  for (let attempt = 1; ; attempt++) {
    const line = new Line(sshWords(host, bootstrap(), asks));
    const cut = (): void => line.kill();
    signal?.addEventListener("abort", cut, { once: true });
    try {
      return await talk(host, line, say, parts);
    } catch (error) {
      line.kill();
      signal?.throwIfAborted();
      const said = line.said();
      if (attempt < TRIES && !line.greeted && isCrowded(said)) {
        await Bun.sleep(300 * attempt);
        continue;
      }
      const person = !asks && process.stdin.isTTY && !line.greeted && wantsPerson(said);
      if (person) return await connectHost(host, parts, say, signal, true);
      throw error;
    } finally {
      signal?.removeEventListener("abort", cut);
    }
  }
}

/** A child whose lines are read one at a time, then handed to a session. */
class Line {
  greeted = false;
  private readonly child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  private readonly waiting: ((line: string) => void)[] = [];
  private readonly early: string[] = [];
  private readonly errors: string[] = [];
  private handler: ((line: string) => void) | null = null;
  readonly closed: Promise<number>;

  constructor(words: readonly string[]) {
    // A group of its own: a terminal's Ctrl-C is ours to answer.
    this.child = Bun.spawn([...words], {
      detached: true,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    const read = Promise.all([
      eachLine(this.child.stdout, (line) => this.came(line)),
      eachLine(this.child.stderr, (line) => this.errors.push(line)),
    ]);
    this.closed = read.then(() => this.child.exited).then(() => this.child.exitCode ?? 255);
  }

  write(text: string | Uint8Array): void {
    try {
      this.child.stdin.write(text);
      this.child.stdin.flush();
    } catch {
      // It has ended, which `closed` tells.
    }
  }

  end(): void {
    try {
      this.child.stdin.end();
    } catch {
      // It has ended.
    }
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }

  said(): string {
    return this.errors.join("\n");
  }

  /** The next line that `takes`; what comes before is passed over. */
  async next<T>(takes: (line: string) => T | null): Promise<T> {
    const deadline = AbortSignal.timeout(PATIENCE);
    for (;;) {
      const line = this.early.shift() ?? (await this.oneMore(deadline));
      const taken = takes(line);
      if (taken !== null) return taken;
    }
  }

  /** All lines from now on. */
  handOver(handler: (line: string) => void): void {
    this.handler = handler;
    for (const line of this.early.splice(0)) handler(line);
  }

  private oneMore(deadline: AbortSignal): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.waiting.push(resolve);
    deadline.addEventListener("abort", () => reject(new Silent(null)), { once: true });
    this.closed.then((code) => reject(new Silent(code))).catch(reject);
    return promise;
  }

  private came(line: string): void {
    const waiting = this.waiting.shift();
    if (this.handler !== null) this.handler(line);
    else if (waiting === undefined) this.early.push(line);
    else waiting(line);
  }
}

/** It ended with that code, or said nothing for too long. */
class Silent extends Error {
  readonly code: number | null;
  constructor(code: number | null) {
    super("silent");
    this.code = code;
  }
}

const word =
  (mark: string) =>
  (line: string): string | null =>
    line.startsWith(mark) ? line.slice(mark.length).trim() : null;

async function talk(
  host: Host,
  line: Line,
  say: (sentence: string) => void,
  parts: Parts | null,
): Promise<Connected> {
  try {
    const put = parts === null ? 0 : await deliver(host, line, parts);
    const hello = await line.next((text) => helloOf(host, text));
    const session = new HostSession(host.name, line, now, say);
    line.handOver((text) => session.take(text));
    const closed = line.closed.then((code) => session.lose(ended(host, code, line.said())));
    return { session, bun: hello.bun, root: hello.root, put, closed, kill: () => line.kill() };
  } catch (error) {
    if (!(error instanceof Silent)) throw error;
    if (error.code === null) {
      throw environment(`${host.name}: nothing heard for ${PATIENCE / 1000} s after the login`);
    }
    if (!line.greeted) throw unreachable(host, line.said(), error.code);
    const last = line.said().trim().split("\n").at(-1) ?? "";
    throw environment(`${host.name}: the program does not run there: ${last}`);
  }
}

function helloOf(host: Host, text: string): Extract<HostEvent, { event: "hello" }> | null {
  if (text === "aoe-sudo") {
    throw environment(
      `${host.name}: sudo wants a password. A line for sudoers: USER ALL=(root) NOPASSWD: ALL`,
    );
  }
  const reply = readReply(text);
  return reply !== null && "event" in reply && reply.event === "hello" ? reply : null;
}

function ended(host: Host, code: number, said: string): Failure {
  const last = said.trim().split("\n").at(-1)?.trim() ?? "";
  const words = last === "" ? "" : `: ${last}`;
  return failed(
    `${host.name}: the connection ended (code ${code})${words}. What ran there ends by itself`,
  );
}

/** Puts what is missing, and starts the host side. Returns the bytes that were put. */
async function deliver(host: Host, line: Line, parts: Parts): Promise<number> {
  const here = await line.next((text) => word("aoe-here ")(text) ?? word("aoe-no ")(text));
  line.greeted = true;
  const [system = "", machine = "", ...more] = here.split(" ");
  if (more.length !== 1) throw environment(`${host.name}: its cache folder: ${here}`);
  if (system !== "Linux") throw environment(`${host.name}: ${system} there, Linux is needed`);
  if (host.bun === undefined && machine !== ownMachine()) {
    const own = `a Bun ${Bun.version} that is there`;
    throw environment(`${host.name}: ${machine} there, ${ownMachine()} here; say \`bun\`, ${own}`);
  }
  let put = 0;
  if (host.bun === undefined) put += await ensure(host, line, parts.runtime);
  else await sameBun(host, line, host.bun);
  for (const tree of parts.trees) put += await ensure(host, line, tree);
  const bun = host.bun ?? `bun-${parts.runtime.hash}`;
  line.write(`run ${host.become} ${parts.trees[0]?.hash} ${bun}\n`);
  return put;
}

async function ensure(host: Host, line: Line, part: Part): Promise<number> {
  const { kind, hash } = part;
  line.write(`have ${kind} ${hash}\n`);
  const have = await line.next(word("aoe-have "));
  if (have === "yes") return 0;
  const name = `${kind}-${hash.slice(0, 12)}`;
  if (have === "bad") {
    const rest = "in ~/.cache/aoe is not what its name says: remove it there";
    throw environment(`${host.name}: ${name}… ${rest}`);
  }
  const bytes = await part.packed();
  line.write(`put ${kind} ${hash} ${bytes.length}\n`);
  line.write(bytes);
  const put = await line.next(word("aoe-put "));
  if (put !== "ok")
    throw environment(`${host.name}: ${name} did not arrive whole: is its disk full?`);
  return bytes.length;
}

async function sameBun(host: Host, line: Line, path: string): Promise<void> {
  line.write(`ask - - ${path}\n`);
  const there = await line.next(word("aoe-bun"));
  const own = `${Bun.version}+${Bun.revision.slice(0, 9)}`;
  if (there !== own) {
    throw environment(`${host.name}: Bun ${there || "that says nothing"} is there, ${own} here`);
  }
}
