import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { checkError } from '../api/check-error.ts';
import { liveApi } from '../api/live-api.ts';

const api = await liveApi({ console: { publicUrl: null, login: null } });
const listPath = '/console/api/v1/admin/dek/rotations';

test('the pages are for no frame, run scripts of their own only, and without the console nothing is there', async () => {
  for (const path of [
    '/console',
    '/console/rotations',
    `/console/rotations/rot-${randomUUID()}`,
    '/console/sign-in',
    '/console/policy',
    `/console/campaigns/campaign-${randomUUID()}`,
    `/console/rewraps/rewrap-${randomUUID()}`,
  ]) {
    const { status, headers, text } = await api.send({ path });
    assert.equal(status, 200, path);
    const policy = String(headers['content-security-policy']);
    for (const part of [
      "default-src 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "base-uri 'none'",
    ])
      assert.ok(policy.includes(part), part);
    assert.doesNotMatch(policy, /unsafe|https?:|data:|\*/);
    assert.equal(headers['x-frame-options'], 'DENY');
    for (const [, asset = ''] of text.matchAll(/"(\/console\/assets\/[^"]+)"/g)) {
      const found = await api.send({ path: asset });
      assert.equal(found.status, 200, asset);
      const again = await api.send({ path: asset, headers: { 'if-none-match': String(found.headers.etag) } });
      assert.deepEqual([again.status, again.text], [304, '']);
    }
  }
  for (const path of [
    '/console/nothing',
    '/console/assets/../main.ts',
    '/console/assets/%2e%2e%2fpackage.json',
    '/console/api/v1/nothing',
  ])
    checkError(await api.send({ path }), 'NOT_FOUND', path);
  checkError(await api.send({ method: 'POST', path: listPath }), 'METHOD_NOT_ALLOWED');
  const without = await liveApi();
  for (const path of ['/console', '/console/session', '/console/assets/main.js', listPath])
    checkError(await without.send({ path }), 'NOT_FOUND', path);
});
