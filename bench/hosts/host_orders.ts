// What the two ends of a session say: a line of JSON each. The controller gives orders, each with a
// number; the host side answers each by its number, and tells what happens to what it has started.
//
//   {"id":7,"order":"start","name":"load","words":[…]}   ▶
//                                                   ◀ {"id":7,"answer":{"pid":4711}}
//                                                   ◀ {"event":"line","name":"load","text":"…"}
//                                                   ◀ {"event":"exit","name":"load","code":0,…}
//
// Every line renews the lease. What comes before the first line of ours (a login shell's words) and
// what is no line of ours is passed over.

import * as v from "valibot";

/** ns of silence after which the host side ends everything, and the host counts as lost. */
export const LEASE = 10e9;
/** ns between two lines of a controller that has nothing to say. */
export const RENEWAL = 1e9;

const name = v.pipe(v.string(), v.regex(/^[\w.-]+$/));
const words = v.pipe(v.array(v.string()), v.minLength(1));
const interfaceName = v.pipe(v.string(), v.regex(/^[^\s/]{1,15}$/));

const ORDERS = [
  /** Only renews the lease. */
  v.object({ order: v.literal("renew") }),
  v.object({ order: v.literal("clock") }),
  /** What stands there: machine, interface, who holds it. Holds it from then on, for `by`. */
  v.object({
    order: v.literal("look"),
    interface: interfaceName,
    by: v.string(),
    /** CPUs of what will be started, which the host side leaves; null: the last one allowed. */
    cpus: v.nullable(v.array(v.number())),
    /** Where images are made; null: the system's folder for temporary files. */
    folder: v.nullable(v.string()),
  }),
  /** An image of so many bytes, made from the seed: its path. `name` tells several apart. */
  v.object({ order: v.literal("image"), name, bytes: v.number(), seed: v.number() }),
  /** A process. `reads`: a file of its that is told with its exit. */
  v.object({ order: v.literal("start"), name, words, reads: v.nullable(v.string()) }),
  /** To its standard input. */
  v.object({ order: v.literal("write"), name, text: v.string() }),
  v.object({ order: v.literal("kill"), name, signal: v.picklist(["SIGTERM", "SIGKILL"]) }),
  /** Coalescing by ethtool, whose words these are. */
  v.object({
    order: v.literal("set"),
    interface: interfaceName,
    settings: v.record(v.string(), v.number()),
  }),
  /** Removes the cache folder, with the parts that were put there. */
  v.object({ order: v.literal("clean") }),
  v.object({ order: v.literal("end") }),
] as const;

const OrderSchema = v.variant("order", ORDERS);
export type Order = v.InferOutput<typeof OrderSchema>;
const NumberedSchema = v.intersect([v.object({ id: v.number() }), OrderSchema]);
export type Numbered = v.InferOutput<typeof NumberedSchema>;

const EventSchemas = {
  hello: v.object({ event: v.literal("hello"), bun: v.string(), root: v.string() }),
  line: v.object({ event: v.literal("line"), name: v.string(), text: v.string() }),
  exit: v.object({
    event: v.literal("exit"),
    name: v.string(),
    code: v.nullable(v.number()),
    signal: v.nullable(v.string()),
    stdout: v.string(),
    /** Of the file that it was to leave; null: there is none. */
    file: v.nullable(v.string()),
    cpu_ns: v.nullable(v.number()),
  }),
  /** A sentence for a person. */
  say: v.object({ event: v.literal("say"), text: v.string() }),
};
const EventSchema = v.variant("event", [
  EventSchemas.hello,
  EventSchemas.line,
  EventSchemas.exit,
  EventSchemas.say,
]);
export type HostEvent = v.InferOutput<typeof EventSchema>;
export type ExitEvent = v.InferOutput<typeof EventSchemas.exit>;

const AnswerSchema = v.object({
  id: v.number(),
  answer: v.optional(v.unknown()),
  /** One sentence: the order could not be carried out. */
  failure: v.optional(v.string()),
  /** The exit code that the failure calls for. */
  code: v.optional(v.number()),
});
export type Answer = v.InferOutput<typeof AnswerSchema>;

/** What a host says of itself (`look`). */
export const LookSchema = v.object({
  kernel: v.string(),
  cpu: v.string(),
  user: v.string(),
  /** CPUs that what is started there runs on. */
  cpus: v.array(v.number()),
  interface: v.nullable(
    v.object({ mtu: v.number(), up: v.boolean(), driver: v.nullable(v.string()) }),
  ),
  /** Of all interfaces: `eno1 (up, 1500)`. */
  others: v.array(v.string()),
  /** ssh comes in by it. */
  carries_ssh: v.boolean(),
  /** Why raw sockets can't be opened; null: they can. */
  raw: v.nullable(v.string()),
  /** Who holds the interface: `joe, since 14:02`; null: we do. */
  held: v.nullable(v.string()),
  /** Where what was started may write; removed at the end. */
  folder: v.string(),
  facts: v.record(v.string(), v.unknown()),
  provenance: v.record(v.string(), v.unknown()),
});
export type Look = v.InferOutput<typeof LookSchema>;

function json(line: string): unknown {
  if (!line.startsWith("{")) return null;
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Null: no order, or none that this program knows. */
export function readOrder(line: string): Numbered | null {
  const read = v.safeParse(NumberedSchema, json(line));
  return read.success ? read.output : null;
}

/** Null: not a line of ours. */
export function readReply(line: string): HostEvent | Answer | null {
  const value = json(line);
  const event = v.safeParse(EventSchema, value);
  if (event.success) return event.output;
  const answer = v.safeParse(AnswerSchema, value);
  return answer.success ? answer.output : null;
}
