// A trial without a network, as a process of its own: target and initiator are two cores in one loop,
// joined by the memory link. In real time its frames cross no kernel and its cores share one CPU, so
// its figures stand for nothing but themselves; what the pools do under late release shows all the same.
// Under the virtual clock nothing takes time but what the job says, and a seed is one result for ever.
//
//   bun memory_trial.ts '{"rw": "randread", …}' memory | virtual     every key of a cell; the document on stdout

import type { Link } from "../../link/link.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { createPollWaiter } from "../../link/poll_waiter.ts";
import { createVirtualClock } from "../../link/virtual_clock.ts";
import { Export } from "../../target/protocol/export.ts";
import { parseServiceModel } from "../../target/service/model.ts";
import { createMemoryStore } from "../../target/stores/memory.ts";
import { Target } from "../../target/protocol/target.ts";
import { EXIT, Failure } from "../../words/failure.ts";
import { parseDuration, parseInteger, parseSize } from "../../words/quantity.ts";
import { createRandom } from "../../words/random.ts";
import { HeapLink } from "./heap_link.ts";
import { type LoadTexts, parseLoad } from "../load/options.ts";
import { loadDocument, shortcomings } from "../load/load_document.ts";
import { runLoad } from "../load/run_load.ts";
import { wallMilliseconds } from "../machine/provenance.ts";
import { NullTarget } from "./null_target.ts";
import { loadOptions } from "./trial_script.ts";
import { SECTOR } from "../load/workload.ts";
import { say } from "../../words/say.ts";
import type { Cell } from "../job/resolved.ts";

const ADDRESS = { major: 7, minor: 3 };

async function main(values: Cell["values"], link: string): Promise<number> {
  const options = parseLoad(Object.fromEntries(loadOptions(values).map(camel)) as LoadTexts);
  const exact = link === "virtual";
  const waiter = exact ? createVirtualClock(1e9) : createPollWaiter();
  const mtu = parseInteger(values.mtu, "mtu");
  const latency = exact ? parseDuration(values.latency, "latency") : 0;
  const [near, far] = createMemoryPair({ clock: waiter, mtu, latency });
  const sectors = parseSize(values.image_size, "image_size") / SECTOR;
  const bufferCount = parseInteger(values.buffer_count, "buffer_count");
  const beside =
    values.store === "null"
      ? new NullTarget([far], sectors, bufferCount)
      : wholeTarget(values, far, sectors, bufferCount);
  const at = exact ? 0 : wallMilliseconds();
  const outcome = await runLoad({
    link: values.memory === "malloc" ? new HeapLink(near) : near,
    waiter,
    beside,
    address: ADDRESS,
    patience: 3e9,
    options,
    // Nothing moves under the virtual clock while one spins.
    mode: exact ? "frugal" : "low-latency",
    say,
  });
  const document = loadDocument(outcome, options, "e7.3", at, {
    device: "e7.3",
    link,
    mtu,
  });
  await Bun.write(Bun.stdout, `${JSON.stringify(document)}\n`);
  const wrong = shortcomings(outcome);
  for (const sentence of wrong) process.stderr.write(`${sentence}\n`);
  return wrong.length > 0 ? EXIT.failed : EXIT.done;
}

function wholeTarget(
  values: Cell["values"],
  link: Link,
  sectors: number,
  bufferCount: number,
): Target {
  const target = new Target();
  const random = createRandom(1).fork("service");
  const model = parseServiceModel(values.service, { what: "service", random, sectors });
  const store = createMemoryStore(sectors);
  target.addExport(new Export({ ...ADDRESS, store, bufferCount, model }));
  target.addPort(link, "memory");
  return target;
}

function camel([option, text]: [string, string]): [string, string] {
  return [option.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()), text];
}

try {
  process.exitCode = await main(
    JSON.parse(process.argv[2] ?? "{}") as Cell["values"],
    process.argv[3] ?? "memory",
  );
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}
