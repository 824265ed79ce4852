/** Templates of tenants' KEKs: what may be free in them, and that nothing hostile is ever sent anywhere. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { KmsError, openTenantKek, parseKekNames, parseKekTemplates } from '@rekey/kms';
import { createKekTemplate } from '../../packages/kms/src/kek-template.ts';
import { awsCredentials } from '../harness/moto.ts';
import { connections, here } from './who-connects.ts';

const account = '111122223333';
const key = '12345678-1234-1234-1234-123456789012';
const tenantId = randomUUID();

Object.assign(process.env, awsCredentials, { VAULT_TOKEN: 'hvs.of-a-test' });

const isRefused = (error: unknown): boolean => error instanceof KmsError && error.code === 'INVALID_URI';

test('each scheme has its free words, and what they are filled with makes the URI and the id', () => {
  const cases = [
    [
      `aws-kms:arn:aws:kms:*:${account}:key/*`,
      { region: 'eu-central-1', key },
      `aws-kms:arn:aws:kms:eu-central-1:${account}:key/${key}`,
      `aws-kms:arn:aws:kms:eu-central-1:${account}:key/${key}`,
      'kms.eu-central-1.amazonaws.com',
    ],
    [
      'gcp-kms:projects/my-project/locations/*/keyRings/rekey/cryptoKeys/{tenant}',
      { location: 'europe-west3' },
      `gcp-kms:projects/my-project/locations/europe-west3/keyRings/rekey/cryptoKeys/${tenantId}`,
      `gcp-kms:projects/my-project/locations/europe-west3/keyRings/rekey/cryptoKeys/${tenantId}`,
      'cloudkms.googleapis.com',
    ],
    [
      'azure-kv:https://byok.vault.azure.net/keys/tenant-*',
      { key: 'acme' },
      'azure-kv:https://byok.vault.azure.net/keys/tenant-acme',
      'azure-kv:byok.vault.azure.net/keys/tenant-acme',
      'byok.vault.azure.net',
    ],
    [
      'hcvault:https://vault.example.com:8200/transit/keys/*?auth=approle&namespace=tenants/{tenant}&role=rekey',
      { key: 'acme' },
      `hcvault:https://vault.example.com:8200/transit/keys/acme?auth=approle&namespace=tenants/${tenantId}&role=rekey`,
      `hcvault:tenants/${tenantId}/transit/acme`,
      'vault.example.com',
    ],
    [
      'hcvault:https://vault.example.com/transit/keys/rekey?namespace=tenants/*',
      { namespace: 'acme' },
      'hcvault:https://vault.example.com/transit/keys/rekey?namespace=tenants/acme',
      'hcvault:tenants/acme/transit/rekey',
      'vault.example.com',
    ],
    [
      'hcvault:https://vault.example.com/transit/keys/*?token_file=/run/secrets/token',
      { key: 'acme' },
      'hcvault:https://vault.example.com/transit/keys/acme?token_file=/run/secrets/token',
      'hcvault:transit/acme',
      'vault.example.com',
    ],
  ] as const;
  for (const [text, words, uri, kekId, host] of cases) {
    const template = createKekTemplate('customers', text);
    assert.deepEqual([...template.parts].sort(), Object.keys(words).sort(), text);
    assert.deepEqual(template.fill(tenantId, words), { uri, kekId, host });
  }
});

test('what is not a single word of key, place or namespace is never free', () => {
  const templates = [
    '*',
    '*:arn',
    `*-kms:arn:aws:kms:*:${account}:key/*`,
    `aws-kms:arn:aws:kms:*:*:key/*`,
    `aws-kms:arn:*:kms:eu-central-1:${account}:key/*`,
    `aws-kms:arn:aws:kms:eu-central-1:${account}:alias/*`,
    `aws-kms:arn:aws:kms:*:${account}:key/*?endpoint=https://*`,
    `aws-kms:arn:aws:kms:*:${account}:key/*?endpoint=https://user:secret@${here}`,
    `aws-kms:arn:aws:kms:eu-central-1:${account}:key/${key}`,
    'gcp-kms:projects/*/locations/l/keyRings/r/cryptoKeys/*',
    'gcp-kms:projects/my-project/locations/*/keyRings/r/cryptoKeys/k/cryptoKeyVersions/*',
    'azure-kv:https://*.vault.azure.net/keys/*',
    'azure-kv:https://{tenant}.vault.azure.net/keys/a',
    'azure-kv:https://evil.example.com/keys/*',
    'azure-kv:*://byok.vault.azure.net/keys/*',
    'hcvault:https://*/transit/keys/*',
    'hcvault:https://vault.example.com:*/transit/keys/*',
    'hcvault:https://user:secret@vault.example.com/transit/keys/*',
    'hcvault:https://vault.example.com/*/keys/*',
    'hcvault:https://vault.example.com/transit/keys/*?token_file=/run/*',
    'hcvault:https://vault.example.com/transit/keys/*?namespace=*/below',
    'hcvault:https://vault.example.com/transit/keys/*?namespace=tenants%2F*',
    'hcvault:https://vault.example.com/transit/keys/*?unknown=1',
    'hcvault:https://vault.example.com/transit/keys/**',
    'pkcs11:token=rekey;object=*?module-path=/usr/lib/softhsm.so',
    'pkcs11:token=*;object=a?module-path=/usr/lib/softhsm.so&pin-value=1234',
    'pkcs11:object=*?module-path=/tmp/*.so',
    'local:/etc/rekey/*',
    'local:*',
  ];
  for (const text of templates) assert.throws(() => createKekTemplate('customers', text), isRefused, text);
  for (const text of templates.slice(0, 4))
    assert.throws(() => parseKekTemplates(`customers=${text}`, 'any'), isRefused, text);
});

test('hostile names, words and tenants are refused with no packet sent', async () => {
  const rules = (text: string) => ({
    templates: parseKekTemplates(`customers=${text}`, 'any'),
    addresses: 'any' as const,
  });
  const transit = rules(`hcvault:http://${here}/transit/keys/*?namespace=tenants/*`);
  const aws = rules(`aws-kms:arn:aws:kms:*:${account}:key/*?endpoint=http://${here}`);
  const azure = rules(`azure-kv:http://${here}/keys/*`);
  const words = [
    '../../sys/raw',
    '..',
    '.',
    '',
    'a/b',
    'a%2Fb',
    'a?x=1',
    'a#b',
    'a&token_file=/etc/passwd',
    `a@${here}`,
    `//${here}/`,
    `http://${here}`,
    'a:b',
    'a\\b',
    'a b',
    'a\r\nX-Vault-Token: stolen',
    'a\0',
    '*',
    '{tenant}',
    'ключ',
    'ａ',
    '-a',
    'a'.repeat(64),
    '__proto__;x',
  ];
  for (const word of words) {
    for (const parts of [
      { key: word, namespace: 'acme' },
      { key: 'acme', namespace: word },
    ])
      await assert.rejects(openTenantKek(transit, { tenantId, name: 'customers', parts }), isRefused, word);
    for (const parts of [
      { region: 'eu-central-1', key: word },
      { region: word, key },
    ])
      await assert.rejects(openTenantKek(aws, { tenantId, name: 'customers', parts }), isRefused, word);
    const parts = { key: word };
    await assert.rejects(openTenantKek(azure, { tenantId, name: 'customers', parts }), isRefused, word);
  }
  // A name that is no template, words that are too many, too few, inherited or none, and a tenant that is none.
  for (const name of ['nobody', 'pkcs11:', 'local:/etc/passwd', `http://${here}`, '__proto__', 'constructor'])
    await assert.rejects(
      openTenantKek(transit, { tenantId, name, parts: { key: 'a', namespace: 'a' } }),
      (error) => error instanceof KmsError && error.code === 'NOT_HELD',
      name,
    );
  for (const parts of [
    {},
    { key: 'a' },
    { key: 'a', namespace: 'a', host: here },
    { key: 'a', toString: 'a' },
  ])
    await assert.rejects(
      openTenantKek(transit, { tenantId, name: 'customers', parts: parts as Record<string, string> }),
      isRefused,
    );
  await assert.rejects(
    openTenantKek(azure, { tenantId: '../x', name: 'customers', parts: { key: 'a' } }),
    isRefused,
  );
  // In another case the same key of Azure's would be another KEK.
  await assert.rejects(
    openTenantKek(azure, { tenantId, name: 'customers', parts: { key: 'ACME' } }),
    isRefused,
  );
  for (const names of [
    'A=local:x',
    'a b=local:x',
    '=local:x',
    'a=',
    'a=b',
    'a=local:x,a=local:y',
    '../a=local:x',
  ])
    assert.equal(parseKekNames(names), null, names);
  assert.equal(connections(), 0);

  // The listener would have heard: a word that is none of these reaches it.
  const kek = await openTenantKek(transit, {
    tenantId,
    name: 'customers',
    parts: { key: 'acme', namespace: 'acme' },
  });
  await assert.rejects(kek.wrap(Buffer.alloc(32), Buffer.alloc(32)));
  await kek.close();
  assert.ok(connections() > 0);
});
