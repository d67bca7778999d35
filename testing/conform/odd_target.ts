// Targets for the suite's tests: ours, with one deviation from the rules and one oddity that no rule forbids
// (odd_ways.ts). They stand behind any link, so the same ones are tried over memory and, as a program of their own,
// over raw sockets.
//
// bun testing/conform/odd_target.ts NAME INTERFACE serves until SIGTERM, with a neighbour at e7.4 that obeys what is
// sent to wildcard addresses. It says on stdout what the neighbour is, at the start and at the end.

import { drive } from "../../link/drive.ts";
import type { FrameView, Link, TxBuffer } from "../../link/link.ts";
import { WrappedLink } from "../../link/wrap.ts";
import { openPacketLink } from "../../link/packet.ts";
import { createPollWaiter } from "../../link/poll_waiter.ts";
import { Export } from "../../target/protocol/export.ts";
import { createMemoryStore } from "../../target/stores/memory.ts";
import { Target } from "../../target/protocol/target.ts";
import * as aoe from "../../wire/aoe.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import {
  ADDRESS,
  addressedTo,
  DEVIATIONS,
  isWildcardChange,
  type Made,
  NEIGHBOUR,
  type Odd,
  ODDITIES,
  type Request,
  SECTORS,
  TARGETS,
} from "./odd_ways.ts";

/** The neighbour obeys what other targets would: changes sent to a wildcard. */
const OBEYS: Odd = {
  asked({ view, bytes, extra }) {
    if (!isWildcardChange(view)) return true;
    const copy = bytes.slice();
    addressedTo(new DataView(copy.buffer), NEIGHBOUR);
    extra(copy);
    return true;
  },
};

/** A target at e7.3 with these ways, and a neighbour at e7.4 behind the same interface. */
export function createOddTarget(link: Link, odd: readonly Odd[], withNeighbour = true): Made {
  const target = new Target();
  const store = createMemoryStore(SECTORS + 1);
  Object.assign(store, { sectors: SECTORS });
  const neighbourStore = createMemoryStore(SECTORS);
  for (let at = 0; at < neighbourStore.bytes.length; at++) neighbourStore.bytes[at] = at * 31;
  const neighbour = new Export({ ...NEIGHBOUR, store: neighbourStore });
  target.addExport(new Export({ ...ADDRESS, store }));
  if (withNeighbour) target.addExport(neighbour);
  const made = { target, store, neighbour, neighbourStore };
  target.addPort(oddLink(link, [...(withNeighbour ? [OBEYS] : []), ...odd], made), "odd");
  for (const each of odd) each.made?.(made);
  return made;
}

/** The neighbour's bytes and state in one line. */
export function neighbourState({ neighbour, neighbourStore }: Made): string {
  const { config: string, masks, reservation } = neighbour.state;
  const bytes = Bun.hash.crc32(neighbourStore.bytes);
  return JSON.stringify({ bytes, string: string.length, masks, reservation });
}

function oddLink(link: Link, odd: readonly Odd[], made: Made): Link {
  const requests = new Map<number, Request>();
  const give = (bytes: Uint8Array, addressed: number, visit: (frame: FrameView) => void): void => {
    const original = new DataView(bytes.slice().buffer);
    const view = new DataView(bytes.buffer);
    const extras: Uint8Array[] = [];
    const request: Request = {
      view,
      bytes,
      original,
      made,
      length: bytes.length,
      addressed,
      extra: (more) => extras.push(more),
    };
    const whole =
      bytes.length >= config.LENGTH && ethernet.type(view, 0) === ethernet.ETHERTYPE_AOE;
    const goesOn = !whole || odd.every(({ asked }) => asked?.(request) !== false);
    if (bytes.length >= aoe.LENGTH) requests.set(aoe.tag(view, 0), request);
    const frame = { bytes, view, address: 0, base: 0, length: bytes.length, at: 0 };
    if (goesOn) visit({ ...frame, addressed: request.addressed });
    for (const more of extras) {
      const copy = { bytes: more, view: new DataView(more.buffer), length: more.length };
      visit({ ...frame, ...copy, addressed: 0 });
    }
  };
  class OddLink extends WrappedLink {
    override receive(visit: (frame: FrameView) => void, limit: number): number {
      return super.receive(({ bytes, base, length, addressed }) => {
        give(bytes.slice(base, base + length), addressed, visit);
      }, limit);
    }
    override transmit(buffer: TxBuffer, length: number): boolean {
      const request = requests.get(aoe.tag(buffer.view, 0));
      let left = length;
      const ours = aoe.minor(buffer.view, 0) !== NEIGHBOUR.minor;
      if (request !== undefined && ours) {
        for (const { answered } of odd.toReversed()) {
          if (left > 0) left = answered?.(buffer.view, left, request) ?? left;
        }
      }
      return left === 0 || super.transmit(buffer, left);
    }
  }
  return new OddLink(link);
}

/** Serves one of TARGETS, or ours as it is under any other name, over a real interface. */
async function serve(name: string, on: string): Promise<void> {
  const odd = TARGETS.filter(([deviation]) => deviation === name).flatMap<Odd>(
    ([deviation, oddity]) => [ODDITIES[oddity], DEVIATIONS[deviation]],
  );
  const waiter = createPollWaiter();
  const link = openPacketLink({ interface: on, promiscuous: true, xdp: "off" });
  for (const fd of link.fds) waiter.add(fd);
  const made = createOddTarget(link, odd);
  process.stdout.write(`${neighbourState(made)}\n`);
  let over = false;
  process.once("SIGTERM", () => {
    over = true;
    waiter.wake();
  });
  await drive({ core: made.target, waiter, until: () => over, mode: "frugal" });
  process.stdout.write(`${neighbourState(made)}\n`);
  link.close();
  waiter.close();
}

if (import.meta.main) {
  const [name = "plain", on = "b0"] = process.argv.slice(2);
  await serve(name, on);
}
