import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from '@rekey/client';
import { inTransaction } from '@rekey/db';
import { installation } from '../harness/installation.ts';
import { signHs256 } from '../harness/tokens.ts';
import { until } from '../harness/wait.ts';
import { openBrowser, skipWithoutBrowser } from './browser.ts';
import { look, visitor } from './console-pages.ts';

test('what is done in dialogs', { skip: skipWithoutBrowser }, async (t) => {
  const rekey = await installation({ workerEnv: { ITEMS_PER_SECOND_MAX: '400' } });
  const [api] = rekey.apis;
  assert.ok(api);
  const { tenantId } = await rekey.seedTenant(340);
  const browser = await openBrowser();
  const ada = await visitor(browser, api.url);
  const { page } = ada;
  await ada.signIn(rekey.token, `/tenants/${tenantId}`, 'Tenant');
  const older = (): Promise<unknown> =>
    rekey.store.query(`update rekey.console_sessions set logged_in_at = now() - interval '6 minutes'`);

  await t.test('a dialog that is opened in the moment in which it closes is open', async () => {
    await page.getByRole('button', { name: 'Rotate…' }).click();
    const reason = page.getByRole('dialog', { name: 'Rotate' }).getByLabel('Reason');
    await reason.fill('left');
    await page.evaluate(`{
      const [opener] = [...document.querySelectorAll('button')].filter(({ textContent }) => textContent === 'Rotate…');
      document.querySelector('dialog').close();
      opener.click();
    }`);
    await until(async () => (await reason.inputValue()) === '', { what: 'it is another one' });
    await page.keyboard.press('Escape');
    await reason.waitFor({ state: 'detached' });
  });

  await t.test(
    'a rotation is planned, started with its plan, and its plan stands beside what it took',
    async () => {
      await page.getByRole('button', { name: 'Rotate…' }).click();
      const dialog = page.getByRole('dialog', { name: 'Rotate' });
      await dialog.getByLabel('Records to open').selectOption('all');
      await dialog.getByRole('button', { name: 'Plan it' }).click();
      await dialog.getByText('340 in').waitFor();
      await dialog.getByText('all do of 340').waitFor();
      await look(page, 'plan');
      await dialog.getByText('The same from a terminal').click();
      await dialog.getByText(/"planId":"plan-/).waitFor();
      await dialog.getByLabel('Reason').fill('as planned');
      await dialog.getByRole('button', { name: 'Rotate', exact: true }).click();
      await page.getByRole('heading', { level: 1, name: /^Rotation rot-/ }).waitFor();
      await page.locator('.heading .state').getByText('completed').waitFor();
      await page.getByRole('heading', { level: 2, name: 'Plan' }).waitFor();
      const { rows } = await rekey.store.query<{ reason: string; planned: boolean }>(
        `select e.payload ->> 'reason' as reason,
         exists (select from rekey.plans p where p.rotation_id = e.rotation_id) as planned
       from rekey.events e where e.kind = 'rotation.requested'`,
      );
      assert.deepEqual(rows, [{ reason: 'as planned', planned: true }]);
      const row = page.getByRole('row', { name: /^Records/ }).filter({ hasText: '340' });
      assert.equal(await row.getByRole('cell', { name: '340' }).count(), 2, 'planned, and taken');
    },
  );

  await t.test(
    'a key is declared compromised by whoever types its tenant and has just logged in',
    async () => {
      const { activeId } = await activeKey();
      await ada.open(`/keys/dek-${activeId}`, /^Key/);
      await older();
      await page.reload();
      const button = page.getByRole('button', { name: 'Key is compromised…' });
      await button.click();
      const dialog = page.getByRole('dialog', { name: 'Key is compromised' });
      await dialog.getByText('Yours is older').waitFor();
      const submit = dialog.getByRole('button', { name: 'Key is compromised', exact: true });
      assert.ok(await submit.isDisabled(), 'nothing is typed');
      await dialog.getByLabel('to confirm').fill(tenantId.slice(0, -1));
      assert.ok(await submit.isDisabled(), 'something else is typed');
      await dialog.getByLabel('to confirm').fill(tenantId);
      await submit.click();
      await dialog.getByRole('alert').waitFor();
      assert.equal((await activeKey()).activeId, activeId, 'an old log-in does nothing');
      await dialog.getByRole('link', { name: 'Sign in again' }).click();
      await page.getByLabel('Access token').fill(rekey.token);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await button.click();
      await dialog.getByText('Needs a log-in').waitFor();
      assert.equal(await dialog.getByText('Yours is older').count(), 0);
      await dialog.getByLabel('to confirm').fill(tenantId);
      await dialog.getByLabel('Reason').fill('found on a laptop');
      await look(page, 'compromise');
      await submit.click();
      await page.getByRole('heading', { level: 1, name: /^Rotation rot-/ }).waitFor();
      await page.getByText('a compromised key').waitFor();
      await page.locator('.heading .state').getByText('completed').waitFor();
      const { rows } = await rekey.store.query<{ state: string }>(
        'select state from rekey.deks where id = $1',
        [activeId],
      );
      assert.deepEqual(rows, [{ state: 'compromised' }]);
    },
  );

  await t.test('a session that ends under an open dialog is told, and the way back leads there', async () => {
    await ada.open(`/tenants/${tenantId}`, 'Tenant');
    await page.getByRole('button', { name: 'Rotate…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Rotate' });
    await dialog.getByLabel('Reason').fill('too late');
    await rekey.store.query('delete from rekey.console_sessions');
    await dialog.getByRole('button', { name: 'Rotate', exact: true }).click();
    await page.getByRole('alert').getByText('Your session has ended').waitFor();
    assert.equal(await dialog.count(), 0);
    await look(page, 'ended');
    await page.getByLabel('Access token').fill(rekey.token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Tenant' }).waitFor();
    await page.waitForURL(({ pathname }) => pathname === `/console/tenants/${tenantId}`);
    const { rows } = await rekey.store.query('select from rekey.rotations');
    assert.equal(rows.length, 2, 'nothing was started');
  });

  await t.test(
    'a tenant with more than a hundred keys shows them by pages, none twice and none left out',
    async () => {
      // Made past the guards: nobody rotates that often in a test.
      const many = await rekey.seedTenant(17);
      await inTransaction(rekey.store, async (tx) => {
        await tx.query("set local session_replication_role = 'replica'");
        await tx.query(
          `insert into rekey.deks (id, tenant_id, key_number, state, created_at, activated_at, deactivated_at)
         select gen_random_uuid(), $1, n, 'deactivated', now(), now(), now() from generate_series(2, 130) n`,
          [many.tenantId],
        );
      });
      await ada.open(`/tenants/${many.tenantId}`, 'Tenant');
      const table = page.getByRole('table', { name: 'A hundred of its keys, by number' });
      const numbers = async (): Promise<number[]> =>
        (await table.locator('tbody tr td:first-child').allTextContents()).map(Number);
      await table.waitFor();
      const first = await numbers();
      await page.getByRole('link', { name: 'Newer keys' }).click();
      await page.getByRole('link', { name: 'Oldest keys' }).waitFor();
      await until(async () => (await numbers())[0] === 101, { what: 'the next page is there' });
      assert.deepEqual(
        [...first, ...(await numbers())],
        Array.from({ length: 130 }, (_, at) => at + 1),
      );
      await page.waitForURL(/\?cursor=/); // a page of them has an address
    },
  );

  await t.test('an operator steers and plans by ids, and is offered nothing else', async () => {
    const other = await rekey.seedTenant(3_400);
    const { rotationId } = (await rekey.rotate(other.tenantId)).body.data;
    // However long it takes somebody to sign in, it still runs.
    await createClient({ url: api.url, token: rekey.token }).updateRotation({
      path: { rotationId },
      body: { itemsPerSecondMax: 20 },
    });
    const exp = Math.floor(Date.now() / 1_000) + 3_600;
    const token = signHs256(rekey.jwtSecret, {
      sub: 'olga',
      roles: ['security_operator'],
      tenantId: other.tenantId,
      exp,
    });
    const olga = await visitor(browser, api.url);
    await olga.signIn(token, `/rotations/${rotationId}`, 'Steer');
    assert.equal(await olga.page.getByRole('navigation', { name: 'Pages' }).getByRole('link').count(), 0);
    const offered = await olga.page.locator('main').getByRole('button').allTextContents();
    assert.deepEqual(offered, ['Pause…', 'Resume…', 'Limit…', 'Retry…']);
    await olga.page.getByRole('button', { name: 'Pause…' }).click();
    const dialog = olga.page.getByRole('dialog', { name: 'Pause' });
    await dialog.getByRole('button', { name: 'Pause', exact: true }).click();
    await olga.page.getByRole('status').getByText('paused').waitFor();
    assert.equal((await rekey.status(rotationId)).body.data.status, 'paused');
    await rekey.cancel(rotationId);
    await olga.page.getByLabel('Tenant').fill(other.tenantId);
    await olga.page.getByRole('button', { name: 'Plan it' }).click();
    await olga.page.getByText(/ in \d+ ranges/).waitFor();
    await look(olga.page, 'steer');
    assert.deepEqual(olga.complaints, []);
    await olga.context.close();
  });

  await t.test('no page complained', () => assert.deepEqual(ada.complaints, []));

  async function activeKey(): Promise<{ activeId: string }> {
    return until(
      async () => {
        const { rows } = await rekey.store.query<{ activeId: string }>(
          `select id as "activeId" from rekey.deks where tenant_id = $1 and state = 'active'`,
          [tenantId],
        );
        return rows[0];
      },
      { what: 'there is an active key' },
    );
  }
});
