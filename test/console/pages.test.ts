import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { installation } from '../harness/installation.ts';
import { signingKeyUri } from '../harness/signing-key.ts';
import { signHs256 } from '../harness/tokens.ts';
import {
  accessibilityProblems,
  checkWidth,
  openBrowser,
  skipWithoutBrowser,
  watchedPage,
} from './browser.ts';

/** Where pictures of every page go, for people to look at: `npm run pictures`. */
const pictures = process.env.CONSOLE_PICTURES;
/** Of all of them only these. */
const only = process.env.CONSOLE_PICTURES_OF?.split(',');
const timeout = 30_000;
const focused = `document.activeElement?.textContent?.trim() ?? ''`;

test('in a real browser', { skip: skipWithoutBrowser }, async (t) => {
  const rekey = await installation({
    workerEnv: { SIGNING_KEY_URI: await signingKeyUri(), ITEMS_PER_SECOND_MAX: '400' },
  });
  const [api] = rekey.apis;
  assert.ok(api);
  const { tenantId } = await rekey.seedTenant(1_700);
  const browser = await openBrowser();
  const context = await browser.newContext({ viewport: { width: 1_280, height: 900 } });
  context.setDefaultTimeout(timeout);
  const { page, complaints } = await watchedPage(context);
  const open = async (path: string, heading: string | RegExp, on: Page = page): Promise<void> => {
    await on.goto(`${api.url}/console${path}`);
    await on.getByRole('heading', { level: 1, name: heading }).waitFor();
  };
  let rotationId = '';

  await t.test(
    'somebody signs in with a pasted token, by keyboard, and is where they wanted to be',
    async () => {
      await open(`/tenants/${tenantId}`, 'Rekey console');
      await page.getByLabel('Access token').focus();
      await page.keyboard.insertText('not a token');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').getByText('not accepted').waitFor();
      await page.getByLabel('Access token').fill(rekey.token);
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name: 'Tenant' }).waitFor();
      const [cookie, ...more] = await context.cookies();
      assert.equal(more.length, 0);
      assert.deepEqual(
        [cookie?.name, cookie?.httpOnly, cookie?.secure, cookie?.sameSite],
        ['__Host-rekey-session', true, true, 'Strict'],
      );
      assert.equal(await page.evaluate<string>('document.cookie'), '', 'no script reads it');
    },
  );

  await t.test('a rotation is started, followed and proved without a mouse', async () => {
    const button = page.getByRole('button', { name: 'Rotate…' });
    await button.waitFor();
    await page.locator('body').press('Home');
    const reached: string[] = [];
    for (let step = 0; step < 30 && reached.at(-1) !== 'Rotate…'; step += 1) {
      await page.keyboard.press('Tab');
      reached.push(await page.evaluate<string>(focused));
    }
    assert.equal(reached.at(-1), 'Rotate…', reached.join(' | '));
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Rotate' });
    await dialog.getByText('re-encrypts its 1,700 records').waitFor();
    assert.deepEqual(await accessibilityProblems(page), []);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await page.evaluate<string>(focused), 'Rotate…', 'back where it was');
    await page.keyboard.press('Enter');
    await dialog.getByLabel('Reason').fill('yearly');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: /^Rotation rot-/ }).waitFor();
    rotationId = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    assert.match(rotationId, /^rot-[0-9a-f-]{36}$/);
    await page.locator('.heading .state').getByText('completed').waitFor({ timeout: 60_000 });
    assert.match((await page.locator('[aria-live=polite]').textContent()) ?? '', /The rotation is \w+\./);
    await page.getByText('1,700 re-encrypted').or(page.getByText('500 re-encrypted')).first().waitFor();
    await page.getByText('events: who and why').click();
    await page.getByRole('cell', { name: 'yearly' }).first().waitFor();
    const verifying = page.getByRole('button', { name: 'Verify in this browser' });
    // A worker makes the certificate within seconds.
    for (let round = 0; round < 60; round += 1) {
      await verifying.click();
      const came = page.getByText('The certificate is whole').or(page.getByRole('alert'));
      await came.first().waitFor();
      if (await page.getByText('The certificate is whole').isVisible()) break;
      await page.waitForTimeout(500);
    }
    await page.getByText('That key came from this same server').waitFor();
    await page.getByRole('button', { name: 'I have compared it: pin this key' }).click();
    await page.getByText('Verified against a key that is pinned').waitFor();
    assert.equal(await rekey.leftOnOlderKeys(tenantId), 0);
  });

  await t.test('a control says what it will do, does it, and shows the same as a command', async () => {
    const other = await rekey.seedTenant(3_400);
    const started = await rekey.rotate(other.tenantId);
    await open('', 'Now');
    const card = page.getByRole('article').filter({ hasText: started.body.data.rotationId.slice(0, 12) });
    await card.getByRole('button', { name: 'Pause…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Pause' });
    await dialog.getByText('Applications go on reading and writing').waitFor();
    await dialog.getByLabel('Reason').fill("it's late");
    await dialog.getByText('The same from a terminal').click();
    await dialog
      .getByText(`npx rekey pause ${started.body.data.rotationId} --reason 'it'\\''s late'`)
      .waitFor();
    await dialog.getByRole('button', { name: 'Pause', exact: true }).click();
    await card.getByText('paused').first().waitFor();
    assert.equal((await rekey.status(started.body.data.rotationId)).body.data.status, 'paused');
  });

  await t.test('a tenant is found by how its key stands', async () => {
    await open('/tenants', 'Tenants');
    const row = page.getByRole('row').filter({ has: page.getByRole('link', { name: tenantId.slice(0, 8) }) });
    await row.getByRole('link', { name: /^dek-/ }).waitFor();
    await page.getByLabel('By policy').selectOption('orphaned');
    await page.getByText('There are none of that kind.').waitFor();
    await page.waitForURL(({ search }) => search === '?level=orphaned');
    await page.getByLabel('By policy').selectOption('');
    await row.getByRole('link', { name: tenantId.slice(0, 8) }).click();
    await page.getByRole('heading', { level: 1, name: 'Tenant' }).waitFor();
  });

  await t.test(
    'every page, narrow to wide, light and dark: no refusal by its policy, nothing that axe finds, no sideways scrolling',
    async () => {
      const [key] = (
        await rekey.store.query<{ id: string }>(
          'select id from rekey.deks where tenant_id = $1 order by key_number limit 1',
          [tenantId],
        )
      ).rows;
      const all: ReadonlyArray<[name: string, path: string, heading: string | RegExp]> = [
        ['now', '', 'Now'],
        ['rotations', '/rotations', 'Rotations'],
        ['rotation', `/rotations/${rotationId}`, /^Rotation/],
        ['tenant', `/tenants/${tenantId}`, 'Tenant'],
        ['keys', '/keys', 'Keys'],
        ['key', `/keys/dek-${key?.id}`, /^Key/],
        ['tenants', '/tenants', 'Tenants'],
        ['fleet', '/fleet', 'Fleet'],
        ['audit', '/audit?kind=rotation.requested', 'Audit'],
        ['health', '/health', 'Health'],
        ['sign-in', '/sign-in', 'Rekey console'],
      ];
      if (pictures !== undefined) await mkdir(pictures, { recursive: true });
      const problems: string[] = [];
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        for (const [name, path, heading] of all) {
          await open(path, heading);
          await page.waitForLoadState('networkidle').catch(() => {}); // a stream may stay open
          for (const [width, height] of [
            [320, 700],
            [1_280, 900],
            [2_560, 1_440],
          ] as const) {
            await page.setViewportSize({ width, height });
            await checkWidth(page, `${name} at ${width}`);
            const picture = `${name}-${width}-${colorScheme}`;
            if (pictures !== undefined && (only === undefined || only.includes(picture)))
              await page.screenshot({ path: join(pictures, `${picture}.png`), fullPage: true });
            if (width !== 2_560)
              problems.push(
                ...(await accessibilityProblems(page)).map(
                  (one) => `${name} ${width} ${colorScheme}: ${one}`,
                ),
              );
          }
        }
      }
      assert.deepEqual(problems, []);
    },
  );

  await t.test('what a role may not do is not offered', async () => {
    const auditor = await browser.newContext();
    auditor.setDefaultTimeout(timeout);
    const watched = await watchedPage(auditor);
    await open(`/tenants/${tenantId}`, 'Rekey console', watched.page);
    const exp = Math.floor(Date.now() / 1_000) + 3_600;
    await watched.page
      .getByLabel('Access token')
      .fill(signHs256(rekey.jwtSecret, { sub: 'otto', roles: ['security_auditor'], tenantId, exp }));
    await watched.page.getByRole('button', { name: 'Sign in' }).click();
    await watched.page.getByRole('cell', { name: 'deactivated' }).first().waitFor();
    assert.equal(await watched.page.getByRole('button', { name: '…' }).count(), 0);
    assert.deepEqual(watched.complaints, []);
    await auditor.close();
  });

  await t.test('a page elsewhere gets the console into no frame, whoever is signed in', async () => {
    const bait = createServer((request, response) => {
      const src = request.url === '/trap' ? [`${api.url}/console`, '/own'] : [];
      response.setHeader('content-type', 'text/html');
      response.end(src.map((at) => `<iframe src="${at}" title="${at}"></iframe>`).join('') || '<h1>own</h1>');
    });
    await new Promise<void>((resolve) => bait.listen(0, '127.0.0.1', resolve));
    const { port } = bait.address() as AddressInfo;
    const framed = await context.newPage();
    const refusals: string[] = [];
    framed.on('console', (message) => refusals.push(message.text()));
    for (const host of ['127.0.0.1', 'localhost']) {
      await framed.goto(`http://${host}:${port}/trap`);
      const [console_, own] = framed.frames().slice(1);
      // What may be framed is: the page and this test are able to.
      await own?.getByRole('heading', { name: 'own' }).waitFor();
      assert.equal(console_?.url(), 'chrome-error://chromewebdata/', host);
    }
    assert.match(refusals.join('\n'), /frame-ancestors 'none'/);
    await framed.close();
    bait.close();
  });

  await t.test('a session that has ended shows the way in, and nothing of before', async () => {
    await open('', 'Now');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { level: 1, name: 'Rekey console' }).waitFor();
    assert.deepEqual(await context.cookies(), []);
    await page.goBack();
    await page.getByLabel('Access token').waitFor();
  });

  await t.test('no page ever did what its policy refuses', () => assert.deepEqual(complaints, []));
});
