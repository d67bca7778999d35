// A trial without a network, as a process of its own: target and initiator are two cores in one loop,
// joined by the memory link. In real time its frames cross no kernel and its cores share one CPU, so
// its figures stand for nothing but themselves; what the pools do under late release shows all the same.
// Under the virtual clock nothing takes time but what the job says, and a seed is one result for ever.
//
//   bun memory_trial.ts '{"rw": "randread", …}' memory | virtual     every key of a cell; the document on stdout

import { wallMilliseconds } from "../../sys/clock.ts";
import type { Link } from "../../link/link.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { createPollWaiter } from "../../link/poll_waiter.ts";
import { createVirtualClock } from "../../link/virtual_clock.ts";
import { Export } from "../../target/protocol/export.ts";
import { parseServiceModel } from "../../target/service/model.ts";
import { createMemoryStore } from "../../target/stores/memory.ts";
import { Target } from "../../target/protocol/target.ts";
import { EXIT, Failure } from "../../words/failure.ts";
import { camelCase, optionTexts, parseOptions } from "../../words/option.ts";
import { createRandom } from "../../words/random.ts";
import { HeapLink } from "./heap_link.ts";
import { KEYS, type KeyValues } from "../job/keys.ts";
import { LOAD_KEYS } from "../load/options.ts";
import { loadDocument, shortcomings } from "../load/load_document.ts";
import { runLoad } from "../load/run_load.ts";
import { NullTarget } from "./null_target.ts";
import { say } from "../../words/say.ts";
import { SECTOR } from "../../wire/ata.ts";

const ADDRESS = { major: 7, minor: 3 };

async function main(given: Readonly<Record<string, string>>, link: string): Promise<number> {
  const texts = Object.fromEntries(
    Object.entries(given).map(([key, text]) => [camelCase(key), text]),
  );
  const values = parseOptions(KEYS, texts);
  const options = { ...values, texts: optionTexts(LOAD_KEYS, texts) };
  const exact = link === "virtual";
  const waiter = exact ? createVirtualClock(1e9) : createPollWaiter();
  const { mtu, bufferCount } = values;
  const latency = exact ? values.latency : 0;
  const [near, far] = createMemoryPair({ clock: waiter, mtu, latency });
  const sectors = values.imageSize / SECTOR;
  const beside =
    values.store === "null"
      ? new NullTarget([far], sectors, bufferCount)
      : wholeTarget(values, far, sectors);
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
  { service = "", bufferCount }: KeyValues,
  link: Link,
  sectors: number,
): Target {
  const target = new Target();
  const random = createRandom(1).fork("service");
  const model = parseServiceModel(service, { what: "service", random, sectors });
  const store = createMemoryStore(sectors);
  target.addExport(new Export({ ...ADDRESS, store, bufferCount, model }));
  target.addPort(link, "memory");
  return target;
}

try {
  process.exitCode = await main(
    JSON.parse(process.argv[2] ?? "{}") as Record<string, string>,
    process.argv[3] ?? "memory",
  );
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}
