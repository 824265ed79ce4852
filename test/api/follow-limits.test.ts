import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { until } from '../harness/wait.ts';
import { checkError } from './check-error.ts';
import { openStream } from './event-stream.ts';
import { bearer, emptyTenant, type LiveApi, liveApi, rotateCall, rotationsPath } from './live-api.ts';

const started = async (api: LiveApi): Promise<string> =>
  (await api.send(rotateCall(await emptyTenant(api.database)))).json.data.rotationId;
const asked = (rotationId: string, headers: Record<string, string>) => ({
  path: `${rotationsPath}/${rotationId}/events`,
  headers: { ...headers, accept: 'text/event-stream' },
});

test('a caller has ten streams, all have a number too, and who closes one may open one', async (t) => {
  const api = await liveApi({ streams: { ofCaller: 10, inAll: 12 } });
  const rotationId = await started(api);
  const open = async (sub: string) => {
    const { path, headers } = asked(rotationId, bearer({ sub }));
    const stream = await openStream(api.url, path, headers);
    t.after(() => stream.close());
    return stream;
  };
  const refused = async (sub: string): Promise<void> => {
    const answer = await api.send(asked(rotationId, bearer({ sub })));
    checkError(answer, 'RATE_LIMITED', sub);
    assert.match(String(answer.headers['retry-after']), /^[1-9][0-9]*$/);
  };
  const ofAda = await Promise.all(Array.from({ length: 10 }, () => open('ada')));
  assert.deepEqual([...new Set(ofAda.map(({ status }) => status))], [200]);
  await refused('ada');
  // One that is refused or not found takes no place.
  for (let n = 0; n < 5; n += 1)
    checkError(
      await api.send(asked('rot-00000000-0000-4000-8000-000000000000', bearer({ sub: 'bea' }))),
      'ROTATION_NOT_FOUND',
    );
  assert.deepEqual([(await open('bea')).status, (await open('cyd')).status], [200, 200]);
  await refused('dan');
  await refused('ada');
  ofAda[0]?.close();
  const again = await until(
    async () => {
      const stream = await open('ada');
      return stream.status === 200 && stream;
    },
    { what: 'the place of a closed stream' },
  );
  assert.equal((await again.frame('snapshot')).data.rotationId, rotationId);
  await refused('ada');
});

test('who does not read is cut off, and others read on', async (t) => {
  const api = await liveApi();
  const rotationId = await started(api);
  // Many, with long reasons: more than the system itself holds for a connection.
  const events = 15_000;
  const pool = api.database.pool();
  const { rows } = await pool.query<{ last: string }>(
    `select max(h.sequence) as last from rekey.events h join rekey.rotations r on r.tenant_id = h.chain where r.id = $1`,
    [rotationId.slice(4)],
  );
  const last = rows[0]?.last ?? '';
  await pool.query(`set session_replication_role = replica;
    insert into rekey.events (chain, sequence, version, kind, at, actor, database_role, rotation_id, payload, previous, hash)
      select e.chain, ${last} + n, e.version, 'rotation.paused', e.at, e.actor, e.database_role, e.rotation_id,
        jsonb_build_object('reason', repeat('é', 500)), e.previous, e.hash
      from rekey.events e, generate_series(1, ${events}) n
      where e.rotation_id = '${rotationId.slice(4)}' and e.kind = 'rotation.requested';
    set session_replication_role = origin`);
  const { path, headers } = asked(rotationId, { ...bearer(), 'last-event-id': last });

  const { hostname, port } = new URL(api.url);
  const stuck = connect(Number(port), hostname);
  t.after(() => void stuck.destroy());
  stuck.pause();
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  stuck.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n${lines.join('')}\r\n`);
  const reading = await openStream(api.url, path, headers);
  t.after(() => reading.close());

  await until(() => api.log.some((line) => line.includes('reads too slowly')), {
    what: 'the cutting off of who does not read',
    timeoutMs: 120_000,
  });
  let text = '';
  stuck.on('error', () => {}).on('data', (part) => (text += part));
  const closed = new Promise((resolve) => stuck.once('close', resolve));
  stuck.resume();
  await closed;
  assert.match(text, /event: snapshot/);
  assert.doesNotMatch(text, /event: bye/);

  const seen = () => reading.frames.filter(({ event }) => event === 'event').length;
  await until(() => seen() === events, { what: 'every event of who reads', timeoutMs: 120_000 });
  assert.equal(reading.ended(), false);
  assert.equal(api.log.filter((line) => line.includes('reads too slowly')).length, 1);
});
