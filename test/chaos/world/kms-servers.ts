import { createKeks, type Kek, type Keks, openKek } from '@rekey/kms';
import type { Owner } from '../../harness/cleanup.ts';
import { fakeAwsKms } from '../../harness/fake-aws-kms.ts';
import { fakeAzureKv, identityOf } from '../../harness/fake-azure-kv.ts';
import { fakeGcpKms } from '../../harness/fake-gcp-kms.ts';
import { fakeTransit } from '../../harness/fake-transit.ts';
import { awsCredentials } from '../../harness/moto.ts';
import { skipWithoutSoftHsm, startSoftHsm } from '../../harness/softhsm.ts';
import { awsTroubles, azureTroubles, gcpTroubles, hsmTroubles, transitTroubles } from './kms-troubles.ts';

/** What else than a key file KEKs are in, one of every kind. */
export const kmsNames = ['aws', 'gcp', 'azure', 'transit', 'hsm'] as const;
export type KmsName = (typeof kmsNames)[number];

/** Brings a KMS into trouble, and puts it right again. */
export type Trouble = () => Promise<() => Promise<void>>;

export interface KmsServer {
  readonly name: KmsName;
  readonly uri: string;
  /** As the applications have it. */
  readonly kek: Kek;
  /** What a process has in its environment that is to use it. */
  readonly env: Readonly<Record<string, string>>;
  /** Calls that it has got so far; null: it keeps no count. */
  calls(): number | null;
  /** Of these, the ones that came while it was in trouble: how many tries those are is up to whoever is patient. */
  readonly inTrouble: { calls: number };
  readonly troubles: Readonly<Record<string, Trouble>>;
}

/** The KMSs of a run: those that speak to Google, Azure, AWS and Transit by their protocols, and a token where SoftHSM is. */
export interface KmsServers {
  readonly all: ReadonlyMap<KmsName, KmsServer>;
  readonly env: Readonly<Record<string, string>>;
  /** What `KEKS` of a worker is that has them all, and a key file. */
  named(localUri: string): string;
  /** The KEKs of the applications' process: one that new DEKs are wrapped under, and one in every KMS. */
  keks(wrapsNew: Kek): Keks;
}

const transitToken = 'hvs.token-of-a-run';

export async function openKmsServers(owner: Owner): Promise<KmsServers> {
  const [aws, gcp, azure, transit] = await Promise.all([
    fakeAwsKms(owner),
    fakeGcpKms(owner),
    fakeAzureKv(owner),
    fakeTransit(owner),
  ]);
  const known = { endsAt: Number.POSITIVE_INFINITY, mayUse: true, renewals: 0 };
  transit.tokens.set(transitToken, known);
  // For ever, so that nobody looks it up again.
  transit.login.renewable = false;
  const servers: Array<Omit<KmsServer, 'kek' | 'inTrouble'>> = [
    {
      name: 'aws',
      uri: aws.uri,
      env: awsCredentials,
      calls: () => aws.calls.length,
      troubles: awsTroubles(aws),
    },
    {
      name: 'gcp',
      uri: gcp.uri(),
      env: { GOOGLE_APPLICATION_CREDENTIALS: await gcp.accounts.serviceAccountFile() },
      calls: () => gcp.calls.length,
      troubles: gcpTroubles(gcp),
    },
    {
      name: 'azure',
      uri: azure.uri(),
      env: identityOf(azure),
      calls: () => azure.calls.filter((call) => call.endsWith('wrapkey')).length,
      troubles: azureTroubles(azure),
    },
    {
      name: 'transit',
      uri: transit.uri(),
      env: { VAULT_TOKEN: transitToken },
      calls: () => transit.calls.filter((path) => path.includes('crypt/')).length,
      troubles: transitTroubles(transit, transitToken),
    },
  ];
  if (skipWithoutSoftHsm === false) {
    const hsm = await startSoftHsm(owner);
    await hsm.newKey();
    servers.push({
      name: 'hsm',
      uri: hsm.uri(),
      env: hsm.env,
      calls: () => null,
      troubles: hsmTroubles(hsm),
    });
  }
  const env = Object.assign({}, ...servers.map((server) => server.env)) as Record<string, string>;
  Object.assign(process.env, env);
  const opened = await Promise.all(
    servers.map(async (server) => ({ ...server, kek: await openKek(server.uri), inTrouble: { calls: 0 } })),
  );
  owner.after(async () => {
    await Promise.all(opened.map(({ kek }) => kek.close()));
  });
  return {
    all: new Map(opened.map((server) => [server.name, server])),
    env,
    named: (localUri) => [`local=${localUri}`, ...servers.map(({ name, uri }) => `${name}=${uri}`)].join(),
    keks: (wrapsNew) => createKeks(wrapsNew, ...opened.map(({ kek }) => kek)),
  };
}
