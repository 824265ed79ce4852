import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readCheckpoints } from '@rekey/evidence';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { until } from '../harness/wait.ts';

const folder = await mkdtemp(join(tmpdir(), 'rekey-checkpoints-'));
after(() => rm(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
await writeFile(at('signing.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
await writeFile(at('public.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
const second = generateKeyPairSync('ml-dsa-65');
await writeFile(at('second.pem'), second.privateKey.export({ type: 'pkcs8', format: 'pem' }), {
  mode: 0o600,
});
await writeFile(at('second-public.pem'), second.publicKey.export({ type: 'spki', format: 'pem' }));

// Workers have a role with no more rights than they need.
const database = await createTestDatabase();
const pool = database.pool();
const rekey = await installation({
  databaseUrl: database.url,
  workers: 2,
  workerEnv: {
    SIGNING_KEY_URI: `file:${at('signing.pem')}`,
    SECOND_SIGNING_KEY_URI: `file:${at('second.pem')}`,
    CHECKPOINT_FILE: at('checkpoints'),
  },
});

test('two workers keep one log of a rotation, sign it, and a program without a server verifies what was exported', async () => {
  const tenant = await rekey.seedTenant(17);
  const started = await rekey.rotate(tenant.tenantId);
  await rekey.ended(started.body.data.rotationId);
  const { rows } = await pool.query('select count(*)::integer as events from rekey.events where chain = $1', [
    tenant.tenantId,
  ]);
  const covered = await until(
    async () => {
      const notes = readCheckpoints(await readFile(at('checkpoints'), 'utf8').catch(() => ''));
      const size = notes.at(-1)?.size ?? 0;
      const found = await pool.query(
        'select count(*)::integer as events from rekey.log_leaves where chain = $1 and index < $2',
        [tenant.tenantId, size],
      );
      return found.rows[0].events >= rows[0].events ? notes : undefined;
    },
    { what: 'a checkpoint over the rotation', timeoutMs: 180_000 },
  );
  const size = covered.at(-1)?.size;
  const { rows: leaves } = await pool.query(
    'select count(*)::integer as count, max(index)::integer + 1 as size from rekey.log_leaves',
  );
  assert.equal(leaves[0].count, leaves[0].size);

  const answer = await fetch(
    `${rekey.apis[0]?.url}/api/v1/admin/audit/export?tenantId=${tenant.tenantId}&checkpoint=${size}`,
    {
      headers: { authorization: `Bearer ${rekey.token}` },
    },
  );
  assert.equal(answer.status, 200);
  await writeFile(at('audit.jsonl'), await answer.text());
  const verify = (...args: string[]) =>
    new Promise<{ code: number | string; out: string }>((resolve) => {
      const program = new URL('../../packages/evidence/src/audit-main.ts', import.meta.url).pathname;
      execFile(process.execPath, [program, ...args], (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, out: stdout + stderr }),
      );
    });
  const args = [at('audit.jsonl'), '--checkpoint', at('checkpoints'), '--key', at('public.pem')];
  const { code, out } = await verify(...args);
  assert.equal(code, 0, out);
  assert.match(out, /^verified /);
  const both = await verify(...args, '--second-key', at('second-public.pem'));
  assert.equal(both.code, 0, both.out);
  assert.match(both.out, /^second +by ML-DSA-65, /m);
  const text = await readFile(at('audit.jsonl'), 'utf8');
  await writeFile(at('audit.jsonl'), text.replace('rotation.requested', 'rotation.cancelled'));
  const changed = await verify(...args);
  assert.equal(changed.code, 1, changed.out);
});
