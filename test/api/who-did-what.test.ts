import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { signHs256 } from '../harness/tokens.ts';
import { until } from '../harness/wait.ts';
import {
  type Answer,
  bearer,
  type Call,
  emptyTenant,
  liveApi,
  rotateCall,
  rotationsPath,
} from './live-api.ts';

const api = await liveApi({ trustProxy: ['127.0.0.1'] });
const from = { 'x-forwarded-for': '192.0.2.7:4711' };

type Line = Record<string, unknown>;
const linesOf = (requestId: unknown): Line[] =>
  api.log.map((line) => JSON.parse(line)).filter((line) => line.requestId === requestId);

/** Sends it, and waits for what the log says of it: the line of the request, and whatever was said besides. */
async function told(call: Call): Promise<{ answer: Answer; line: Line; besides: Line[] }> {
  const answer = await api.send({ ...call, headers: { ...from, ...call.headers } });
  const id = answer.headers['x-request-id'];
  const line = await until(async () => linesOf(id).find(({ msg }) => msg === 'request'), {
    what: 'its line',
  });
  return { answer, line, besides: linesOf(id).filter(({ msg }) => msg !== 'request') };
}

/** Of a line, what an auditor looks for. */
function facts({ address, realm, subject, tenantId, rotationId, status, outcome, code, level }: Line): Line {
  return JSON.parse(
    JSON.stringify({ address, realm, subject, tenantId, rotationId, status, outcome, code, level }),
  );
}

const who = { address: '192.0.2.7', realm: 'default', level: 'info' };

test('who started, replayed, met, followed and cancelled a rotation stands in the log', async () => {
  const tenantId = await emptyTenant(api.database);
  const starter = bearer({ sub: 'starter-1', roles: ['security_admin'], tenantId });
  const key = { 'idempotency-key': randomUUID() };
  const started = await told(rotateCall(tenantId, { headers: { ...starter, ...key } }));
  const { rotationId } = started.answer.json.data;
  const byStarter = { ...who, subject: 'starter-1', tenantId, rotationId };
  assert.deepEqual(facts(started.line), { ...byStarter, status: 200, outcome: 'done' });
  assert.deepEqual(
    started.besides.map(({ msg, ...line }) => [msg, facts(line)]),
    [['rotation started', byStarter]],
  );

  const replayed = await told(rotateCall(tenantId, { headers: { ...starter, ...key } }));
  assert.deepEqual(facts(replayed.line), { ...byStarter, status: 200, outcome: 'done' });
  assert.deepEqual(replayed.besides, [], 'nothing was started by it');

  const met = await told(rotateCall(tenantId, { headers: bearer({ sub: 'second-2' }) }));
  assert.deepEqual(facts(met.line), {
    ...byStarter,
    subject: 'second-2',
    status: 409,
    outcome: 'refused',
    code: 'ROTATION_IN_PROGRESS',
  });

  const path = `${rotationsPath}/${rotationId}`;
  const followed = await told({
    path: path.toUpperCase().replace(/.*ROT-/, `${rotationsPath}/rot-`),
    headers: starter,
  });
  assert.deepEqual(facts(followed.line), { ...byStarter, status: 200, outcome: 'done' });
  assert.deepEqual(followed.besides, []);

  const canceller = bearer({ sub: 'canceller-3', name: 'Carol' });
  const cancelled = await told({ method: 'POST', path: `${path}/cancel`, headers: canceller });
  const byCanceller = { ...byStarter, subject: 'canceller-3' };
  assert.deepEqual(facts(cancelled.line), { ...byCanceller, status: 200, outcome: 'done' });
  assert.deepEqual(
    cancelled.besides.map(({ msg, ...line }) => [msg, facts(line)]),
    [['rotation cancelled', byCanceller]],
  );
  const again = await told({ method: 'POST', path: `${path}/cancel`, headers: canceller });
  assert.deepEqual(facts(again.line), { ...byCanceller, status: 200, outcome: 'done' });
  assert.deepEqual(again.besides, [], 'nothing was cancelled by it');
});

test('who was refused, from where and what for, stands there too; of a forged token only from where', async () => {
  const tenantId = await emptyTenant(api.database);
  const other = randomUUID();
  const forged = { authorization: `Bearer ${signHs256('x'.repeat(40), { sub: 'forged-5', exp: 9e9 })}` };
  const path = `${rotationsPath}/rot-${other}`;
  const rows: Readonly<Record<string, readonly [call: Call, facts: Line]>> = {
    'another tenant': [
      rotateCall(other, { headers: bearer({ sub: 'intruder', roles: ['security_admin'], tenantId }) }),
      { subject: 'intruder', tenantId: other, status: 403, code: 'INSUFFICIENT_PERMISSIONS' },
    ],
    'no role': [
      rotateCall(tenantId, { headers: bearer({ sub: 'roleless', roles: ['viewer'] }) }),
      { subject: 'roleless', tenantId, status: 403, code: 'INSUFFICIENT_PERMISSIONS' },
    ],
    'a forged token': [
      rotateCall(tenantId, { headers: forged }),
      { realm: undefined, tenantId, status: 401, code: 'AUTHENTICATION_FAILED' },
    ],
    'no token': [
      { path },
      { realm: undefined, rotationId: `rot-${other}`, status: 401, code: 'AUTHENTICATION_FAILED' },
    ],
    'a rotation that is not there': [
      { path, headers: bearer() },
      { subject: 'ada', rotationId: `rot-${other}`, status: 404, code: 'ROTATION_NOT_FOUND' },
    ],
    'an unknown tenant': [
      rotateCall(other),
      { subject: 'ada', tenantId: other, status: 404, code: 'TENANT_NOT_FOUND' },
    ],
    'a bad body': [
      rotateCall(tenantId, { raw: '{' }),
      { subject: 'ada', tenantId, status: 400, code: 'INVALID_REQUEST' },
    ],
    'a body of another type': [
      rotateCall(tenantId, { headers: { 'content-type': 'text/plain' } }),
      { subject: 'ada', tenantId, status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' },
    ],
    'no route': [{ path: '/nope' }, { realm: undefined, status: 404, code: 'NOT_FOUND' }],
    'no method': [
      { method: 'PUT', path },
      { realm: undefined, status: 405, code: 'METHOD_NOT_ALLOWED' },
    ],
    'a broken URL': [{ path: '/%zz' }, { realm: undefined, status: 400, code: 'INVALID_REQUEST' }],
  };
  for (const [what, [call, expected]] of Object.entries(rows)) {
    const { line } = await told(call);
    const wanted = JSON.parse(JSON.stringify({ ...who, outcome: 'refused', ...expected }));
    assert.deepEqual(facts(line), wanted, what);
  }
  assert.doesNotMatch(api.log.join('\n'), /forged-5|eyJ/, 'nothing of a token that does not hold');
});

test('what was no HTTP at all has its line, with address and code', async () => {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  socket.end('NOT HTTP AT ALL\r\n\r\n');
  const answered = await text(socket);
  const id = /x-request-id: (\S+)/.exec(answered)?.[1];
  const [line] = linesOf(id);
  assert.ok(line !== undefined);
  assert.deepEqual(facts(line), {
    address: '127.0.0.1',
    status: 400,
    outcome: 'refused',
    code: 'INVALID_REQUEST',
    level: 'info',
  });
});

test('no header and no path makes a line of its own, or a field', async () => {
  for (const call of [
    { path: '/x%0a%7b%22level%22:%22error%22%7d' },
    { path: `/${'\u2028'.repeat(3)}`.replaceAll('\u2028', '%E2%80%A8') },
    { headers: { 'x-request-id': '","level":"error' } },
    { headers: { traceparent: '00-"\\n{"level":"error"}-01', tracestate: 'a=b"}' } },
    { headers: { 'user-agent': '$'.concat('{jndi:ldap://x}'), referer: '"}\\n{"level":"error"' } },
    { headers: { 'x-forwarded-for': '"}\\n{"level":"error"' } },
    { headers: { 'x-tenantid': '"}{"level":"error"' }, path: `${rotationsPath}/rot-"}{` },
  ]) {
    await api.send(call);
  }
  for (const raw of api.log) {
    assert.equal(raw.trimEnd().includes('\n'), false);
    const { level, ...line } = JSON.parse(raw);
    assert.notEqual(level, 'error', raw);
    assert.doesNotMatch(JSON.stringify(line.requestId ?? ''), /level|jndi/);
  }
  assert.doesNotMatch(api.log.join(''), /jndi|traceparent/);
});
