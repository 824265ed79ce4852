/** An installation whose tenants bring their own KEKs, in four kinds of KMS; in the file that imports it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { allowTenantKeks, createVault } from '@rekey/vault';
import { thisFile } from '../harness/cleanup.ts';
import { createTestDatabase } from '../harness/database.ts';
import { fakeAwsKms } from '../harness/fake-aws-kms.ts';
import { fakeAzureKv, identityOf } from '../harness/fake-azure-kv.ts';
import { fakeGcpKms } from '../harness/fake-gcp-kms.ts';
import { fakeTransit } from '../harness/fake-transit.ts';
import { installation } from '../harness/installation.ts';
import { awsCredentials } from '../harness/moto.ts';
import { firstValue, type SeededTenant, seedTenant } from '../harness/seed.ts';
import { signHs256 } from '../harness/tokens.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
export const transit = await fakeTransit();
const token = 'hvs.of-a-test';
export const [aws, azure, gcp] = await Promise.all([fakeAwsKms(), fakeAzureKv(), fakeGcpKms()]);
const env = {
  ...awsCredentials,
  ...identityOf(azure),
  GOOGLE_APPLICATION_CREDENTIALS: await gcp.accounts.serviceAccountFile(),
  VAULT_TOKEN: token,
};
Object.assign(process.env, env);
transit.tokens.set(token, { endsAt: Number.POSITIVE_INFINITY, mayUse: true, renewals: 0 });
export const templates = [
  `customers=hcvault:${transit.server}/transit/keys/*`,
  `aws=${aws.uri.replace('eu-central-1', '*').replace(/key\/[^?]+/, 'key/*')}`,
  `azure=azure-kv:${azure.origin}/keys/tenant-*`,
  `gcp=gcp-kms:projects/a-project/locations/*/keyRings/*/cryptoKeys/*?endpoint=${gcp.endpoint}`,
].join();
export const rekey = await installation({
  databaseUrl: database.url,
  workerEnv: { TENANT_KEKS: templates, TENANT_KEK_ADDRESSES: 'any', ...env },
});
export const { store } = rekey;
export const newVault = (keks = allowTenantKeks(rekey.kek, templates, 'any')) =>
  createVault({ store, kek: keks });
export const vault = newVault();
// It has no templates, and would say so.
await rekey.vault.close();
thisFile.after(() => vault.close());

interface Told {
  readonly status: number;
  readonly data: {
    readonly status: string;
    readonly trouble: string | null;
    readonly inUse: { readonly kekId: string } | null;
  };
  readonly code: string | undefined;
  readonly issues: ReadonlyArray<{ readonly message: string }>;
}
export async function kekOf(tenantId: string, body?: object, claims?: object): Promise<Told> {
  const bearer =
    claims === undefined
      ? rekey.token
      : signHs256(rekey.jwtSecret, { sub: 'eve', exp: Math.floor(Date.now() / 1_000) + 600, ...claims });
  const answer = await fetch(`${rekey.apis[0]?.url}/api/v1/admin/tenants/${tenantId}/kek`, {
    method: body === undefined ? 'GET' : 'PUT',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const json = (await answer.json()) as { data: Told['data']; error?: { code: string; issues?: [] } };
  return { status: answer.status, data: json.data, code: json.error?.code, issues: json.error?.issues ?? [] };
}
export const settled = (tenantId: string, is: (data: Told['data']) => boolean): Promise<Told['data']> =>
  until(
    async () => {
      const { data } = await kekOf(tenantId);
      return is(data) ? data : undefined;
    },
    { what: 'the choice was tried', timeoutMs: 20_000 },
  );
export const isActive = ({ status }: Told['data']): boolean => status === 'active';
export const newKey = (name: string): unknown =>
  transit.keys.set(`transit/${name}`, { versions: [randomBytes(32)], minDecryption: 1 });
export const kekOfActive = async (tenantId: string): Promise<string> =>
  (
    await store.query<{ kek_id: string }>(
      `select m.kek_id from rekey.dek_material m join rekey.deks d on d.id = m.dek_id
       where d.tenant_id = $1 and d.state = 'active'`,
      [tenantId],
    )
  ).rows[0]?.kek_id ?? '';
export const rotate = async (tenantId: string): Promise<string> =>
  (await rekey.rotate(tenantId)).body.data.rotationId;
export const opensAll = async ({ tenantId, records }: SeededTenant, by = vault): Promise<void> => {
  for (const { target, id } of records)
    assert.deepEqual(await by.get({ target, tenantId, id }), firstValue(id));
};
/** Chooses it as soon as all processes have told what they have. */
export const choose = (tenantId: string, body: object): Promise<Told> =>
  until(
    async () => {
      const told = await kekOf(tenantId, body);
      return told.code === 'KEK_REFUSED' ? undefined : told;
    },
    { what: 'all have told what they have', timeoutMs: 20_000 },
  );
/** A tenant whose active DEK is under a KEK of its own. */
export async function withOwnKek(name: string): Promise<SeededTenant> {
  newKey(name);
  const tenant = await seedTenant(vault, 17);
  assert.equal((await choose(tenant.tenantId, { kek: 'customers', key: name })).status, 202);
  await settled(tenant.tenantId, isActive);
  assert.equal((await rekey.ended(await rotate(tenant.tenantId))).status, 'completed');
  assert.equal(await kekOfActive(tenant.tenantId), `hcvault:transit/${name}`);
  return tenant;
}
