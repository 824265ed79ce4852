export { askWitness } from './ask-witness.ts';
export { readWorkerConfig } from './config.ts';
export { lead as leadCampaigns } from './keep-campaigns.ts';
export { createKeepLog } from './keep-log.ts';
export { pushCheckpoints } from './push-checkpoints.ts';
export { stampCertificates } from './stamp-certificates.ts';
export { untilStopped } from './until-stopped.ts';
export { type RekeyWorker, startWorker } from './worker.ts';
export { createWriteEvents } from './write-events.ts';
