/** URIs, templates and words that would send ours to a stranger, read a file or load a library: refused, repeated nowhere, no packet sent. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { KmsError, openKek, openTenantKek, parseKekTemplates } from '@rekey/kms';
import { awsCredentials } from '../harness/moto.ts';

/** Whoever is connected to. */
let connections = 0;
const server = createServer((socket) => {
  connections += 1;
  socket.destroy();
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
test.after(() => server.close());
const { port } = server.address() as AddressInfo; // it listens on a TCP port
Object.assign(process.env, awsCredentials, { VAULT_TOKEN: 'hvs.of-a-test', PKCS11_PIN: '1234' });

const arn = 'arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012';
const google = 'projects/my-project/locations/europe-west3/keyRings/r/cryptoKeys/k';
const isRefused = (error: unknown): boolean =>
  error instanceof KmsError && error.code === 'INVALID_URI' && !error.message.includes('hunter2');

/** Each scheme that has a host in its URI, with that host; what follows a `?` is encoded as it has to be. */
const withHost: ReadonlyArray<(host: string) => string> = [
  (host) => `hcvault:https://${host}/transit/keys/rekey`,
  (host) => `azure-kv:https://${host}/keys/rekey`,
  (host) => `aws-kms:${arn}?endpoint=${encodeURIComponent(`https://${host}`)}`,
  (host) => `gcp-kms:${google}?endpoint=${encodeURIComponent(`https://${host}`)}`,
];
/** Such a host is nobody's, wherever it stands. */
const strangeHosts = [
  `user:hunter2@127.0.0.1:${port}`,
  `user@127.0.0.1:${port}`,
  `hunter2.vault.azure.net@127.0.0.1:${port}`,
  `127.0.0.1:${port}\\@hunter2.vault.azure.net`,
  `127.0.0.1:${port}#.vault.azure.net`,
  `127.0.0.1:${port}?.vault.azure.net`,
  `%31%32%37.0.0.1:${port}`,
  `127.0.0.1%00.vault.azure.net`,
  `127.0.0.1%2ehunter2.com`,
  `local%68ost:${port}`,
  `127.0.0\t.1:${port}`,
  `127.0.0.1\n:${port}`,
  `127.0.0.1:${port}\r\nX-Vault-Token: hunter2`,
  ` 127.0.0.1:${port}`,
  `[fe80::1%25eth0]:${port}`,
  `[::1%lo]:${port}`,
  // Letters that look like others, and digits and dots of other alphabets, which a URL parser makes our own of.
  'vаult.example.com',
  'myvault.vault.аzure.net',
  `１２７.0.0.1:${port}`,
  `127。0。0。1:${port}`,
  'ⓛocalhost',
  '127.0.0.1:99999999',
  '127.0.0.1:hunter2',
  '',
  `/127.0.0.1:${port}`,
];

test(`${strangeHosts.length} hosts that a URL parser would mend are refused to every provider`, async () => {
  for (const host of strangeHosts)
    for (const uri of withHost.map((of) => of(host)))
      await assert.rejects(openKek(uri), isRefused, JSON.stringify(uri));
  assert.equal(connections, 0);
});

/** Of this machine or a private network, however they are written. */
const privateHosts = [
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '017700000001',
  '0',
  '127.0.0.1.',
  'localhost',
  'LOCALHOST',
  'localhost.',
  'a.localhost',
  '169.254.169.254',
  '0xa9fea9fe',
  '2852039166',
  '10.0.0.1',
  '192.168.1.1',
  '168.63.129.16',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[fe80::1]',
  '[fd00:ec2::254]',
  '[2002:7f00:1::]',
];

test(`${privateHosts.length} spellings of addresses that are not public lead no tenant's template there`, () => {
  for (const host of privateHosts)
    for (const at of [host, `${host}:${port}`])
      for (const template of [
        `hcvault:https://${at}/transit/keys/*`,
        `azure-kv:https://${at}/keys/*`,
        `aws-kms:arn:aws:kms:*:111122223333:key/*?endpoint=https://${at}`,
        `gcp-kms:projects/my-project/locations/*/keyRings/r/cryptoKeys/*?endpoint=https://${at}`,
      ])
        assert.throws(() => parseKekTemplates(`customers=${template}`, 'public'), isRefused, template);
  for (const host of strangeHosts)
    for (const uri of withHost.map((of) => of(host)))
      assert.throws(
        () =>
          parseKekTemplates(`customers=${uri.replace(/(keys\/|cryptoKeys\/|key\/)[^?]*/, '$1*')}`, 'public'),
        isRefused,
        JSON.stringify(uri),
      );
  assert.equal(connections, 0);
});

const paths = ['..', '.', '%2e%2e', '%2E', '..%2f..%2fsys', 'a%2fb', 'a/../b', 'a//b', 'a;b', '~', 'a\\b'];
const token = 'token=rekey;object=kek?module-path=/usr/lib/x.so';

test('paths that lead elsewhere, and attributes of tokens that read, run or load, are refused', async () => {
  const at = `127.0.0.1:${port}`;
  const uris = [
    ...paths.flatMap((path) => [
      `hcvault:http://${at}/${path}/keys/rekey`,
      `hcvault:http://${at}/transit/keys/${path}`,
      `hcvault:http://${at}/transit/${path}/keys/rekey`,
      `azure-kv:http://${at}/keys/${path}`,
      `gcp-kms:projects/my-project/locations/l/keyRings/${path}/cryptoKeys/k?endpoint=http://${at}`,
    ]),
    // A namespace may have several words, with an encoded stroke between them too.
    ...paths
      .filter((path) => path !== 'a%2fb')
      .flatMap((path) => [
        `hcvault:http://${at}/transit/keys/rekey?namespace=${path}`,
        `hcvault:http://${at}/transit/keys/rekey?auth=kubernetes&role=r&auth_mount=${path}`,
      ]),
    `hcvault:http://${at}/transit/keys/rekey?token_file=hunter2`,
    `hcvault:http://${at}/transit/keys/rekey?token=hunter2`,
    `hcvault:http://${at}/transit/keys/rekey#hunter2`,
    `aws-kms:${arn}?endpoint=http://${at}&secret=hunter2`,
    `aws-kms:${arn}?endpoint=http://169.254.169.254/hunter2`,
    `gcp-kms:${google}?endpoint=file:///hunter2`,
    `gcp-kms:${google}?endpoint=javascript:hunter2`,
    `pkcs11:${token}&pin-value=hunter2`,
    `pkcs11:${token}&pin%2dvalue=hunter2`,
    `pkcs11:token=rekey;pin-value=hunter2;object=kek?module-path=/usr/lib/x.so`,
    `pkcs11:${token}&pin-source=/etc/passwd`,
    `pkcs11:${token}&pin-source=file:hunter2`,
    `pkcs11:${token}&pin-source=file:..%2f..%2fetc%2fpasswd`,
    `pkcs11:${token}&pin-source=https://${at}/hunter2`,
    `pkcs11:${token}&pin-source=%7ccat%20hunter2`,
    `pkcs11:${token}&module-name=hunter2`,
    `pkcs11:${token}&module-path=/tmp/hunter2.so`,
    `pkcs11:${token}&x-hunter2=1`,
    `pkcs11:x-hunter2=1;${token}`,
    `pkcs11:library-manufacturer=hunter2;${token}`,
    `pkcs11:slot-id=1;${token}`,
    'pkcs11:token=rekey;object=kek?module-path=..%2fhunter2.so',
    'pkcs11:token=rekey;object=kek?module-path=/usr/lib/x%0a.so',
    'pkcs11:token=rekey;object=kek?module-path=hunter2.so',
    'pkcs11:token=rekey;object=kek',
    `http://${at}/hunter2`,
    `file:///hunter2`,
    `LOCAL:/hunter2`,
    `javascript:hunter2`,
    `constructor:hunter2`,
    `__proto__:hunter2`,
    `hcvault\n:http://${at}/transit/keys/rekey`,
  ];
  assert.ok(uris.length > 90);
  for (const uri of uris) await assert.rejects(openKek(uri), isRefused, JSON.stringify(uri));
  assert.equal(connections, 0);
});

test('no word of a tenant is a host, a path or a letter of another alphabet', async () => {
  const templates = parseKekTemplates(
    [
      `vault=hcvault:http://127.0.0.1:${port}/transit/keys/*?namespace=tenants/*`,
      `azure=azure-kv:http://127.0.0.1:${port}/keys/t-*`,
      `aws=aws-kms:arn:aws:kms:*:111122223333:key/*?endpoint=http://127.0.0.1:${port}`,
      `google=gcp-kms:projects/my-project/locations/*/keyRings/*/cryptoKeys/*?endpoint=http://127.0.0.1:${port}`,
    ].join(),
    'any',
  );
  const good = {
    vault: { key: 'a', namespace: 'a' },
    azure: { key: 'a' },
    aws: { region: 'eu-central-1', key: '12345678-1234-1234-1234-123456789012' },
    google: { location: 'europe-west3', ring: 'r', key: 'k' },
  };
  const hostile = [
    ...paths,
    ...strangeHosts,
    ...privateHosts.filter((host) => /[.:[\]]/.test(host)),
    'kеy',
    'ｋey',
  ];
  for (const [name, parts] of Object.entries(good))
    for (const part of Object.keys(parts))
      for (const value of hostile)
        await assert.rejects(
          openTenantKek(
            { templates, addresses: 'any' },
            { tenantId: randomUUID(), name, parts: { ...parts, [part]: value } },
          ),
          isRefused,
          `${name} ${part} ${JSON.stringify(value)}`,
        );
  assert.equal(connections, 0);
});
