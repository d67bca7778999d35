// Whom an interface belongs to: a port of a bridge, a bond, a team or an Open vSwitch hears nothing itself, since its
// master takes the frames. Asked as `ip link show` does.

import { interfaceName } from "./interface.ts";
import { askRoute, textOf } from "./rtnetlink.ts";

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
/** struct ifinfomsg. */
const BODY = 16;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_INFO_SLAVE_KIND = 4;

export interface Master {
  readonly name: string;
  /** As the kernel calls its kind: `bridge`, `bond`, `vrf`; "" where it doesn't tell. */
  readonly kind: string;
}

/** Of interface `index`; null: it has none, or the kernel doesn't tell. */
export function masterOf(index: number): Master | null {
  let master: Master | null = null;
  askRoute({ type: RTM_GETLINK, answer: RTM_NEWLINK, body: BODY, index }, (answer) => {
    const of = answer.value(IFLA_MASTER)?.getInt32(0, true) ?? 0;
    const name = of === 0 ? null : interfaceName(of);
    if (name !== null) {
      master = { name, kind: textOf(answer.value(IFLA_LINKINFO, IFLA_INFO_SLAVE_KIND)) };
    }
    return true;
  });
  return master;
}
