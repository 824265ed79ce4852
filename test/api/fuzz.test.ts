import assert from 'node:assert/strict';
import { test } from 'node:test';
import { document } from '../harness/documented.ts';
import { fuzzCalls } from './fuzz-calls.ts';
import { type Answer, liveApi, seededTenant } from './live-api.ts';

/** `npm run fuzz:api` makes more of them. */
const requests = Number(process.env.FUZZ_REQUESTS ?? 500);
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);

const api = await liveApi();

test(`${requests} calls made from the document get answers that it has, and none with a 5xx`, async (t) => {
  const tenants = await Promise.all(
    Array.from({ length: 4 }, async () => (await seededTenant(api.database)).tenantId),
  );
  const fuzz = fuzzCalls(seed, tenants);
  t.diagnostic(`seed ${seed}`);
  const counts: Record<string, number> = {};
  const broken: string[] = [];
  const answered = new Set<string>();
  let left = requests;
  const caller = async (): Promise<void> => {
    for (; left > 0; ) {
      left -= 1;
      const { kind, call } = fuzz.next();
      // A stream ends with its rotation, which here nobody ends.
      if (call.path?.split('?')[0]?.endsWith('/events') === true && kind === 'valid') continue;
      const answer: Answer | null = await api
        .send({ ...call, headers: { connection: 'close', ...call.headers } })
        .catch((error: unknown) => {
          broken.push(`${JSON.stringify(call).slice(0, 500)}: ${String(error)}`);
          return null;
        });
      if (answer === null) continue;
      fuzz.learn(answer.text);
      const what = `${kind} ${Math.floor(answer.status / 100)}xx`;
      counts[what] = (counts[what] ?? 0) + 1;
      answered.add(String(answer.status));
      if (answer.status >= 500)
        broken.push(`${JSON.stringify(call).slice(0, 1_000)}: ${answer.status} ${answer.text}`);
    }
  };
  await Promise.all(Array.from({ length: 8 }, caller));
  t.diagnostic(JSON.stringify(counts));
  assert.deepEqual(broken, []);
  // Else it would prove nothing: calls of each kind came through to where they were meant for.
  for (const what of ['valid 2xx', 'nearly 4xx', 'hostile 4xx'])
    assert.ok((counts[what] ?? 0) > requests / 50, what);
  for (const status of ['200', '400', '401', '403', '404']) assert.ok(answered.has(status), status);
  assert.ok(Object.keys(document.paths).length > 20);
});
