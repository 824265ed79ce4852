import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { freePort } from '../../packages/stack/src/free-port.ts';
import { startKeeper } from '../../packages/stack/src/keeper.ts';
import { type Owner, thisFile } from './cleanup.ts';
import { tool } from './tool.ts';
import { until } from './wait.ts';

const moto = await tool('moto');

/** For the options of a test that asks AWS KMS. */
export const skipWithoutMoto = moto.skip;

/** As every AWS SDK looks for them. */
export const awsCredentials = { AWS_ACCESS_KEY_ID: 'of-a-test', AWS_SECRET_ACCESS_KEY: 'secret-of-a-test' };

export interface Moto {
  readonly endpoint: string;
  /** The URI of a new symmetric key. */
  newKey(): Promise<string>;
  stop(): Promise<void>;
}

/** A server that speaks the protocol of AWS KMS and seals with real AES-GCM, for this file. */
export async function startMoto(owner: Owner = thisFile): Promise<Moto> {
  Object.assign(process.env, awsCredentials);
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-moto-'));
  owner.after(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const keeper = startKeeper({ output: 'ignore' });
  owner.after(() => keeper.close([{ signal: 'SIGTERM', waitMs: 2_000 }]));
  keeper.run({
    file: moto.programs.python3,
    args: ['-c', `from moto.server import main; main(['-H', '127.0.0.1', '-p', '${port}'])`],
    cwd: folder,
    env: { PATH: '/usr/bin:/bin', HOME: folder, ...moto.env },
    stopWith: [{ signal: 'SIGTERM', waitMs: 2_000 }],
  });
  const endpoint = `http://127.0.0.1:${port}`;
  await until(
    () =>
      fetch(`${endpoint}/moto-api/`).then(
        ({ ok }) => ok,
        () => false,
      ),
    {
      what: 'moto answers',
      timeoutMs: 60_000,
    },
  );
  const operator = new KMSClient({ endpoint, region: 'eu-central-1' });
  owner.after(async () => operator.destroy());
  return {
    endpoint,
    stop: () => keeper.close([{ signal: 'SIGTERM', waitMs: 2_000 }]),
    async newKey() {
      const { KeyMetadata: key } = await operator.send(new CreateKeyCommand({}));
      return `aws-kms:${key?.Arn}?endpoint=${encodeURIComponent(endpoint)}`;
    },
  };
}
