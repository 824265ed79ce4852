import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createClient } from '@rekey/client';
import { createLocalKeyFile } from '@rekey/kms';
import { installation } from '../harness/installation.ts';
import { openBrowser, skipWithoutBrowser } from './browser.ts';
import { visitor } from './console-pages.ts';

const folder = await mkdtemp(join(tmpdir(), 'rekey-console-open-'));
after(() => rm(folder, { recursive: true }));

test('a dialog that stands open learns what has changed, and keeps what somebody has typed', {
  skip: skipWithoutBrowser,
}, async (t) => {
  const next = join(folder, 'next.kek');
  await createLocalKeyFile(next);
  const rekey = await installation({ workerEnv: { ITEMS_PER_SECOND_MAX: '100' } });
  const url = rekey.apis[0]?.url ?? '';
  const client = createClient({ url, token: rekey.token });
  const { tenantId } = await rekey.seedTenant(3_400);
  const ada = await visitor(await openBrowser(), url);
  const { page } = ada;
  await ada.signIn(rekey.token, `/tenants/${tenantId}`, 'Tenant');

  await t.test('a rotation that somebody else has begun, and that has ended', async () => {
    const dialog = page.getByRole('dialog', { name: 'Rotate' });
    const submit = dialog.getByRole('button', { name: 'Rotate', exact: true });
    await page.getByRole('button', { name: 'Rotate…' }).click();
    await dialog.getByLabel('Reason').fill('yearly');
    const { rotationId } = (await rekey.rotate(tenantId)).body.data;
    await dialog.getByText('Meanwhile a rotation of this tenant has begun').waitFor();
    assert.ok(await submit.isDisabled());
    await rekey.cancel(rotationId);
    await submit.and(page.locator(':enabled')).waitFor();
    assert.equal(await dialog.getByText('Meanwhile').count(), 0);
    assert.equal(await dialog.getByLabel('Reason').inputValue(), 'yearly');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  await t.test('a rotation that is over before it was paused', async () => {
    const { rotationId } = (await rekey.rotate(tenantId)).body.data;
    await ada.open(`/rotations/${rotationId}`, /^Rotation/);
    const dialog = page.getByRole('dialog', { name: 'Pause' });
    await page.getByRole('button', { name: 'Pause…' }).click();
    await dialog.getByLabel('Reason').fill('too late');
    await rekey.cancel(rotationId);
    await dialog.getByText('Meanwhile it is cancelled: this can no longer be done.').waitFor();
    assert.equal(await dialog.getByLabel('Reason').inputValue(), 'too late');
    assert.ok(await dialog.getByRole('button', { name: 'Pause', exact: true }).isDisabled());
    await dialog.getByRole('button', { name: 'Leave it' }).click();
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await page.getByRole('button', { name: 'Pause…' }).count(), 0);
  });

  await t.test('on the page of all that runs, too, where its card would go', async () => {
    const { rotationId } = (await rekey.rotate(tenantId)).body.data;
    await ada.open('', 'Now');
    const card = page.getByRole('article').filter({ has: page.locator(`a[href$="${rotationId}"]`) });
    const dialog = page.getByRole('dialog', { name: 'Pause' });
    await card.getByRole('button', { name: 'Pause…' }).click();
    await dialog.getByLabel('Reason').fill('on its way');
    // Out of one list, and for a while in none: the dialog is the same one all along.
    await dialog.evaluate((element) => element.setAttribute('data-marked', ''));
    await rekey.cancel(rotationId);
    await dialog.getByText('Meanwhile it is cancelled: this can no longer be done.').waitFor();
    assert.equal(await dialog.getByLabel('Reason').inputValue(), 'on its way');
    assert.equal(await page.locator('dialog[data-marked]').count(), 1);
    assert.ok(await dialog.getByRole('button', { name: 'Pause', exact: true }).isDisabled());
    await page.keyboard.press('Escape');
    await card.waitFor({ state: 'detached' });
    await page.getByRole('heading', { level: 1, name: 'Now' }).and(page.locator(':focus')).waitFor();
  });

  await t.test('another key that is active by now is not the one that was meant', async () => {
    const { tenantId } = await rekey.seedTenant(17);
    const { keys } = (await client.listKeys({ query: { tenantId, state: 'active' } })).data;
    await ada.open(`/tenants/${tenantId}`, 'Tenant');
    const dialog = page.getByRole('dialog', { name: 'Key is compromised' });
    const submit = dialog.getByRole('button', { name: 'Key is compromised', exact: true });
    await page.getByRole('button', { name: 'Key is compromised…' }).click();
    await dialog.getByLabel('to confirm').fill(tenantId);
    await submit.and(page.locator(':enabled')).waitFor();
    const { rotationId } = (await rekey.rotate(tenantId)).body.data;
    await rekey.ended(rotationId);
    await dialog.getByText('Another key of this tenant is active by now').waitFor();
    assert.ok(await submit.isDisabled());
    assert.equal(await dialog.getByLabel('to confirm').inputValue(), tenantId);
    await page.keyboard.press('Escape');
    const now = (await client.listKeys({ query: { tenantId, state: 'active' } })).data.keys;
    assert.notEqual(now[0]?.keyId, keys[0]?.keyId);
  });

  await t.test('a worker that reports a KEK, and a process that is no longer in the way', async () => {
    await rekey.workers[0]?.stop();
    const other = await ada.context.newPage();
    await other.goto(`${url}/console/campaigns`);
    await other.getByRole('button', { name: 'Start campaign…' }).click();
    const campaign = other.getByRole('dialog', { name: 'Start campaign' });
    await campaign.getByLabel(/^For\b/).selectOption('all');
    await campaign.getByLabel(/^What\b/).selectOption('rewrap');
    await campaign.getByLabel('Under the KEK').fill('next');
    await campaign.getByLabel('Reason').fill('as agreed');
    await campaign.getByRole('alert').getByText(/KEK/).waitFor();
    await ada.open('/rewraps', 'Rewraps');
    await page.getByRole('button', { name: 'Start rewrap…' }).click();
    const rewrap = page.getByRole('dialog', { name: 'Start rewrap' });
    await rewrap.getByLabel('Under the KEK').fill('next');
    await rewrap.getByLabel('Reason').fill('as agreed');
    await rewrap.getByRole('alert').getByText(/KEK/).waitFor();
    await rekey.addWorker({ KEKS: `next=local:${next}` });
    // The application of this test was never given that KEK.
    await rewrap.getByRole('cell', { name: 'vault' }).waitFor({ timeout: 60_000 });
    assert.equal(await rewrap.getByRole('alert').count(), 0);
    await rekey.vault.close();
    await rewrap.getByRole('cell', { name: 'vault' }).waitFor({ state: 'detached' });
    await campaign.getByText('It is for 2 tenants').waitFor();
    await campaign
      .getByRole('button', { name: 'Start campaign', exact: true })
      .and(other.locator(':enabled'))
      .waitFor();
    assert.equal(await campaign.getByRole('alert').count(), 0);
    for (const dialog of [campaign, rewrap])
      assert.equal(await dialog.getByLabel('Reason').inputValue(), 'as agreed');
    await other.close();
  });

  await t.test('a filter, while the list behind it is asked for again', async () => {
    for (const [path, heading] of [
      ['/rotations', 'Rotations'],
      ['/rewraps', 'Rewraps'],
    ] as const) {
      await ada.open(path, heading);
      const field = page.getByLabel('Tenant');
      await field.pressSequentially(tenantId.slice(0, 10));
      await page.waitForResponse((response) => new URL(response.url()).pathname.endsWith(path));
      await field.pressSequentially(tenantId.slice(10));
      assert.equal(await field.inputValue(), tenantId);
      await page.keyboard.press('Enter');
      await page.waitForURL(({ searchParams }) => searchParams.get('tenantId') === tenantId);
      assert.equal(await field.inputValue(), tenantId);
    }
  });

  await t.test('no page complained', () => assert.deepEqual(ada.complaints, []));
});
