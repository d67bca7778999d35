// The options of `aoe bench pins`: unless told, some 1000 frames to nobody's address within
// seconds.

import { formatMac, type Mac, parseMac } from "../../wire/mac.ts";
import { PINNING_LINKS } from "../../initiator/session/raw_link.ts";
import { expected } from "../../words/failure.ts";
import {
  choice,
  integer,
  listOf,
  type OptionTable,
  type OptionType,
  positiveDuration,
} from "../../words/option.ts";

/** Locally administered, and nobody's. */
export const NOBODY: Mac = 0x0200_00ff_fffe;

const mac: OptionType<Mac> = {
  hint: "mac",
  parse(text, what) {
    const parsed = parseMac(text);
    if (parsed === null) throw expected(what, "a MAC address, such as 02:00:00:00:00:b0", text);
    return parsed;
  },
};

const settings = listOf(integer(0));

export const PINS_OPTIONS = {
  link: {
    type: choice(PINNING_LINKS, "kind"),
    many: true,
    unit: "kind",
    help: "may be repeated; all of them",
  },
  to: { type: mac, default: "", usual: formatMac(NOBODY), help: "whom the config queries are for" },
  rate: { type: integer(1, 100_000), default: "500", help: "frames a second" },
  iodepth: {
    type: integer(1, 256),
    default: "16",
    help: "commands of the load that is answered for",
  },
  burst: { type: integer(2, 256), default: "32", help: "frames at once" },
  bursts: { type: integer(1, 1000), default: "8", help: "number of bursts" },
  runtime: { type: positiveDuration, default: "500ms", help: "of the steady rate" },
  patience: { type: positiveDuration, default: "200ms", help: "how long a release is waited for" },
  tx_usecs: {
    type: settings,
    default: "",
    help: "each in turn by ethtool -C, and put back at the end",
  },
  tx_frames: { type: settings, default: "", help: "the same for tx-frames" },
} as const satisfies OptionTable;
