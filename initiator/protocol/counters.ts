// What a device counts. Plain fields, raised in place.

/** Since the device appeared; times in ns. */
export interface DeviceCounters {
  commands: number;
  completed: number;
  ataErrors: number;
  aoeErrors: number;
  timeouts: number;
  cancelled: number;
  transmits: number;
  retransmits: number;
  /** Retransmits that had to take another buffer, since their own was pinned or is another link's. */
  retransmitBuffers: number;
  /** Retransmits put off for an overlapping write. */
  retransmitsBarred: number;
  /** Answers that came for frames given up on their command's behalf. */
  orphanAnswers: number;
  contradictory: number;
  /** Answers from an address that is none of the device's. */
  foreign: number;
  tooShort: number;
  stale: number;
  heldBack: number;
  heldBackTime: number;
  /** `transmit` said that there is no room. */
  linkBusy: number;
  fallBacks: number;
  /** Config queries to it since discovery: after a time-out, or to find it again. */
  queries: number;
  /** Times that an address was asked which disk it leads to, beside the queue. */
  proofs: number;
  /** Addresses that claimed the device while too many others were being asked. */
  claimsRefused: number;
  kicks: number;
  kickStall: number;
}

export function createCounters(): DeviceCounters {
  return {
    commands: 0,
    completed: 0,
    ataErrors: 0,
    aoeErrors: 0,
    timeouts: 0,
    cancelled: 0,
    transmits: 0,
    retransmits: 0,
    retransmitBuffers: 0,
    retransmitsBarred: 0,
    orphanAnswers: 0,
    contradictory: 0,
    foreign: 0,
    tooShort: 0,
    stale: 0,
    heldBack: 0,
    heldBackTime: 0,
    linkBusy: 0,
    fallBacks: 0,
    queries: 0,
    proofs: 0,
    claimsRefused: 0,
    kicks: 0,
    kickStall: 0,
  };
}
