import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from '@rekey/client';
import { pastTheTriggers } from '../harness/damage.ts';
import { installation } from '../harness/installation.ts';
import { signHs256 } from '../harness/tokens.ts';
import { openBrowser, skipWithoutBrowser } from './browser.ts';
import { look, visitor } from './console-pages.ts';

test('policies', { skip: skipWithoutBrowser }, async (t) => {
  // Without a worker nothing is begun by itself: a key stays as old as it was made.
  const rekey = await installation({ workers: 0 });
  const url = rekey.apis[0]?.url ?? '';
  const { tenantId } = await rekey.seedTenant(17);
  const client = createClient({ url, token: rekey.token });
  const path = { tenantId };
  const stored = async () => (await client.getTenantPolicy({ path })).data;
  const browser = await openBrowser();
  const ada = await visitor(browser, url);
  const { page } = ada;
  const tokenOf = (claims: object): string =>
    signHs256(rekey.jwtSecret, { sub: 'otto', exp: Math.floor(Date.now() / 1_000) + 3_600, ...claims });
  const dialog = page.getByRole('dialog', { name: 'Change policy' });
  const store = dialog.getByRole('button', { name: 'Change policy', exact: true });
  const row = (name: string) => page.getByRole('row').filter({ hasText: name });
  const closed = () => dialog.waitFor({ state: 'detached' });
  const open = () => page.getByRole('button', { name: 'Change policy…' }).click();

  await t.test('the default is put on a page of its own, by whoever acts on all tenants', async () => {
    await ada.signIn(rekey.token, '/policy', 'Default policy');
    await page.getByText('Nobody has put one').waitFor();
    await open();
    await dialog.getByText('which holds for every tenant that does not say otherwise').waitFor();
    await dialog.getByLabel('Rotate by age').selectOption('own');
    await dialog.getByLabel('Rotate by age, days').fill('90');
    await dialog.getByLabel('Tenants rotate at most every so many days').fill('7');
    await dialog.getByLabel('Tenants rotate at least every so many days').fill('180');
    await dialog.getByLabel('Reason').fill('as the board wants it');
    await dialog.getByText('The same from a terminal').click();
    await dialog.getByText("npx rekey policy set FILE --default --reason 'as the board wants it'").waitFor();
    await look(page, 'default-policy-dialog');
    await store.click();
    await closed();
    await row('Rotate by age').getByText('every 90 days').waitFor();
    await row('Bounds').getByText('rotate at most every 7 days; rotate at least every 180 days').waitFor();
    await look(page, 'default-policy');
    const { policy, version } = (await client.getDefaultPolicy({})).data;
    const bounds = { rotateEveryDaysMin: 7, rotateEveryDaysMax: 180 };
    assert.deepEqual([policy, version], [{ rotateEveryDays: 90, bounds }, 1], 'and nothing that nobody said');
  });

  await t.test('a tenant’s page says what holds, by whose word, and how its key stands', async () => {
    await ada.open(`/tenants/${tenantId}`, 'Tenant');
    await row('Rotate by age').getByText('every 90 days').waitFor();
    assert.match((await row('Rotate by age').textContent()) ?? '', /the default’s/);
    await page.getByText('Its active key is not due.').waitFor();
    await page.getByText('Nobody has put one of its own.').waitFor();
    await pastTheTriggers(rekey.store, (tx) =>
      tx.query(`update rekey.deks set activated_at = now() - interval '91 days' where tenant_id = $1`, [
        tenantId,
      ]),
    );
    await page.reload();
    await page.getByText('Its active key is overdue').waitFor();
    await look(page, 'policy-overdue');
    assert.equal((await stored()).standing?.level, 'overdue');
  });

  await t.test('a policy is changed without a mouse, within bounds that are told', async () => {
    await page.getByRole('button', { name: 'Change policy…' }).focus();
    await page.keyboard.press('Enter');
    await dialog.getByLabel('Rotate by age').selectOption('own');
    await dialog
      .getByText('The default bounds it: at least 7 days, at most 180 days, so not never.')
      .waitFor();
    assert.equal(await dialog.getByLabel('Rotate by age').getByRole('option', { name: 'never' }).count(), 0);
    const days = dialog.getByLabel('Rotate by age, days');
    await days.fill('181');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate<boolean>('document.activeElement.validity.rangeOverflow'), true);
    assert.equal((await stored()).version, 0, 'the browser did not send it');
    await days.fill('120');
    await dialog.getByLabel('Hours').selectOption('own');
    await dialog.getByLabel('Fri').focus();
    await page.keyboard.press('Space');
    await dialog.getByLabel('Time zone').fill('Europe/Berlin');
    await dialog.getByRole('button', { name: 'One more window' }).focus();
    await page.keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Remove window 2' }).waitFor();
    await look(page, 'policy-dialog');
    await dialog.getByRole('button', { name: 'Remove window 2' }).focus();
    await page.keyboard.press('Enter');
    await dialog.getByLabel('Time zone').fill('Europe/Bonn');
    await store.focus();
    await page.keyboard.press('Enter');
    // What a browser cannot know, the API says.
    await dialog.getByRole('alert').getByText('body.windows').waitFor();
    await dialog.getByLabel('Time zone').fill('Europe/Berlin');
    await page.keyboard.press('Enter');
    await closed();
    await row('Hours').getByText('Fri, Sat, Sun 22:00 to 04:00 of the next day, Europe/Berlin').waitFor();
    assert.match((await row('Rotate by age').textContent()) ?? '', /every 120 days.*its own/);
    assert.equal(await page.evaluate<string>('document.activeElement.textContent'), 'Change policy…');
    const window = { days: ['fri', 'sat', 'sun'], from: '22:00', to: '04:00', timeZone: 'Europe/Berlin' };
    assert.deepEqual((await stored()).policy, { rotateEveryDays: 120, windows: [window] });
  });

  await t.test(
    'what somebody else has put meanwhile is told in words, and nothing of it is lost',
    async () => {
      await open();
      await dialog.getByLabel('Rotate by use').selectOption('own');
      await dialog.getByLabel('Rotate by use, seals').fill('5000000');
      const theirs = { rotateEveryDays: 30, destroyAfterDays: 400 };
      // Whoever is asked never to destroy may not be asked to do so after a while.
      await client.putDefaultPolicy({
        headers: { 'if-match': '"1"' },
        body: { rotateEveryDays: 90, destroyAfterDays: 300 },
      });
      await client.putTenantPolicy({ path, headers: { 'if-match': '"1"' }, body: theirs });
      await store.click();
      const told = dialog.getByRole('alert');
      await told.getByText('Somebody else has put version 2').waitFor();
      const [first, second, third, ...more] = await told.getByRole('listitem').allTextContents();
      assert.equal(first, 'Rotate by age: was every 120 days, is now every 30 days.');
      assert.equal(
        second,
        'Ask for destruction: was as the default says, is now 400 days after a key went out of use.',
      );
      assert.match(third ?? '', /^Hours: was Fri, Sat, Sun .*, is now as the default says\.$/);
      assert.deepEqual(more, []);
      assert.deepEqual((await stored()).policy, theirs, 'nothing was stored');
      await look(page, 'policy-meanwhile');
      assert.equal(await dialog.getByLabel('Rotate by age, days').inputValue(), '30');
      await dialog.getByText('At least 300 days').waitFor();
      await store.click();
      await closed();
      assert.deepEqual((await stored()).policy, { ...theirs, rotateBeforeSeals: 5_000_000 });
    },
  );

  await t.test('an old log-in changes nothing, and the way to a new one leads back', async () => {
    const { version } = await stored();
    await rekey.store.query(`update rekey.console_sessions set logged_in_at = now() - interval '6 minutes'`);
    await page.reload();
    await open();
    await dialog.getByText('Yours is older').waitFor();
    await dialog.getByLabel('Rotate by age, days').fill('31');
    await store.click();
    await dialog.getByRole('alert').waitFor();
    assert.equal((await stored()).version, version);
    await dialog.getByRole('link', { name: 'Sign in again' }).first().click();
    await page.getByLabel('Access token').fill(rekey.token);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Tenant' }).waitFor();
    await open();
    assert.equal(await dialog.getByText('Yours is older').count(), 0);
    await page.keyboard.press('Escape');
  });

  await t.test(
    'who may only look is offered no change, and who is bound to a tenant no default',
    async () => {
      for (const [role, changes] of [
        ['security_auditor', 0],
        ['security_admin', 1],
      ] as const) {
        const otto = await visitor(browser, url);
        await otto.signIn(tokenOf({ roles: [role], tenantId }), `/tenants/${tenantId}`, 'Tenant');
        await otto.page.getByText('Its active key is overdue').waitFor();
        assert.equal(await otto.page.getByRole('button', { name: 'Change policy…' }).count(), changes, role);
        const nav = otto.page.getByRole('navigation', { name: 'Pages' });
        assert.equal(await nav.getByRole('link', { name: 'Policy' }).count(), 0, role);
        await otto.open('/policy', 'Default policy');
        await otto.page.getByText('It is for those who act on the whole installation').waitFor();
        assert.deepEqual(otto.complaints, []);
        await otto.context.close();
      }
      const anna = await visitor(browser, url);
      await anna.signIn(tokenOf({ roles: ['security_auditor'], tenantId: '*' }), '/policy', 'Default policy');
      await anna.page.getByRole('cell', { name: 'every 90 days' }).waitFor();
      assert.equal(await anna.page.getByRole('button', { name: '…' }).count(), 0);
      await anna.context.close();
    },
  );

  await t.test('no page complained', () => assert.deepEqual(ada.complaints, []));
});
