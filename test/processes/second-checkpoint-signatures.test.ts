import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { openStore } from '@rekey/db';
import {
  auditVerify,
  parseWitnessKey,
  readCheckpoints,
  type SignedCheckpoint,
  secondSignerBy,
  signerOf,
} from '@rekey/evidence';
import { createLogger } from '@rekey/runtime';
import { askWitness, createKeepLog, pushCheckpoints } from '@rekey/worker';
import { bearer, emptyTenant, liveApi } from '../api/live-api.ts';
import { thisFile } from '../harness/cleanup.ts';
import { patient } from '../harness/patient.ts';
import { asRole } from '../harness/roles.ts';
import { until } from '../harness/wait.ts';
import { startWitness } from '../harness/witness.ts';

const folder = await mkdtemp(join(tmpdir(), 'rekey-second-'));
const at = (name: string): string => join(folder, name);
const api = await liveApi();
const store = openStore({ ...patient, url: asRole(api.database.url, 'worker'), onError: () => {} });
const pool = api.database.pool();
const log: string[] = [];
const logger = createLogger({ name: 'worker', level: 'debug', write: (line) => log.push(line) });
const first = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ml-dsa-65');
const stranger = generateKeyPairSync('ml-dsa-65');
for (const [name, { publicKey }] of Object.entries({ first, other, stranger }))
  await writeFile(at(`${name}.pem`), publicKey.export({ type: 'spki', format: 'pem' }));
const secondSigner = secondSignerBy(other.publicKey, async (bytes) => sign(null, bytes, other.privateKey));

const heard: string[] = [];
const receiver = createServer(async (request, response) => {
  heard.push(await text(request));
  response.end();
});
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
const address = receiver.address();
const port = typeof address === 'object' && address !== null ? address.port : 0;
const witness = await startWitness(thisFile, {
  logKey: first.publicKey,
  name: 'witness.example/w1',
  keys: generateKeyPairSync('ed25519'),
});
const stop = new AbortController();
const times = { everyMs: 10, tellMs: 5_000 };
const outside = { store, logger, signal: stop.signal, times };
const pushes = pushCheckpoints({ ...outside, url: `http://127.0.0.1:${port}/` });
const asking = askWitness({ ...outside, url: witness.url, witness: parseWitnessKey(witness.key) });
thisFile.after(async () => {
  stop.abort();
  await Promise.all([pushes.done, asking]);
  receiver.closeAllConnections();
  receiver.close();
  await store.end();
  await rm(folder, { recursive: true });
});

const keeps = (second: typeof secondSigner | null) =>
  createKeepLog({
    ...{ store, logger, secondSigner: second },
    signer: async () => signerOf(first.privateKey),
    file: at('checkpoints'),
  });
/** One more checkpoint than before. */
async function signed(keepLog: ReturnType<typeof keeps>): Promise<SignedCheckpoint> {
  await emptyTenant(api.database);
  await keepLog.append(true);
  await keepLog.checkpoint();
  const latest = readCheckpoints(await readFile(at('checkpoints'), 'utf8')).at(-1);
  assert.ok(latest);
  return latest;
}
const [before, after] = [keeps(null), keeps(secondSigner)];
const old = await signed(before);
const both = await signed(after);
await writeFile(at('old'), old.note);
await writeFile(at('both'), both.note);

const exported = async (query = ''): Promise<string> => {
  const headers = { ...bearer(), accept: 'application/jsonl' };
  const answer = await api.send({ path: `/api/v1/admin/audit/export${query}`, headers });
  assert.equal(answer.status, 200, answer.text);
  await writeFile(at('audit.jsonl'), answer.text);
  return at('audit.jsonl');
};
const check = async (...args: string[]): Promise<{ code: number; text: string }> => {
  const lines: string[] = [];
  const io = { out: (line: string) => lines.push(line), err: (line: string) => lines.push(line) };
  return { code: await auditVerify(args, io), text: lines.join('\n') };
};
const pinned = ['--key', at('first.pem'), '--second-key', at('other.pem')];
const second = new RegExp(`^second +by ML-DSA-65, ${secondSigner.kid}, 1$`, 'm');

test('the second signature is a line of its own over the same text, which C2SP leaves to whoever knows its kind', () => {
  const [origin = '', size, root, blank, ...lines] = both.note.trimEnd().split('\n');
  const ours = (all: readonly string[]): number =>
    all.filter((line) => line.startsWith(`— ${origin} `)).length;
  assert.deepEqual([blank, ours(lines)], ['', 2]);
  assert.equal(ours(old.note.split('\n')), 1, 'one without a second key has one');
  const bytes = Buffer.from((lines[1] ?? '').replace(`— ${origin} `, ''), 'base64');
  const { pub = '' } = other.publicKey.export({ format: 'jwk' }) as { pub?: string };
  const named = Buffer.concat([
    Buffer.from(`${origin}\n`),
    Buffer.from([0xff]),
    Buffer.from('rekey.dev/ml-dsa-65'),
  ]);
  const id = createHash('sha256')
    .update(Buffer.concat([named, Buffer.from(pub, 'base64url')]))
    .digest()
    .subarray(0, 4);
  assert.deepEqual([bytes.length, bytes.subarray(0, 4)], [4 + 3_309, id]);
  const signedText = Buffer.from(`${origin}\n${size}\n${root}\n`);
  assert.ok(verify(null, signedText, other.publicKey, bytes.subarray(4)));
});

test('a verifier demands it where its key is pinned, says which keys signed, and reads old checkpoints as ever', async () => {
  const tenants = await pool.query('select id from rekey.tenants order by created_at limit 1');
  for (const query of ['', `?tenantId=${tenants.rows[0].id}`]) {
    const file = await exported(query);
    const found = await check(file, '--checkpoint', at('both'), ...pinned);
    assert.equal(found.code, 0, found.text);
    assert.match(found.text, second);
    assert.match(found.text, new RegExp(`^signed +by ${signerOf(first.privateKey).kid}, 1$`, 'm'));
    const one = await check(file, '--checkpoint', at('both'), '--key', at('first.pem'));
    assert.equal(one.code, 0, one.text);
    assert.doesNotMatch(one.text, /^second/m);
    const own = await check(file, ...pinned);
    assert.equal(own.code, 0, own.text);
    assert.match(own.text, second);
    const strange = await check(file, '--checkpoint', at('both'), ...pinned.with(3, at('stranger.pem')));
    assert.equal(strange.code, 1, strange.text);
    assert.match(strange.text, /NO_SECOND_SIGNATURE/);
  }
  const file = await exported();
  const older = await check(file, '--checkpoint', at('old'), '--key', at('first.pem'));
  assert.equal(older.code, 0, older.text);
  const alone = await check(file, '--checkpoint', at('old'), ...pinned);
  assert.deepEqual([alone.code, /NO_SECOND_SIGNATURE/.test(alone.text)], [1, true], alone.text);
  // Of a file with both kinds those count that have it.
  const mixed = await check(file, '--checkpoint', at('old'), '--checkpoint', at('both'), ...pinned);
  assert.equal(mixed.code, 0, mixed.text);
  assert.match(mixed.text, new RegExp(`^against +checkpoints of size ${both.size}$`, 'm'));
  assert.equal((await check(file, '--second-key', at('first.pem'))).code, 2);
});

test('a changed byte of it is refused, and taking it away where it is pinned', async () => {
  const file = await exported();
  const lines = both.note.trimEnd().split('\n');
  const head = `— ${both.origin} `;
  const bytes = Buffer.from((lines[5] ?? '').slice(head.length), 'base64');
  for (let n = 4; n < bytes.length; n += 211) {
    const changed = Buffer.from(bytes);
    changed[n] = (changed[n] ?? 0) ^ 1;
    await writeFile(at('forged'), `${lines.with(5, head + changed.toString('base64')).join('\n')}\n`);
    const { code, text: said } = await check(file, '--checkpoint', at('forged'), ...pinned);
    assert.deepEqual([code, /BAD_SIGNATURE/.test(said)], [1, true], `byte ${n}: ${said}`);
  }
  await writeFile(at('forged'), `${lines.slice(0, 5).join('\n')}\n`);
  const without = await check(file, '--checkpoint', at('forged'), ...pinned);
  assert.deepEqual([without.code, /NO_SECOND_SIGNATURE/.test(without.text)], [1, true], without.text);
});

test('file, address and witness have it, and the JWK Set the key; once that is compromised it counts for nothing', async () => {
  await until(async () => heard.some((note) => note.startsWith(both.note)), { what: 'it is pushed' });
  await until(
    async () =>
      (await pool.query('select from rekey.checkpoint_cosignatures where tree_size = $1', [both.size]))
        .rowCount === 1,
    { what: 'it is cosigned' },
  );
  await after.checkpoint();
  const [last] = readCheckpoints(await readFile(at('checkpoints'), 'utf8')).slice(-1);
  await writeFile(at('witnessed'), last?.note ?? '');
  assert.equal(last?.note.trimEnd().split('\n').length, 7);
  const file = await exported();
  const args = ['--checkpoint', at('witnessed'), '--witness', witness.key];
  const found = await check(file, ...args, ...pinned);
  assert.equal(found.code, 0, found.text);
  const { json: set } = await api.send({ path: '/.well-known/jwks.json' });
  const bySet = async (times: object) => {
    const keys = set.keys.map((jwk: { kty: string }) => (jwk.kty === 'AKP' ? { ...jwk, ...times } : jwk));
    await writeFile(at('jwks.json'), JSON.stringify({ keys }));
    return check(file, ...args, '--jwks', at('jwks.json'));
  };
  assert.match((await bySet({})).text, second);
  const compromised = await bySet({ compromisedAt: new Date().toISOString() });
  assert.equal(compromised.code, 0, compromised.text);
  assert.doesNotMatch(compromised.text, /^second/m);
  // And the first signs nothing without it.
  await pool.query('select rekey.compromise_signing_key($1)', [secondSigner.kid]);
  await emptyTenant(api.database);
  await after.append(true);
  await after.checkpoint();
  assert.ok(log.some((line) => /no checkpoint is signed: SECOND_SIGNING_KEY_URI/.test(line)));
  assert.equal(readCheckpoints(await readFile(at('checkpoints'), 'utf8')).at(-1)?.size, both.size);
});
