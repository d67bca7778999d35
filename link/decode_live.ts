// `aoe decode --interface IF`: frames as they come and go, until a signal.

import { createPollWaiter } from "./poll_waiter.ts";
import type { Printer } from "./decode.ts";
import { openTap } from "./tap.ts";

/** Longest sleep, ns: how late a signal may be heard. */
const SLICE = 100e6;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export async function decodeInterface(
  name: string,
  everything: boolean,
  printer: Printer,
): Promise<void> {
  const tap = openTap(name, everything);
  const waiter = createPollWaiter();
  for (const fd of tap.fds) waiter.add(fd);
  let ended = false;
  const end = (): void => {
    ended = true;
    waiter.wake();
  };
  for (const signal of SIGNALS) process.on(signal, end);
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
    for (const signal of SIGNALS) process.off(signal, end);
    waiter.close();
    tap.close();
  }
}
