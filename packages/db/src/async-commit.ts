/**
 * An SQL expression: the transaction that evaluates it commits without waiting for the disk, for a step that is taken
 * again after a crash as if it had never been. What others build on commits the ordinary way and flushes it as well.
 */
export const asyncCommit = `set_config('synchronous_commit', 'off', true)`;
