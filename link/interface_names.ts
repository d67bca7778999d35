// Which interfaces frames could leave by: for who was not told one.

import { interfaceNames, readInterface } from "../sys/interface.ts";

/** Of this network namespace: Ethernet, up, not the loopback. */
export function usableInterfaces(): readonly string[] {
  return interfaceNames().filter((name) => {
    const found = readInterface(name);
    return found?.ethernet === true && found.up && !found.loopback;
  });
}
