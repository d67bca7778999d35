// `aoe decode --interface IF`: frames as they come and go, until a signal.

import { onSignals } from "../words/signals.ts";
import { createPollWaiter } from "../link/poll_waiter.ts";
import { openTap } from "../link/tap.ts";
import type { Printer } from "./printer.ts";

/** Longest sleep, ns: how late a signal may be heard. */
const SLICE = 100e6;

export async function decodeInterface(
  name: string,
  everything: boolean,
  printer: Printer,
): Promise<void> {
  const tap = openTap(name, everything);
  const waiter = createPollWaiter();
  for (const fd of tap.fds) waiter.add(fd);
  let ended = false;
  const release = onSignals(() => {
    ended = true;
    waiter.wake();
  });
  try {
    while (!ended) {
      tap.take((packet) => printer.print(packet));
      await printer.flush();
      waiter.wait(waiter.now() + SLICE);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    tap.take((packet) => printer.print(packet));
    await printer.end({ damage: null, lost: tap.lost() });
  } finally {
    release();
    waiter.close();
    tap.close();
  }
}
