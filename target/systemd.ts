// What systemd is told of a target, where it asks: READY, RELOADING, STOPPING, and that it is alive.

import { notify } from "../sys/notify.ts";

export interface Systemd {
  tell(state: string): void;
  /** Half of what it allows between two signs of life, ns; Infinity: it asks for none. */
  watchdogInterval(): number;
}

/** `say` hears once that it could not be told. */
export function createSystemd(say: (sentence: string) => void): Systemd {
  let deaf = false;
  return {
    tell(state) {
      const sentence = notify(state);
      if (sentence === null || deaf) return;
      deaf = true;
      say(`systemd was not told: ${sentence}`);
    },
    watchdogInterval() {
      const us = Number(process.env["WATCHDOG_USEC"]);
      return us > 0 ? us * 500 : Infinity;
    },
  };
}
