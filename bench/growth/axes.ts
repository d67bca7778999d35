// The axes along which a target may grow, and what one point of them is. All but the axis itself is the same at
// every point: 64 reads outstanding of places that the page cache holds, in one image, from one initiator, by one
// interface. One more measurement at each point has one read outstanding: its latency has no queue in it.

import { formatSize } from "../../words/quantity.ts";

/** What a trial sets up. */
export interface GrowthShape {
  readonly exports: number;
  /** Reads outstanding while CPU time is counted. */
  readonly depth: number;
  /** Reads outstanding while latency is measured. */
  readonly latency_depth: number;
  readonly initiators: number;
  readonly interfaces: number;
  readonly image_bytes: number;
  /** Different sectors that are read, each on a page of its own. */
  readonly places: number;
  /** Whether start, discovery and memory are measured too (census.ts). */
  readonly census?: true;
}

export interface Axis {
  readonly name: AxisName;
  readonly about: string;
  readonly values: readonly number[];
  readonly label: (value: number) => string;
  readonly shape: (value: number) => GrowthShape;
  /** The measure that has to grow, and why; null: both should be flat. */
  readonly grows: { readonly measure: Measure; readonly because: string } | null;
  /** What may make a cost grow all the same: said where one does. */
  readonly reason: string;
}

export const AXIS_NAMES = ["exports", "depth", "image", "initiators", "interfaces"] as const;
export type AxisName = (typeof AXIS_NAMES)[number];

export const MEASURES = ["target_cpu_ns", "lat_p50_ns"] as const;
export type Measure = (typeof MEASURES)[number];

/** The far end of an axis may cost so many times what the near end does and still be called flat. */
export const FLAT = 1.25;
/** Of each read. */
export const READ_BYTES = 1024;
const PAGE = 4096;
export const MTU = 1500;

const COMMON: GrowthShape = {
  exports: 1,
  depth: 64,
  latency_depth: 1,
  initiators: 1,
  interfaces: 1,
  image_bytes: 128 << 20,
  places: 256,
};

const plain = (value: number): string => value.toLocaleString("en-US");

export const AXES: readonly Axis[] = [
  {
    name: "exports",
    about: "exports of a file each, 20,000 pages read in all of them together",
    values: [1, 100, 10_000],
    label: plain,
    shape: (exports) => ({ ...COMMON, exports, places: 20_000, census: true }),
    grows: null,
    reason:
      "each of many exports and files is used so seldom that its own state has left the processor's caches",
  },
  {
    name: "depth",
    about: "reads outstanding, at a buffer count as large",
    values: [1, 4, 16, 64, 256, 1024],
    label: plain,
    shape: (depth) => ({ ...COMMON, depth, latency_depth: depth }),
    grows: {
      measure: "lat_p50_ns",
      because: "by Little's law it is the depth over what the target serves a second",
    },
    reason: "more frames wait in the receive rings than the processor's caches hold",
  },
  {
    name: "image",
    about: "bytes of a sparse image, 256 pages of it read, from its begin to its end",
    values: [1 << 20, 1 << 30, 2 ** 40],
    label: formatSize,
    shape: (image_bytes) => ({ ...COMMON, image_bytes }),
    grows: null,
    reason:
      "pages far apart in a file share no node of the page cache's tree: the kernel walks more of it",
  },
  {
    name: "initiators",
    about: "initiators, each with its own MAC address, in turn; 64 reads outstanding in total",
    values: [1, 8, 64],
    label: plain,
    shape: (initiators) => ({ ...COMMON, initiators }),
    grows: null,
    reason: "what the target holds for each initiator is looked for once a request",
  },
  {
    name: "interfaces",
    about: "interfaces in turns, each of them the export's; 64 reads outstanding in all",
    values: [1, 2, 4, 8],
    label: plain,
    shape: (interfaces) => ({ ...COMMON, interfaces }),
    grows: null,
    reason:
      "a turn of the loop looks at every interface, so a read alone pays for those that have nothing",
  },
];

export function axisOf(name: AxisName): Axis {
  const found = AXES.find((axis) => axis.name === name);
  if (found === undefined) throw new Error(`invariant: an axis ${name}`);
  return found;
}

/** Where read number `place` is: exports in turns, spread over the whole image. */
export function placeOf(
  { exports, places, image_bytes }: GrowthShape,
  place: number,
): { readonly owner: number; readonly lba: number } {
  const each = Math.ceil(places / exports);
  const pages = Math.floor(image_bytes / PAGE);
  // A file's first page and its last are among them.
  const page =
    each === 1 ? 0 : Math.floor((Math.floor(place / exports) * (pages - 1)) / (each - 1));
  return { owner: place % exports, lba: page * (PAGE / 512) };
}
