import { expect, test } from "bun:test";
import { parseCoalescing, withoutAdaptive } from "./host_settings.ts";

// As ethtool 6.1 prints a tg3's.
const TG3 = `Coalesce parameters for eth1:
Adaptive RX: n/a  TX: n/a
stats-block-usecs:	1000000
rx-usecs:	20
rx-frames:	5
rx-usecs-irq:	0
tx-usecs:	72
tx-frames:	53
tx-frames-irq:	5
`;

test("what ethtool -c says, by the words of ethtool -C", () => {
  expect(parseCoalescing(TG3)).toEqual({
    "rx-usecs": "20",
    "rx-frames": "5",
    "tx-usecs": "72",
    "tx-frames": "53",
  });
  expect(parseCoalescing("Adaptive RX: on  TX: off\nrx-usecs: n/a\n")).toEqual({
    "adaptive-rx": "on",
    "adaptive-tx": "off",
  });
});

test("adaptive coalescing is off where it would overrule what is set", () => {
  const were = { "adaptive-rx": "on", "adaptive-tx": "on" };
  expect(withoutAdaptive({ "tx-usecs": "5" }, were)).toEqual({
    "adaptive-tx": "off",
    "tx-usecs": "5",
  });
  expect(withoutAdaptive({ "tx-usecs": "5" }, {})).toEqual({ "tx-usecs": "5" });
});
