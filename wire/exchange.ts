// Which answer belongs to which request: same tag, same command, and the initiator's MAC on both.
// The target's MAC does not count: a broadcast is answered from addresses that nobody asked (P6).
//
// A request seen again with the same content before an answer came is a copy: a retransmit. Seen
// after an answer it is a new request, since tags come round again (0, for discovery).

import * as aoe from "./aoe.ts";
import { type Frame, isResponse } from "./frame.ts";
import type { Mac } from "./mac.ts";

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
  /**
   * Frame `number`, seen at `at` ns; in the order of time. `place`: where it was seen, since a capture of several
   * interfaces may see one frame on each. `initiator`: its MAC; null where the capture does not tell.
   */
  see(frame: Frame, number: number, at: number, place?: number, initiator?: Mac | null): Sighting;
  /** Requests seen, retransmits not counted. */
  requests(): number;
  /** Of these, the ones that no answer came to. */
  unanswered(): number;
}

/** A request as seen at one place. */
interface View {
  readonly place: number;
  at: number;
  copies: number;
}

interface Request {
  readonly number: number;
  readonly frame: Frame;
  readonly views: View[];
  answered: boolean;
}

/** Requests remembered; beyond it the oldest is forgotten. */
const MOST = 65_536;
const NOTHING = new Uint8Array(0);
const UNASKED: Sighting = { request: null, roundTrip: null, copy: 1 };

export function createExchanges(): Exchanges {
  const open = new Map<string, Request>();
  let requests = 0;
  let answered = 0;

  function see(
    frame: Frame,
    number: number,
    at: number,
    place = 0,
    initiator: Mac | null = initiatorOf(frame),
  ): Sighting {
    const key = `${initiator ?? "?"}/${frame.aoe.tag}/${frame.aoe.command}`;
    return isResponse(frame) ? answer(frame, key, at, place) : ask(frame, key, number, at, place);
  }

  function ask(frame: Frame, key: string, number: number, at: number, place: number): Sighting {
    const kept = { ...frame, rest: NOTHING };
    const before = open.get(key);
    if (before !== undefined && !before.answered && isSame(before.frame, kept)) {
      const view = before.views.find((one) => one.place === place);
      if (view === undefined) before.views.push({ place, at, copies: 1 });
      else {
        view.at = at;
        view.copies++;
      }
      return { ...UNASKED, copy: view?.copies ?? 1 };
    }
    requests++;
    open.delete(key);
    open.set(key, { number, frame: kept, views: [{ place, at, copies: 1 }], answered: false });
    if (open.size > MOST) {
      for (const oldest of open.keys()) {
        open.delete(oldest);
        break;
      }
    }
    return UNASKED;
  }

  function answer(frame: Frame, key: string, at: number, place: number): Sighting {
    const request = open.get(key);
    if (request === undefined || !addresses(request.frame, frame)) return UNASKED;
    if (!request.answered) answered++;
    request.answered = true;
    const { views } = request;
    // A tap may have each direction on an interface of its own.
    const view = views.find((one) => one.place === place) ?? views[0];
    return { request, roundTrip: at - (view?.at ?? at), copy: view?.copies ?? 1 };
  }

  return { see, requests: () => requests, unanswered: () => requests - answered };
}

function initiatorOf(frame: Frame): Mac {
  return isResponse(frame) ? frame.ethernet.destination : frame.ethernet.source;
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
  const content = ({ ethernet, aoe: header, body }: Frame): string =>
    JSON.stringify([ethernet.source, header, body]);
  return content(one) === content(other);
}
