/**
 * For stores of tests that are not about a Postgres that is away: an API gives a connection two seconds to come about, and its
 * callers eight to get one, as somebody waits for its answer. Of five processes on two cores one may stand still for as long.
 */
export const patient = { connectTimeoutMs: 30_000, queueTimeoutMs: 120_000 } as const;
