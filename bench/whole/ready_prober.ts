// Waits in the lab for a target to answer, as a process of its own that is warm before the clock runs:
//
//   hyperfine ▶ stop.sh  ── ends the target of the run before, waits for "open" ◀── FIFO ◀── prober
//             ▶ ready.sh ── starts TARGET, "go" ──▶ FIFO ──▶ prober ── discovery each ms ──▶ target
//                 ▲────────────── one line ◀──────── FIFO ◀── its first answer ◀───────────────┘
//
//   bun ready_prober.ts INTERFACE GO ANSWERED      e7.3 is asked for; ends when told "end"

import { openSync, readSync, writeSync } from "node:fs";
import { createInitiator } from "../../initiator/protocol/initiator.ts";
import { createPool } from "../../initiator/pool/buffer_pool.ts";
import { drive } from "../../link/drive.ts";
import { openPacketLink } from "../../link/packet.ts";
import { createPollWaiter } from "../../link/poll_waiter.ts";
import { MS, S } from "../../words/quantity.ts";
import { createRandom } from "../../words/random.ts";

const ADDRESS = { major: 7, minor: 3 };
const ASK_EVERY = 1 * MS;
const PATIENCE = 10 * S;

interface Prober {
  /** Whether the target answers within PATIENCE of being asked for. */
  ask(): Promise<boolean>;
  close(): void;
}

/** All that takes time is done here, before the clock runs. */
function openProber(on: string, seed: number): Prober {
  const link = openPacketLink({ interface: on });
  const waiter = createPollWaiter();
  for (const fd of link.fds) waiter.add(fd);
  const initiator = createInitiator({
    links: [link],
    random: createRandom(seed),
    pool: (of, frameBytes) =>
      createPool({ strategy: "completion", link: of, frameBytes, preallocated: 16, cap: 16 }),
    kick: 100 * MS,
  });
  const found = (): boolean => initiator.device(ADDRESS) !== undefined;
  return {
    async ask() {
      const until = waiter.now() + PATIENCE;
      let askAt = 0;
      await drive({
        core: {
          ports: initiator.ports,
          begin: (now) => initiator.begin(now),
          advance(now) {
            if (now >= askAt) {
              initiator.discover(ADDRESS);
              askAt = now + ASK_EVERY;
            }
            initiator.advance(now);
          },
          nextDeadline: () => Math.min(askAt, initiator.nextDeadline()),
        },
        waiter,
        mode: "frugal",
        until: () => found() || waiter.now() >= until,
      });
      return found();
    },
    close() {
      link.close();
      waiter.close();
    },
  };
}

const [on = "", go = "", told = ""] = process.argv.slice(2);
// Open for both: a FIFO without writers would otherwise read as ended.
const asked = openSync(go, "r+");
const answers = openSync(told, "r+");
const line = Buffer.alloc(16);
for (let seed = 1; ; seed++) {
  const prober = openProber(on, seed);
  writeSync(answers, "open\n");
  const word = line.toString("latin1", 0, readSync(asked, line));
  if (word.startsWith("end")) {
    prober.close();
    break;
  }
  writeSync(answers, (await prober.ask()) ? "ready\n" : "silent\n");
  // The kernel takes tens of milliseconds to close a packet socket: not the target's, so the clock has stopped.
  prober.close();
}
