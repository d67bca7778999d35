// A session on real interfaces: opens them with their wrappers, and closes them at its end.

import { createPollWaiter, type PollWaiter } from "../../link/poll_waiter.ts";
import { wrapLink } from "../../link/wrap.ts";
import { type InitiatorSettings, type LinkedSession, SessionOver } from "./linked_session.ts";
import { openRawLink, type RawLink, type RawLinkOptions } from "./raw_link.ts";
import { type SessionWrapper, wrappersOf } from "./session_wrappers.ts";

export interface SessionOptions extends InitiatorSettings, RawLinkOptions {
  readonly interfaces: readonly string[];
  readonly wrappers: readonly SessionWrapper[];
  /** Milliseconds since 1970: what a capture's time stamps begin with. */
  readonly wallClock: () => number;
}

export interface Session extends LinkedSession<PollWaiter> {
  /** Below the wrappers. */
  readonly raw: readonly RawLink[];
}

export function openSession(options: SessionOptions): Session {
  const waiter = createPollWaiter();
  const raw: RawLink[] = [];
  try {
    for (const name of options.interfaces) raw.push(openRawLink(name, options, options.onNotice));
    for (const link of raw) for (const fd of link.fds) waiter.add(fd);
    for (const link of raw) for (const said of link.granted.warnings) options.onNotice(said);
    const links = raw.map((link, index) => wrapLink(link, wrappersOf(options, index, waiter)));
    const close = (): void => {
      for (const link of links) link.close();
      waiter.close();
    };
    return Object.assign(new SessionOver({ links, waiter, close }, options), { raw });
  } catch (error) {
    for (const link of raw) link.close();
    waiter.close();
    throw error;
  }
}
