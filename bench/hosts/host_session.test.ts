import { expect, test } from "bun:test";
import { failed } from "../../words/failure.ts";
import { HostSession } from "./host_session.ts";

const make = () => {
  const written: { id: number; order: string }[] = [];
  const said: string[] = [];
  const state = { time: 0, ended: false };
  const channel = {
    write: (text: string) => written.push(JSON.parse(text)),
    end: () => (state.ended = true),
  };
  const session = new HostSession(
    "ini",
    channel,
    () => state.time,
    (text) => said.push(text),
  );
  const reply = (body: object) => session.take(JSON.stringify(body));
  return { session, written, said, state, reply };
};

test("answers find their orders, in whatever order they come; refusals name the host", async () => {
  const { session, reply } = make();
  const one = session.ask({ order: "clock" });
  const two = session.ask({ order: "clock" });
  const three = session.ask({ order: "renew" });
  session.take("Welcome to Ubuntu");
  reply({ id: 2, answer: "b" });
  reply({ id: 9, answer: "nobody's" });
  reply({ id: 1, answer: "a" });
  reply({ id: 3, failure: "no" });
  expect(await Promise.all([one, two])).toEqual(["a", "b"]);
  expect(three).rejects.toThrow("ini: no");
});

test("a process there: its lines, and its end", async () => {
  const { session, reply, said } = make();
  const started = session.start("load.0", ["aoe"], null);
  reply({ id: 1, answer: 4711 });
  const remote = await started;
  const ready = remote.until("ready");
  reply({ event: "line", name: "load.0", text: "ready" });
  await ready;
  await remote.until("ready");
  const exit = { name: "load.0", code: 0, signal: null, stdout: "", file: null, cpu_ns: null };
  reply({ event: "exit", ...exit });
  expect((await remote.exit).code).toBe(0);
  reply({ event: "say", text: "eth1 is put back" });
  expect(said).toEqual(["ini: eth1 is put back"]);
});

test("renewed every second; lost after 10 s of silence, and all that waits is told", async () => {
  const { session, written, state, reply } = make();
  const waiting = session.ask({ order: "clock" });
  const started = session.start("load.0", ["aoe"], null);
  reply({ id: 2, answer: 1 });
  const { exit } = await started;
  for (state.time = 1e9; state.time < 10e9; state.time += 1e9) session.tick();
  expect(written.filter(({ order }) => order === "renew")).toHaveLength(9);
  expect(session.isLost).toBe(false);
  session.tick();
  expect(session.isLost).toBe(true);
  expect(state.ended).toBe(true);
  const sentence = "ini: nothing heard for 10 s; what ran there ends by itself";
  expect((await session.lost).message).toBe(sentence);
  expect(waiting).rejects.toThrow(sentence);
  expect(exit).rejects.toThrow(sentence);
  expect(session.ask({ order: "clock" })).rejects.toThrow(sentence);
});

test("an answer in time keeps it; the first reason for its end stays", async () => {
  const { session, state, reply } = make();
  session.ask({ order: "renew" }).catch(() => {});
  state.time = 9e9;
  reply({ id: 1, answer: null });
  state.time = 18e9;
  session.tick();
  expect(session.isLost).toBe(false);
  session.lose(failed("one"));
  session.lose(failed("two"));
  expect((await session.lost).message).toBe("one");
});
