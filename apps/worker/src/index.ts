export { type RekeyWorker, startWorker } from './worker.ts';
