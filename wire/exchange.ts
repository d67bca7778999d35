// Which answer belongs to which request: same tag, same command, and the initiator's MAC on both.
// The target's MAC does not count: a broadcast is answered from addresses that nobody asked (P6).
//
// A request seen again with the same content before an answer came is a copy: a retransmit. Seen
// after an answer it is a new request, since tags come round again (0, for discovery).

import * as aoe from "./aoe.ts";
import { type Frame, isResponse } from "./frame.ts";

/** What is known of a frame from those before it. */
export interface Sighting {
  /** Of an answer: the number and the content (without data) of the request that it answers. */
  readonly request: { readonly number: number; readonly frame: Frame } | null;
  /** Of an answer: ns since the request's last copy. */
  readonly roundTrip: number | null;
  /** Of a request: 1, or 2 and more for its retransmits. Of an answer: how many copies of its request there were. */
  readonly copy: number;
}

export interface Exchanges {
  /** Frame `number`, seen at `at` ns; in the order of time. */
  see(frame: Frame, number: number, at: number): Sighting;
  /** Requests seen, retransmits not counted. */
  requests(): number;
  /** Of these, the ones that no answer came to. */
  unanswered(): number;
}

interface Request {
  readonly number: number;
  readonly frame: Frame;
  at: number;
  copies: number;
  answered: boolean;
}

/** Requests remembered; beyond it the oldest is forgotten. */
const MOST = 65_536;
const NOTHING = new Uint8Array(0);

export function createExchanges(): Exchanges {
  const open = new Map<string, Request>();
  let requests = 0;
  let answered = 0;

  function see(frame: Frame, number: number, at: number): Sighting {
    return isResponse(frame) ? answer(frame, at) : ask(frame, number, at);
  }

  function ask(frame: Frame, number: number, at: number): Sighting {
    const key = keyOf(frame, frame.ethernet.source);
    const kept = { ...frame, rest: NOTHING };
    const before = open.get(key);
    if (before !== undefined && !before.answered && isSame(before.frame, kept)) {
      before.at = at;
      before.copies++;
      return { request: null, roundTrip: null, copy: before.copies };
    }
    requests++;
    open.delete(key);
    open.set(key, { number, frame: kept, at, copies: 1, answered: false });
    if (open.size > MOST) {
      for (const oldest of open.keys()) {
        open.delete(oldest);
        break;
      }
    }
    return { request: null, roundTrip: null, copy: 1 };
  }

  function answer(frame: Frame, at: number): Sighting {
    const request = open.get(keyOf(frame, frame.ethernet.destination));
    if (request === undefined || !addresses(request.frame, frame)) {
      return { request: null, roundTrip: null, copy: 1 };
    }
    if (!request.answered) answered++;
    request.answered = true;
    return { request, roundTrip: at - request.at, copy: request.copies };
  }

  return { see, requests: () => requests, unanswered: () => requests - answered };
}

function keyOf(frame: Frame, initiator: number): string {
  return `${initiator}/${frame.aoe.tag}/${frame.aoe.command}`;
}

/** The answer's own shelf and slot are what was asked for, or the request left them open. */
function addresses(request: Frame, answer: Frame): boolean {
  const { major, minor } = request.aoe;
  return (
    (major === aoe.ANY_MAJOR || major === answer.aoe.major) &&
    (minor === aoe.ANY_MINOR || minor === answer.aoe.minor)
  );
}

function isSame(one: Frame, other: Frame): boolean {
  return JSON.stringify([one.aoe, one.body]) === JSON.stringify([other.aoe, other.body]);
}
