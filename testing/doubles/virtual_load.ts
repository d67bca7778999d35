// A load over the memory link under the virtual clock, for tests: target, initiator, pool and load are the real ones.

import { createMemoryPair } from "../../link/memory.ts";
import { createVirtualClock } from "../../link/virtual_clock.ts";
import { Export } from "../../target/protocol/export.ts";
import { parseServiceModel } from "../../target/service/model.ts";
import type { Store } from "../../target/stores/store.ts";
import { createMemoryStore } from "../../target/stores/memory.ts";
import { Target } from "../../target/protocol/target.ts";
import { createRandom } from "../../words/random.ts";
import { type LoadTexts, parseLoad } from "../../bench/load/options.ts";
import { type LoadOutcome, runLoad } from "../../bench/load/run_load.ts";

const US = 1e3;
/** Of the device. */
export const SECTORS = 2048;

interface Setting {
  readonly service?: string;
  readonly store?: Store;
  readonly bufferCount?: number;
  /** One way, ns. */
  readonly latency?: number;
}

export async function virtualLoad(texts: LoadTexts, setting: Setting = {}): Promise<LoadOutcome> {
  const waiter = createVirtualClock(1e9);
  const [near, far] = createMemoryPair({
    clock: waiter,
    latency: setting.latency ?? 100 * US,
    mtu: 9000,
  });
  const target = new Target();
  const random = createRandom(1);
  const { service = "", store = createMemoryStore(SECTORS), bufferCount = 16 } = setting;
  const model = parseServiceModel(service, { what: "service", random, sectors: SECTORS });
  target.addExport(new Export({ major: 7, minor: 3, store, bufferCount, model }));
  target.addPort(far, "far");
  return runLoad({
    link: near,
    waiter,
    beside: target,
    address: { major: 7, minor: 3 },
    patience: 1e9,
    options: parseLoad({ warmUp: "0s", rampTime: "5ms", runtime: "30ms", ...texts }),
    mode: "frugal",
    say: () => {},
  });
}
