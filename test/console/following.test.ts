import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startRedis } from '@rekey/stack';
import { installation } from '../harness/installation.ts';
import { signingKeyUri } from '../harness/signing-key.ts';
import { until } from '../harness/wait.ts';
import { openBrowser, skipWithoutBrowser } from './browser.ts';
import { visitor } from './console-pages.ts';

/** What a page shows of a rotation's progress, whenever that changes. */
const remember = `
  globalThis.shown = [];
  const note = () => {
    const text = document.querySelector('.figure b')?.textContent;
    if (text && shown.at(-1) !== text) shown.push(text);
  };
  new MutationObserver(note).observe(document, { subtree: true, childList: true, characterData: true });`;
/** As if somebody had gone to another tab, or come back: headless browsers have none in front of the other. */
const hide = (hidden: boolean): string => `
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${hidden} });
  document.dispatchEvent(new Event('visibilitychange'));`;

test('a rotation is followed', { skip: skipWithoutBrowser }, async (t) => {
  let redis = await startRedis();
  after(() => redis.stop());
  const { url } = redis;
  const rekey = await installation({
    redis: { url, prefix: 'following' },
    workerEnv: { SIGNING_KEY_URI: await signingKeyUri(), ITEMS_PER_SECOND_MAX: '200' },
  });
  const [api] = rekey.apis;
  assert.ok(api);
  const { tenantId } = await rekey.seedTenant(3_400);
  const ada = await visitor(await openBrowser(), api.url);
  const { page } = ada;
  await page.addInitScript(remember);
  await ada.signIn(rekey.token, `/tenants/${tenantId}`, 'Tenant');
  const lead = page.locator('.heading .lead');
  const state = page.locator('.heading .state');
  const percents = async (): Promise<number[]> =>
    (await page.evaluate<string[]>('shown')).map((text) => Number.parseFloat(text));

  await t.test('from the click to its certificate, while Redis is taken away and comes back', async () => {
    await page.getByRole('button', { name: 'Rotate…' }).click();
    await page.getByRole('button', { name: 'Rotate', exact: true }).click();
    await page.getByRole('heading', { level: 1, name: /^Rotation rot-/ }).waitFor();
    await until(async () => ((await percents()).at(-1) ?? 0) > 5, { what: 'it has begun' });
    await redis.stop();
    const before = (await percents()).at(-1) ?? 0;
    await until(async () => ((await percents()).at(-1) ?? 0) > before, { what: 'it goes on without Redis' });
    await lead.getByText('live', { exact: true }).waitFor();
    await page.waitForTimeout(3_000);
    redis = await startRedis({ at: url });
    await state.getByText('completed').waitFor({ timeout: 120_000 });
    const all = await percents();
    assert.deepEqual(
      all,
      all.toSorted((a, b) => a - b),
      'it never went back',
    );
    assert.equal(all.at(-1), 100);
    assert.equal(await rekey.leftOnOlderKeys(tenantId), 0);
    const whole = page.getByText('The certificate is whole');
    await until(
      async () => {
        await page.getByRole('button', { name: 'Verify in this browser' }).click();
        await whole.or(page.getByRole('alert')).first().waitFor();
        return whole.isVisible();
      },
      { what: 'there is a certificate', everyMs: 500 },
    );
  });

  await t.test(
    'by polling where streams are refused, and by no stream while nobody sees the page',
    async () => {
      const other = await rekey.seedTenant(3_400);
      const { rotationId } = (await rekey.rotate(other.tenantId)).body.data;
      const path = `/api/v1/admin/dek/rotations/${rotationId}`;
      const authorization = `Bearer ${rekey.token}`;
      const steer = (verb: string): Promise<Response> =>
        fetch(`${api.url}${path}/${verb}`, { method: 'POST', headers: { authorization } });
      const streams = new AbortController();
      after(() => streams.abort());
      /** The same caller has ten places for streams. What is not held may be collected, and its connection with it. */
      const held: Response[] = [];
      const follow = async (): Promise<number> => {
        const headers = { authorization, accept: 'text/event-stream' };
        const answer = await fetch(`${api.url}${path}/events`, { headers, signal: streams.signal });
        held.push(answer);
        return answer.status;
      };
      assert.equal((await steer('pause')).status, 200);
      await ada.open(`/rotations/${rotationId}`, /^Rotation/);
      await state.getByText('paused').waitFor();
      await lead.getByText('live', { exact: true }).waitFor();
      for (let place = 2; place <= 10; place += 1) assert.equal(await follow(), 200, `place ${place}`);
      assert.equal(await follow(), 429, 'the page has the tenth');
      assert.equal(held.length, 10);

      await page.evaluate(hide(true));
      await until(async () => (await follow()) === 200, { what: 'the hidden page has given its place back' });
      await page.evaluate(hide(false));
      await lead.getByText('looked at every few seconds').waitFor();
      assert.equal((await steer('resume')).status, 200);
      await state.getByText('in progress').waitFor();
      assert.equal((await steer('cancel')).status, 200);
      await state.getByText('cancelled').waitFor();
    },
  );

  await t.test('what counts every record of a tenant is asked once, and by hand', async () => {
    const asked: string[] = [];
    page.on('request', (request) => {
      const [, path] = /\/console\/api\/v1\/admin(.*)$/.exec(request.url()) ?? [];
      if (path !== undefined) asked.push(path.replace(/[?].*/, '').replace(/dek-[^/]*/, 'ID'));
    });
    const times = (path: string): number => asked.filter((one) => one === path).length;
    // From here on time passes as we say.
    await page.clock.install();
    const pass = async (): Promise<void> => {
      for (let minute = 0; minute < 5; minute += 1) {
        await page.clock.fastForward(60_000);
        await page.waitForLoadState('networkidle');
      }
    };
    await ada.open(`/tenants/${tenantId}`, 'Tenant');
    await page.getByRole('cell', { name: 'active', exact: true }).waitFor();
    await pass();
    assert.ok(times('/dek/rotations') > 1, 'rotations are asked again');
    assert.equal(times('/keys'), 1);
    await page.getByRole('button', { name: 'Count again' }).click();
    await until(() => times('/keys') === 2, { what: 'it is asked by hand' });
    await page.getByRole('link', { name: /^dek-/ }).first().click();
    await page.getByText('Nothing new is sealed under it').waitFor();
    await pass();
    const once = ['/keys/ID', '/keys/ID/destruction', '/keys/ID/blast-radius'];
    assert.deepEqual(once.map(times), [1, 1, 1]);
    assert.deepEqual(ada.complaints, []);
  });
});
