/** Where templates of tenants' KEKs lead, and where not. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { KmsError, openTenantKek, parseKekTemplates } from '@rekey/kms';
import { isPublicAddress, needPublicHost } from '../../packages/kms/src/public-address.ts';
import { connections, here } from './who-connects.ts';

process.env.VAULT_TOKEN = 'hvs.of-a-test';

const saying =
  (code: KmsError['code']) =>
  (error: unknown): boolean =>
    error instanceof KmsError && error.code === code;
const denied = saying('DENIED');

test('a template leads to no private, link-local or own address, by its text or by its name', async () => {
  for (const host of [here, 'localhost', '[::1]', '169.254.169.254', '10.0.0.1', '[fd00::1]', '[fe80::1]'])
    assert.throws(
      () => parseKekTemplates(`customers=hcvault:https://${host}/transit/keys/*`, 'public'),
      saying('INVALID_URI'),
      host,
    );
  for (const address of [
    '0.0.0.0',
    '127.0.0.1',
    '10.1.2.3',
    '100.64.0.1',
    '168.63.129.16',
    '169.254.169.254',
    '172.31.0.1',
    '192.0.2.1',
    '192.168.1.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '2001:2::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '3fff::1',
    'fe80::1',
    'fd00::1',
    'ff02::1',
    'no address',
  ])
    assert.equal(isPublicAddress(address), false, address);
  for (const address of ['8.8.8.8', '172.32.0.1', '2a00:1450:4001::200e'])
    assert.equal(isPublicAddress(address), true, address);
  const leads =
    (...addresses: string[]) =>
    async () =>
      addresses.map((address) => ({ address }));
  await needPublicHost('vault.example.com', 'hcvault:a', leads('8.8.8.8'));
  await assert.rejects(
    needPublicHost('vault.example.com', 'hcvault:a', leads('8.8.8.8', '10.0.0.1')),
    denied,
  );
  await assert.rejects(needPublicHost('vault.example.com', 'hcvault:a', leads()), saying('UNAVAILABLE'));
});

test('nor does one whose host is this machine, whatever it is called: no packet is sent', async () => {
  const port = here.split(':')[1];
  const rules = {
    templates: parseKekTemplates(`customers=hcvault:http://${here}/transit/keys/*`, 'any'),
    addresses: 'public' as const,
  };
  const kek = await openTenantKek(rules, {
    tenantId: randomUUID(),
    name: 'customers',
    parts: { key: 'acme' },
  });
  await assert.rejects(kek.wrap(Buffer.alloc(32), Buffer.alloc(32)), denied, port);
  await assert.rejects(kek.unwrap(Buffer.alloc(64), Buffer.alloc(32)), denied);
  assert.equal(connections(), 0);
});
