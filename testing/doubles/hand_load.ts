// A load whose commands a test ends by hand, one by one, at the times and with the outcomes that it wants.

import { type Command, OK } from "../../initiator/protocol/command.ts";
import { createRandom } from "../../words/random.ts";
import { type Arrivals, AsRoomAllows } from "../../bench/load/arrivals.ts";
import { Load } from "../../bench/load/load.ts";
import { Verifier } from "../../bench/load/verifier.ts";
import { type Order, Workload } from "../../bench/load/workload.ts";

const SECTORS = 2048;
const BS = 512;

export interface HandLoad {
  readonly load: Load;
  /** Submitted and not ended, the oldest first. */
  readonly open: Command[];
  /** `load.advance`, with the times that a device would stamp at a submit. */
  advance(now: number): void;
  /** Ends the oldest command. Sent when it was submitted, unless told. */
  end(at: number, outcome?: number, stamps?: Partial<Command>): void;
}

export interface HandPlan {
  readonly iodepth: number;
  readonly rampTime: number;
  readonly runtime: number;
  readonly rw?: Order;
  readonly arrivals?: Arrivals;
  readonly verify?: boolean;
}

/** The ramp begins at 0. */
export function handLoad(plan: HandPlan): HandLoad {
  const {
    iodepth,
    rampTime,
    runtime,
    rw = "read",
    arrivals = new AsRoomAllows(),
    verify = false,
  } = plan;
  const bytes = new Uint8Array(iodepth * BS);
  const memory = { bytes, view: new DataView(bytes.buffer), address: 0 };
  const spec = { rw, bs: BS, offset: 0, size: 0, rwmixread: 50 };
  const workload = new Workload(spec, SECTORS * BS, createRandom(1));
  const open: Command[] = [];
  let at = 0;
  const submit = (command: Command): void => {
    Object.assign(command, { submittedAt: at, bufferedAt: at, sentAt: at, bufferWait: 0 });
    open.push(command);
  };
  const load = new Load(
    { iodepth, rampTime, runtime, bs: BS },
    workload,
    arrivals,
    verify ? new Verifier(workload, 1) : null,
    { submit },
    memory,
    0,
  );
  return {
    load,
    open,
    advance(now) {
      at = now;
      load.advance(now);
    },
    end(doneAt, outcome = OK, stamps = {}) {
      const command = open.shift();
      if (command === undefined) throw new Error("no command is open");
      Object.assign(command, { doneAt, outcome, ...stamps });
      command.done(command);
    },
  };
}
