import { readFileSync } from 'node:fs';
import type { Store } from '@rekey/db';
import { certificatesIn, parseWitnessKey } from '@rekey/evidence';
import type { Logger } from '@rekey/runtime';
import { askWitness } from './ask-witness.ts';
import type { WorkerConfig } from './config.ts';
import type { WorkerMetrics } from './metrics.ts';
import { pushCheckpoints } from './push-checkpoints.ts';
import { stampCertificates } from './stamp-certificates.ts';

interface Outside {
  readonly config: WorkerConfig;
  readonly store: Store;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly measures: WorkerMetrics | null;
}

/** Who hears of checkpoints and certificates besides: no call where the settings name nobody. All end with the signal. */
export function tellOutside({ config, store, logger, signal, measures }: Outside): {
  readonly pushes: ReturnType<typeof pushCheckpoints> | null;
  readonly done: Promise<unknown>;
} {
  const { CHECKPOINT_URL: pushUrl, WITNESS_URL: witnessUrl, WITNESS_KEY: witnessKey } = config;
  const pushes =
    pushUrl === undefined
      ? null
      : pushCheckpoints({ store, url: pushUrl, logger, signal, onTried: measures?.checkpointTried });
  if (pushes !== null) measures?.checkpointsBehind(pushes.behindSeconds);
  const witnessing =
    witnessUrl === undefined || witnessKey === undefined
      ? null
      : askWitness({ store, url: witnessUrl, witness: parseWitnessKey(witnessKey), logger, signal });
  const { CERTIFICATE_TIMESTAMP_URL: stampUrl, CERTIFICATE_TIMESTAMP_CA: stampCa } = config;
  const stamping =
    stampUrl === undefined || stampCa === undefined
      ? null
      : stampCertificates({
          ...{ store, url: stampUrl, logger, signal },
          cas: certificatesIn(readFileSync(stampCa, 'latin1')),
        });
  return { pushes, done: Promise.all([pushes?.done, witnessing, stamping]) };
}
