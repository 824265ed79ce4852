import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installation } from '../harness/installation.ts';
import { openBrowser, skipWithoutBrowser } from './browser.ts';
import { visitor } from './console-pages.ts';

test('the dialog that starts a campaign', { skip: skipWithoutBrowser }, async (t) => {
  const rekey = await installation();
  const { tenantId: busy } = await rekey.seedTenant(17);
  const ada = await visitor(await openBrowser(), rekey.apis[0]?.url ?? '');
  const { page } = ada;
  const dialog = page.getByRole('dialog', { name: 'Start campaign' });
  const start = dialog.getByRole('button', { name: 'Start campaign', exact: true });
  await ada.signIn(rekey.token, '/campaigns', 'Campaigns');

  await t.test('what the API refuses is told in the dialog, which stays', async () => {
    await ada.open('/campaigns', 'Campaigns');
    await page.getByRole('button', { name: 'Start campaign…' }).click();
    await dialog.getByLabel(/^For\b/).selectOption('tenantIds');
    await dialog.getByLabel('Ids, one in a line').fill('somebody');
    await dialog.getByRole('alert').getByText('body.tenantIds').first().waitFor();
    assert.ok(await start.isDisabled(), 'what is refused cannot be started');
    await dialog.getByLabel(/^What\b/).selectOption('rewrap');
    await dialog.getByText('Needs a log-in at most five minutes old').waitFor();
    await dialog.getByLabel('Ids, one in a line').fill(busy);
    await dialog.getByLabel('Under the KEK').fill('unheard-of');
    await dialog.getByRole('alert').getByText(/KEK/).waitFor();
    await page.keyboard.press('Escape');
  });

  await t.test('for more than ten, whoever starts it types how many they are', async () => {
    const { rows } = await rekey.store.query<{ n: number }>(
      `select count(*)::int as n from rekey.deks where state = 'active'`,
    );
    const many = 11;
    for (let n = rows[0]?.n ?? 0; n < many; n += 1) await rekey.seedTenant(1);
    await ada.open('/campaigns', 'Campaigns');
    await page.getByRole('button', { name: 'Start campaign…' }).click();
    await dialog.getByLabel(/^For\b/).selectOption('all');
    await dialog.getByText(`It is for ${many} tenants`).waitFor();
    assert.ok(await start.isDisabled(), 'nobody has typed for how many it is');
    const typed = dialog.getByLabel('to confirm for how many it is');
    await typed.fill(String(many - 1));
    assert.ok(await start.isDisabled());
    await typed.fill(String(many));
    await start.and(page.locator(':enabled')).waitFor();
    // Another question, another answer.
    await dialog.getByLabel(/^For\b/).selectOption('olderThanDays');
    await dialog.getByText('It is for 0 tenants').waitFor();
    assert.equal(await typed.count(), 0);
    // No number of days is not none: nobody is asked about, and nothing can be started.
    await dialog.getByRole('spinbutton', { name: 'Days', exact: true }).fill('');
    await dialog.getByText('It is for').waitFor({ state: 'detached' });
    assert.ok(await start.isDisabled());
    await page.keyboard.press('Escape');
  });

  await t.test('no page complained', () => assert.deepEqual(ada.complaints, []));
});
