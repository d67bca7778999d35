// Whether frames pass a queue discipline where they leave an interface, asked as `tc qdisc` does. A veth, a bridge and
// loopback have none ("noqueue") until somebody adds one; clsact, which holds egress filters, counts as one.

import { askRoute, textOf } from "./rtnetlink.ts";

const RTM_NEWQDISC = 36;
const RTM_GETQDISC = 38;
/** struct tcmsg: family u8 · interface i32 @4 · handle u32 @8 · parent u32 @12 · info u32 @16. */
const BODY = 20;
const TCA_KIND = 1;
const NONE = "noqueue";

/** Whether interface `index` has one; true where the kernel doesn't tell. */
export function hasQueueDiscipline(index: number): boolean {
  let seen = false;
  let found = false;
  // All of them: the kernel tells no single interface's.
  const told = askRoute({ type: RTM_GETQDISC, answer: RTM_NEWQDISC, body: BODY }, (answer) => {
    if (answer.index !== index) return false;
    seen = true;
    found = textOf(answer.value(TCA_KIND)) !== NONE;
    return found;
  });
  return !told || !seen || found;
}
