// The wrappers of a link in the order in which the user gives them: the first stands nearest the
// core, so a frame that goes out passes them in that order and one that comes in the other way.
//
//   core ⇄ first ⇄ second ⇄ … ⇄ link          --reclaim … --faults … --capture …

import type { Link } from "./link.ts";

/** Makes a link around the one that it is given. */
export type Wrapper = (inner: Link) => Link;

export function wrapLink(link: Link, wrappers: readonly Wrapper[]): Link {
  return wrappers.reduceRight((inner, wrap) => wrap(inner), link);
}
