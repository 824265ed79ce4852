import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { ClientError, createClient, type Told } from '@rekey/client';
import { emptyTenant, liveApi, token } from '../api/live-api.ts';

const api = await liveApi();
const client = createClient({ url: api.url, token: token() });

test('following goes on over connections that break, without an event missed or doubled, to the end', async (t) => {
  const sockets = new Set<Socket>();
  const between = createServer((from) => {
    const to = connect(Number(new URL(api.url).port), '127.0.0.1');
    for (const socket of [from, to]) sockets.add(socket.on('error', () => {}));
    from.pipe(to).pipe(from);
    from.on('close', () => to.destroy());
  });
  await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
  const cut = (): void => sockets.forEach((socket) => void socket.destroy());
  t.after(() => {
    between.close();
    cut();
  });
  const address = between.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;

  const { rotationId } = await client.rotate(await emptyTenant(api.database));
  const path = { rotationId };
  const timeline = async () => (await client.getRotationTimeline({ path })).data.events;
  const before = (await timeline()).length;
  const told: Told[] = [];
  let snapshots = 0;
  const following = createClient({ url: `http://127.0.0.1:${port}`, token: token() }).follow(rotationId);
  for await (const one of following) {
    told.push(one);
    if (one.kind !== 'snapshot') continue;
    snapshots += 1;
    // While nobody is connected, and while somebody is.
    if (snapshots <= 3) cut();
    await client.pauseRotation({ path });
    await client.resumeRotation({ path });
    if (snapshots > 3) await client.cancelRotation({ path });
  }
  assert.equal(snapshots, 4);
  const events = told.flatMap((one) => (one.kind === 'event' ? [one.event] : []));
  const whole = await timeline();
  // A first connection that saw no event has no id to go on from: its successors begin with their snapshots.
  assert.deepEqual(events, whole.slice(whole.length - events.length));
  assert.ok(events.length >= 3 && before > 0, `${events.length} events`);
  const last = told.findLast((one) => one.kind !== 'event');
  assert.equal(last?.kind === 'progress' && last.rotation.status, 'cancelled');
});

test('following begins behind the event that is named, and ends by a signal or what cannot mend itself', async () => {
  const { rotationId } = await client.rotate(await emptyTenant(api.database));
  const path = { rotationId };
  const [first, ...others] = (await client.getRotationTimeline({ path })).data.events;
  const stop = new AbortController();
  const events: unknown[] = [];
  await assert.rejects(
    async () => {
      const options = { lastEventId: first?.sequence ?? 0, signal: stop.signal };
      for await (const one of client.follow(rotationId, options)) {
        if (one.kind === 'event') events.push(one.event);
        if (events.length === others.length) stop.abort(new Error('enough'));
      }
    },
    { message: 'enough' },
  );
  assert.deepEqual(events, others);

  const expiring = createClient({
    url: api.url,
    token: token({ exp: Math.floor(Date.now() / 1_000) + 2 }),
  });
  const refused = createClient({ url: api.url, token: token({ roles: ['reader'] }) });
  for (const [by, code] of [
    [refused, 'INSUFFICIENT_PERMISSIONS'],
    // Clocks may differ by 5 seconds: meanwhile each stream ends as soon as it begins.
    [expiring, 'AUTHENTICATION_FAILED'],
  ] as const)
    await assert.rejects(
      async () => {
        for await (const one of by.follow(rotationId)) assert.ok(one);
      },
      (error) => error instanceof ClientError && error.code === code,
    );
});
