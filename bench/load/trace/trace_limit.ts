// How many commands a trace holds unless told: about 15 MB of file, which viewers open at once. And how many at most.

export const TRACE_LIMIT = 20_000;
export const TRACE_MOST = 10_000_000;
