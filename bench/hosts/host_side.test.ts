import { expect, test } from "bun:test";
import { environment } from "../../words/failure.ts";
import { HostSide, type HostWorld, type Started } from "./host_side.ts";

class World implements HostWorld {
  time = 0;
  readonly sent: unknown[] = [];
  readonly done: string[] = [];
  told: Parameters<HostWorld["start"]>[1] | null = null;
  now = () => this.time;
  send: HostWorld["send"] = (message) => this.sent.push(message);
  look = (): never => {
    throw environment("no eth7");
  };
  image: HostWorld["image"] = ({ name }) => `/tmp/${name}.img`;
  set = () => Promise.resolve({ "tx-usecs": "5" });
  clean = (): void => {
    this.done.push("clean");
  };
  leave = (): void => {
    this.done.push("leave");
  };
  start: HostWorld["start"] = ({ name }, told): Started => {
    this.told = told;
    return {
      pid: 4711,
      write: (text) => this.done.push(`${name} is told ${text}`),
      kill: (signal) => this.done.push(`${name} ${signal}`),
    };
  };
}

const make = () => {
  const world = new World();
  const side = new HostSide(world);
  const order = (id: number, body: object) => side.take(JSON.stringify({ id, ...body }));
  return { world, side, order };
};
const LOAD = { order: "start", name: "load.0", words: ["aoe"], reads: null };

test("orders are answered by their numbers, and refused in a sentence", async () => {
  const { world, order } = make();
  world.time = 5;
  await order(1, { order: "clock" });
  await order(2, { order: "look", interface: "eth7", by: "joe", cpus: null, folder: null });
  await order(3, { order: "image", name: "read.512", bytes: 512, seed: 1 });
  await order(4, { order: "write", name: "load.0", text: "x" });
  expect(world.sent).toEqual([
    { id: 1, answer: 5 },
    { id: 2, failure: "no eth7", code: 5 },
    { id: 3, answer: "/tmp/read.512.img" },
    { id: 4, failure: "load.0 does not run", code: 1 },
  ]);
});

test("what a process says and how it ends is told by its name, which is free then", async () => {
  const { world, order } = make();
  await order(1, LOAD);
  await order(2, LOAD);
  expect(world.sent.at(-1)).toEqual({ id: 2, failure: "load.0 runs already", code: 1 });
  world.told?.line("ready");
  const exit = { code: 0, signal: null, stdout: "{}", file: null, cpu_ns: 1 };
  world.told?.exit(exit);
  expect(world.sent.slice(2)).toEqual([
    { event: "line", name: "load.0", text: "ready" },
    { event: "exit", name: "load.0", ...exit },
  ]);
  await order(3, LOAD);
  expect(world.sent.at(-1)).toEqual({ id: 3, answer: 4711 });
});

test("10 s of silence end everything, once; a line in time renews", async () => {
  const { world, side, order } = make();
  await order(1, LOAD);
  world.time = 9e9;
  side.tick();
  expect(side.ended).toBe(false);
  await order(2, { order: "renew" });
  world.time = 18.9e9;
  side.tick();
  expect(side.ended).toBe(false);
  world.time = 19e9;
  side.tick();
  side.end();
  expect(world.done).toEqual(["load.0 SIGKILL", "leave"]);
});

test("after the end nothing is begun and nothing is told", async () => {
  const { world, order } = make();
  await order(1, LOAD);
  await order(2, { order: "end" });
  const sent = world.sent.length;
  world.told?.line("late");
  await order(3, LOAD);
  expect(world.sent).toHaveLength(sent);
  expect(world.done).toEqual(["load.0 SIGKILL", "leave"]);
});

test.each([
  "",
  "[]",
  "{",
  "null",
  '{"id":1}',
  '{"id":1,"order":"shell","words":["rm"]}',
  '{"id":"1","order":"clock"}',
  '{"id":1,"order":"start","name":"../x","words":["a"],"reads":null}',
  '{"id":1,"order":"kill","name":"a","signal":"SIGSTOP"}',
])("%p is no order", async (line) => {
  const { world, side } = make();
  await side.take(line);
  expect(world.sent).toEqual([{ event: "say", text: `not an order: ${line}` }]);
  expect(world.done).toEqual([]);
});
