import { totalmem } from 'node:os';

const mebibyte = 2 ** 20;

/**
 * A Postgres of our own is given a quarter of the machine's memory, as its manual advises, and room for a log that need
 * not be cut every few seconds: with the defaults a table larger than them measures checkpoints. Durability stays on.
 */
export const postgresSettings = {
  shared_buffers: `${Math.floor(totalmem() / 4 / mebibyte)}MB`,
  max_wal_size: '16GB',
  checkpoint_timeout: '15min',
} as const;

/** What is worth knowing of any server that figures were taken on. */
export const settingsShown = [
  'shared_buffers',
  'max_wal_size',
  'checkpoint_timeout',
  'fsync',
  'synchronous_commit',
  'full_page_writes',
] as const;
