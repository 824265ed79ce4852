export { createKeepLog } from './keep-log.ts';
export { type RekeyWorker, startWorker } from './worker.ts';
export { createWriteEvents } from './write-events.ts';
