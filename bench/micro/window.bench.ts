// What a path's window costs for an answer: in slow start and congestion avoidance, wide open, and with a loss
// among a hundred answers.

import { Window } from "../../initiator/protocol/window.ts";
import type { MicroCase } from "./micro_case.ts";

const LIMIT = 64;

export const WINDOW_CASES: readonly MicroCase[] = [
  {
    name: "window open",
    about: "an answer at a window that is as wide as it may be",
    make() {
      const window = open();
      return (call) => window.answered(LIMIT, call);
    },
  },
  {
    name: "window lossy",
    about: "an answer, each hundredth of them a loss: slow start, then one more a window",
    make() {
      const window = open();
      return (call) => {
        if (call % 100 === 0) window.lost(window.size, call);
        else window.answered(window.size, call);
      };
    },
  },
];

function open(): Window {
  const window = new Window(LIMIT);
  while (window.size < LIMIT) window.answered(window.size, 0);
  return window;
}
