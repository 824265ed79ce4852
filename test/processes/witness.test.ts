import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '@rekey/db';
import {
  auditVerify,
  cosignatureOf,
  parseWitnessKey,
  readCheckpoints,
  signerOf,
  thumbprint,
} from '@rekey/evidence';
import { createLogger } from '@rekey/runtime';
import { askWitness, createKeepLog, readWorkerConfig } from '@rekey/worker';
import { bearer, emptyTenant, liveApi } from '../api/live-api.ts';
import { thisFile } from '../harness/cleanup.ts';
import { patient } from '../harness/patient.ts';
import { until } from '../harness/wait.ts';
import { startWitness } from '../harness/witness.ts';

const folder = await mkdtemp(join(tmpdir(), 'rekey-witness-'));
test.after(() => rm(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const api = await liveApi();
const { database } = api;
const store = openStore({ ...patient, url: database.url, onError: () => {} });
const pool = database.pool();
const log: string[] = [];
const logger = createLogger({ name: 'worker', level: 'debug', write: (line) => log.push(line) });
const ours = generateKeyPairSync('ed25519');
const signer = signerOf(ours.privateKey);
await writeFile(at('key.pem'), ours.publicKey.export({ type: 'spki', format: 'pem' }));
const keepLog = createKeepLog({ store, signer: async () => signer, file: at('checkpoints'), logger });
const witness = await startWitness(thisFile, {
  logKey: ours.publicKey,
  name: 'witness.example/w1',
  keys: generateKeyPairSync('ed25519'),
});
const stranger = await startWitness(thisFile, {
  logKey: ours.publicKey,
  name: 'witness.example/w1',
  keys: generateKeyPairSync('ed25519'),
});
const key = parseWitnessKey(witness.key);
const stop = new AbortController();
const asking = askWitness({
  ...{ store, url: witness.url, witness: key, logger, signal: stop.signal },
  times: { everyMs: 10, tellMs: 50 },
});
test.after(async () => {
  stop.abort();
  await asking;
  await store.end();
});

/** One more checkpoint than before: its size. */
async function signed(): Promise<number> {
  await emptyTenant(database);
  await keepLog.append(true);
  await keepLog.checkpoint();
  const { rows } = await pool.query('select max(tree_size)::int as size from rekey.log_checkpoints');
  return rows[0].size;
}
const cosigned = (size: number): Promise<unknown> =>
  until(
    async () =>
      (await pool.query('select from rekey.checkpoint_cosignatures where tree_size = $1', [size]))
        .rowCount === 1,
    { what: 'it is cosigned' },
  );
const verify = async (...args: string[]): Promise<{ code: number; text: string }> => {
  const lines: string[] = [];
  const io = { out: (line: string) => lines.push(line), err: (line: string) => lines.push(line) };
  return { code: await auditVerify(args, io), text: lines.join('\n') };
};
const exported = async (): Promise<string> => {
  const answer = await api.send({
    path: '/api/v1/admin/audit/export',
    headers: { ...bearer(), accept: 'application/jsonl' },
  });
  await writeFile(at('audit.jsonl'), answer.text);
  return at('audit.jsonl');
};

test('a witness signs each checkpoint, from whatever size it knows, and its line stands in file and answers', async () => {
  const first = await signed();
  await cosigned(first);
  const second = await signed();
  await cosigned(second);
  assert.deepEqual(
    [...witness.seen.values()].map(({ size }) => size),
    [second],
  );
  // It has forgotten what we think that it knows, as one that was restored, and says so.
  const [origin = ''] = witness.seen.keys();
  const older = readCheckpoints(await readFile(at('checkpoints'), 'utf8')).find(({ size }) => size === first);
  assert.ok(older);
  witness.seen.set(origin, older);
  const third = await signed();
  await cosigned(third);
  assert.ok(witness.answered.includes(409), 'it was asked from another size first');
  await signed();
  const listed = await api.send({ path: '/api/v1/admin/audit/checkpoints?limit=10', headers: bearer() });
  const notes = readCheckpoints(
    listed.json.data.checkpoints.map(({ note }: { note: string }) => note).join('\n'),
  );
  const ofThird = notes.find(({ size }) => size === third);
  const seen = ofThird === undefined ? null : cosignatureOf(ofThird, key);
  assert.ok(seen !== null && Math.abs(seen.at.getTime() - Date.now()) < 60_000);
  const { rows } = await pool.query('select max(tree_size)::int as size from rekey.log_checkpoints');
  await cosigned(rows[0].size);
  // The file has it with the next turn, which signs nothing new.
  await keepLog.checkpoint();
  const last = readCheckpoints(await readFile(at('checkpoints'), 'utf8')).at(-1);
  assert.ok(last !== undefined && cosignatureOf(last, key) !== null);
});

test('what no witness signed does not count where one is named, nor what another one of that name did', async () => {
  const file = await exported();
  const outside = ['--checkpoint', at('checkpoints'), '--key', at('key.pem')];
  const good = await verify(file, ...outside, '--witness', witness.key);
  assert.equal(good.code, 0, good.text);
  assert.match(good.text, /^verified /);
  const strange = await verify(file, ...outside, '--witness', stranger.key);
  assert.deepEqual([strange.code, /NOT_WITNESSED/.test(strange.text)], [1, true], strange.text);
  const both = await verify(file, ...outside, '--witness', witness.key, '--witness', stranger.key);
  assert.equal(both.code, 1, both.text);
  // Of the file only the uncosigned notes.
  const bare = (await readFile(at('checkpoints'), 'utf8')).replaceAll(/^— witness.*\n/gm, '');
  await writeFile(at('bare'), bare);
  assert.equal((await verify(file, '--checkpoint', at('bare'), '--key', at('key.pem'))).code, 0);
  assert.match(
    (await verify(file, '--checkpoint', at('bare'), '--witness', witness.key)).text,
    /NOT_WITNESSED/,
  );
  for (const wrong of ['x', witness.key.replace('+', '+0'), `${witness.key}A`, 'a+00000000+BAAA'])
    assert.equal((await verify(file, ...outside, '--witness', wrong)).code, 2, wrong);
  // A line with any changed byte is not its.
  const [note] = readCheckpoints(await readFile(at('checkpoints'), 'utf8')).filter((one) =>
    cosignatureOf(one, key),
  );
  assert.ok(note);
  const head = `— ${key.name} `;
  const bytes = Buffer.from(note.note.split(head)[1]?.trim() ?? '', 'base64');
  for (let n = 0; n < bytes.length; n += 1) {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(n) ^ 1, n);
    const line: string = `${note.note.split(head)[0]}${head}${changed.toString('base64')}\n`;
    assert.equal(cosignatureOf({ ...note, note: line }, key), null, `byte ${n}`);
  }
});

test('a checkpoint of a compromised key is good where a witness signed it before, and not where later', async () => {
  const { x } = ours.publicKey.export({ format: 'jwk' });
  const jwks = async (compromisedAt: Date): Promise<string> => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x, kid: thumbprint(x ?? ''), compromisedAt };
    await writeFile(at('jwks.json'), JSON.stringify({ keys: [jwk] }));
    return at('jwks.json');
  };
  await writeFile(at('last'), readCheckpoints(await readFile(at('checkpoints'), 'utf8')).at(-1)?.note ?? '');
  const file = await exported();
  const later = await jwks(new Date(Date.now() + 60_000));
  const args = [file, '--checkpoint', at('last'), '--jwks', later];
  assert.match((await verify(...args)).text, /BAD_SIGNATURE/);
  const witnessed = await verify(...args, '--witness', witness.key);
  assert.equal(witnessed.code, 0, witnessed.text);
  await jwks(new Date(Date.now() - 3_600_000));
  assert.match((await verify(...args, '--witness', witness.key)).text, /BAD_SIGNATURE/);
});

test('a witness that is away, slow to agree, or not the one of that key signs nothing, and it is said once', async () => {
  const told = (): number => log.filter((line) => line.includes('not signed by the witness')).length;
  const forged = `— ${key.name} ${Buffer.alloc(76).toString('base64')}\n`;
  for (const instead of [
    (response: import('node:http').ServerResponse) => response.destroy(),
    (response: import('node:http').ServerResponse) => response.writeHead(500).end(),
    (response: import('node:http').ServerResponse) =>
      response.writeHead(307, { location: stranger.url }).end(),
    (response: import('node:http').ServerResponse) => response.writeHead(200).end(forged),
    (response: import('node:http').ServerResponse) => response.writeHead(200).end('x'.repeat(100_000)),
    (response: import('node:http').ServerResponse) => response.writeHead(409).end('99999999\n'),
  ]) {
    log.length = 0;
    witness.instead = instead;
    const size = await signed();
    await until(async () => told() === 1, { what: 'it is told' });
    const kept = await pool.query('select from rekey.checkpoint_cosignatures where tree_size = $1', [size]);
    assert.equal(kept.rowCount, 0);
    witness.instead = null;
    await cosigned(size);
    assert.equal(told(), 1);
  }
});

test('another history of the same log is not signed by a witness that saw the first', async () => {
  const size = await signed();
  await cosigned(size);
  const before = witness.answered.length;
  await pool.query(`begin; set local session_replication_role = replica;
    delete from rekey.checkpoint_cosignatures; delete from rekey.log_checkpoints;
    update rekey.log_leaves set content = sha256('another') where index = 0; commit`);
  await rm(at('checkpoints'));
  await signed();
  await until(async () => witness.answered.slice(before).includes(422), { what: 'it refuses' });
  assert.equal((await pool.query('select from rekey.checkpoint_cosignatures')).rowCount, 0);
});

test('an address without a key, a key without an address, and what is none of them refuse the start', () => {
  const env = {
    DATABASE_URL: 'postgres://x@h/d',
    REDIS_URL: 'redis://h',
    KEK_URI: 'local:/k',
    SIGNING_KEY_URI: 'file:/s',
  };
  const refusal = (more: Record<string, string>): string => {
    try {
      readWorkerConfig({ ...env, ...more });
    } catch (error) {
      return error instanceof Error ? error.message : '';
    }
    return '';
  };
  const [url, good] = ['https://witness.example/prefix', witness.key];
  assert.equal(refusal({ WITNESS_URL: url, WITNESS_KEY: good }), '');
  assert.match(refusal({ WITNESS_URL: url }), /needed both/);
  assert.match(refusal({ WITNESS_KEY: good }), /needed both/);
  assert.match(refusal({ WITNESS_URL: 'http://witness.example/', WITNESS_KEY: good }), /WITNESS_URL/);
  assert.match(refusal({ WITNESS_URL: url, WITNESS_KEY: good.replace('+', '+0') }), /WITNESS_KEY/);
});
