// What a soak scenario has: a target in a process of its own on one end of a lab's pair, initiators of
// ours on the other, one loop, and an end to everything.

import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type ClosingFigures, readClosingFigures } from "../../bench/machine/closing_figures.ts";
import type { Device } from "../../initiator/protocol/device.ts";
import { createInitiator, type Initiator } from "../../initiator/protocol/initiator.ts";
import type { InitiatorOptions } from "../../initiator/protocol/options.ts";
import { createPool } from "../../initiator/pool/buffer_pool.ts";
import { drive } from "../../link/drive.ts";
import type { Core } from "../../link/loop.ts";
import type { Link } from "../../link/link.ts";
import { openPacketLink } from "../../link/packet.ts";
import { createPollWaiter, type PollWaiter } from "../../link/poll_waiter.ts";
import { failed } from "../../words/failure.ts";
import { createRandom } from "../../words/random.ts";
import { AOE, findProgram } from "../../lab/programs.ts";
import { type ProcessSize, sizeOf, SizeTrack } from "./process_size.ts";

const ADDRESS = { major: 7, minor: 3 };
/** Sectors of the target's image. */
export const SECTORS = 8192;
/** How long a target may take to come up, ns; CI machines are slow. */
const PATIENCE = 10e9;

/** Within a lab: the ends of its pair are a0 and b0. */
export class SoakWorld {
  readonly waiter: PollWaiter = createPollWaiter();
  readonly links: Link[] = [];
  readonly initiators: Initiator[] = [];
  readonly ours = new SizeTrack();
  readonly theirs = new SizeTrack();
  private readonly folder = mkdtempSync(join(tmpdir(), "aoe-soak-"));
  private readonly log = join(this.folder, "target.err");
  private readonly figures = join(this.folder, "target.json");
  private target: Bun.Subprocess | null = null;
  private sampledAt = -Infinity;
  /** The target is up: from now on its size tells something. */
  private settled = false;

  constructor() {
    // What Bun opens with its first child stays open: it must not look like a leak later.
    ip("-V");
  }

  startTarget(options: readonly string[]): void {
    const image = join(this.folder, "soak.img");
    writeFileSync(image, "");
    truncateSync(image, SECTORS * 512);
    const { major, minor } = ADDRESS;
    this.target = Bun.spawn(
      [
        ...[process.execPath, AOE, "target", ...options, "--stats-at-end", this.figures],
        ...[`${major}`, `${minor}`, "b0", image],
      ],
      { stdin: "ignore", stdout: "ignore", stderr: Bun.file(this.log) },
    );
  }

  /** An initiator on `name`, its link wrapped as told. */
  open(
    name: string,
    options: Partial<InitiatorOptions> = {},
    wrap: (link: Link) => Link = (link) => link,
    ringBytes = 4 << 20,
  ): Initiator {
    const link = wrap(openPacketLink({ interface: name, ringBytes }));
    for (const fd of link.fds) this.waiter.add(fd);
    this.links.push(link);
    const initiator = createInitiator({
      links: [link],
      clock: this.waiter,
      random: createRandom(this.initiators.length + 1).fork("tags"),
      pool: (on, frameBytes) =>
        createPool({ link: on, frameBytes, strategy: "completion", preallocated: 16, cap: 256 }),
      identify: false,
      ...options,
    });
    initiator.begin(this.waiter.now());
    this.initiators.push(initiator);
    return initiator;
  }

  /** Runs `core` until `until`, at most for `ns`, and looks at sizes now and then. */
  async run(core: Core, until: () => boolean, ns: number): Promise<boolean> {
    const end = this.waiter.now() + ns;
    let met = false;
    await drive({
      core,
      waiter: this.waiter,
      mode: "frugal",
      slice: 10e6,
      until: () => {
        met = until();
        const now = this.waiter.now();
        if (this.settled && now - this.sampledAt >= 50e6) {
          this.sampledAt = now;
          this.ours.sample(sizeOf("self"));
          if (this.target !== null) this.theirs.sample(sizeOf(this.target.pid));
        }
        return met || now >= end;
      },
    });
    return met;
  }

  /** The device, once its target has come up. */
  async find(initiator: Initiator, core: Core = initiator): Promise<Device> {
    let askedAt = -Infinity;
    const found = await this.run(
      core,
      () => {
        const now = this.waiter.now();
        if (now - askedAt > 100e6) {
          askedAt = now;
          initiator.begin(now);
          initiator.discover(ADDRESS);
        }
        return initiator.device(ADDRESS) !== undefined;
      },
      PATIENCE,
    );
    const device = initiator.device(ADDRESS);
    if (!found || device === undefined) {
      throw failed(`The target did not come up: ${readFileSync(this.log, "utf8")}`);
    }
    this.settled = true;
    return device;
  }

  targetSize(): ProcessSize {
    return sizeOf(this.target?.pid ?? 0);
  }

  /** Stops the target and returns its figures at the end; null: it wrote none. */
  async stopTarget(): Promise<ClosingFigures | null> {
    this.target?.kill("SIGTERM");
    await this.target?.exited;
    return readClosingFigures(this.figures);
  }

  async close(): Promise<void> {
    for (const initiator of this.initiators) initiator.close();
    for (const link of this.links) link.close();
    this.waiter.close();
    this.target?.kill("SIGKILL");
    await this.target?.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** `ip ARGUMENTS`, in the lab. Throws a failure with what it said. */
export function ip(...words: string[]): void {
  const run = Bun.spawnSync([findProgram("ip") ?? "ip", ...words], {
    stdout: "ignore",
    stderr: "pipe",
  });
  if (run.exitCode !== 0)
    throw failed(`\`ip ${words.join(" ")}\`: ${run.stderr.toString().trim()}`);
}
