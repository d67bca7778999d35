import { expect, test } from "bun:test";
import { Failure } from "../../words/failure.ts";
import { needsSockets } from "./arrangement.ts";
import { cellsOf, parseJob } from "./job.ts";

test("the late lab over the ring link, the lane over either", () => {
  const held = 'link = "ring"\nlate = { never = "release:0s", held = "hold:100ms" }';
  const [late] = parseJob(`[a]\n${held}`, "j.toml").jobs;
  expect(late && cellsOf(late).map(({ axes, texts }) => [axes.late, texts.late])).toEqual([
    ["never", "release:0s"],
    ["held", "hold:100ms"],
  ]);
  // A list of lanes has cells without one, for which the lane's ring says nothing.
  const lanes = 'write_lane = ["off", "on"]\nreceive_ring = "64k"\nlane_ring = "256k"';
  const [lane, plain] = parseJob(`[a]\n${lanes}\n[b]\nlate = ""`, "j.toml").jobs;
  expect([lane && needsSockets(lane), plain && needsSockets(plain)]).toEqual([true, false]);
  const there = 'link = "ring"\ninterface = "eth1"\ntarget = "e7.3"\nwrite_lane = "on"';
  expect(parseJob(`[a]\n${there}`, "j.toml").jobs.length).toBe(1);
});

const HOLDING = "`late` only with `link` ring or xdp, because other links hold nothing";
const HOLD = 'late = "hold:100ms"';

test.each([
  [HOLD, `${HOLDING}, got \`hold:100ms\` with auto`],
  [`link = "virtual"\n${HOLD}`, `${HOLDING}, got \`hold:100ms\` with virtual`],
  [`link = "packet"\nlate = ["", "pulse:5ms/20ms"]`, "got `pulse:5ms/20ms` with packet"],
  [
    `link = "ring"\ninterface = "eth1"\ntarget = "e7.3"\n${HOLD}`,
    "`late` only in a lab, got `hold:100ms` with `interface` eth1",
  ],
  [
    `link = "ring"\ninitiators = [1, 2]\n${HOLD}`,
    "`initiators` to be 1 with `late`, whose lab has one transmit interface, got `2`",
  ],
  [
    `link = "ring"\nruntime = ["1s", "50ms"]\nramp_time = "50ms"\n${HOLD}`,
    "the moves of `late` to be due before `ramp_time` and `runtime` are over, 100ms after the warm-up, got `hold:100ms`",
  ],
  [
    'link = "ring"\nlate = "pause:5ms/20ms"',
    "`late` to be hold:AT, release:AT and drop:AT in a list",
  ],
  [
    'link = "virtual"\nwrite_lane = "on"',
    "`write_lane` only over raw sockets, got `on` with `link` virtual",
  ],
  [
    'link = "memory"\nreceive_ring = "64k"',
    "`receive_ring` only over raw sockets, got `64k` with `link` memory",
  ],
  [
    'store = ["image", "null"]\nservice = "delay:1ms"',
    "`service` only with `store` image, because a null target answers at once, got `delay:1ms`",
  ],
  ['lane_ring = "64k"', "`lane_ring` only where `write_lane` is on, got `64k`"],
  ['write_lane = "yes"', "`write_lane` to be one of on, off, got `yes`"],
  ['receive_ring = "1k"', "`receive_ring` to be between 4k and 1g, got `1k`"],
  [
    'link = "memory"\ninterface = "eth1"\ntarget = "e7.3"',
    "`link` to be packet, ring or xdp on an interface, got `memory`",
  ],
])("what can't be had together is one sentence: %j", (keys, rule) => {
  let said: unknown;
  try {
    parseJob(`[a]\n${keys}`, "j.toml");
  } catch (error) {
    said = error;
  }
  expect(said).toBeInstanceOf(Failure);
  const { message, exitCode } = said as Failure;
  expect(exitCode).toBe(2);
  expect(message).toStartWith("j.toml");
  expect(message).toContain(`Expected `);
  expect(message).toContain(rule);
  expect(message).not.toContain("\n");
});
