import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClient } from '@rekey/client';
import { pastTheTriggers } from '../harness/damage.ts';
import { installation } from '../harness/installation.ts';
import { signHs256 } from '../harness/tokens.ts';
import { until } from '../harness/wait.ts';
import { openBrowser, skipWithoutBrowser } from './browser.ts';
import { look, visitor } from './console-pages.ts';

const heading = /^Campaign campaign-/;

test('campaigns', { skip: skipWithoutBrowser }, async (t) => {
  const rekey = await installation({ workerEnv: { ITEMS_PER_SECOND_MAX: '400' } });
  const url = rekey.apis[0]?.url ?? '';
  const client = createClient({ url, token: rekey.token });
  const tenants: string[] = [];
  for (let n = 0; n < 4; n += 1) tenants.push((await rekey.seedTenant(17)).tenantId);
  const [busy = ''] = tenants;
  const browser = await openBrowser();
  const ada = await visitor(browser, url);
  const { page } = ada;
  const dialog = page.getByRole('dialog', { name: 'Start campaign' });
  const start = dialog.getByRole('button', { name: 'Start campaign', exact: true });
  const status = (text: string) =>
    page.locator('.heading .state').getByText(text, { exact: false }).waitFor();
  const campaignId = (): string => new URL(page.url()).pathname.split('/').at(-1) ?? '';
  const states = async (id: string): Promise<Record<string, number>> => {
    const { tenantsByState } = (await client.getCampaign({ path: { campaignId: id } })).data;
    return Object.fromEntries(Object.entries(tenantsByState).filter(([, n]) => n > 0));
  };

  await t.test(
    'one is started without a mouse, says first whom it is for, and is followed to its end',
    async () => {
      // Who has a rotation already is passed over.
      const large = await rekey.seedTenant(3_400);
      const { rotationId } = (await rekey.rotate(large.tenantId)).body.data;
      await client.pauseRotation({ path: { rotationId } });
      await ada.signIn(rekey.token, '/campaigns', 'Campaigns');
      await page.getByText('There is none.').waitFor();
      await page.getByRole('button', { name: 'Start campaign…' }).focus();
      await page.keyboard.press('Enter');
      await dialog.getByText('It is for 0 tenants with 0 records.').waitFor();
      await dialog.getByLabel(/^For\b/).selectOption('all');
      assert.ok(await start.isDisabled(), 'what it would do has not been shown yet');
      await dialog.getByText(/^It is for 5 tenants with [\d,]+ records, of whom it would skip 1 /).waitFor();
      await dialog
        .getByText(/^It takes .+ with \d workers? \((assumed|as measured).+ has ended by \d{4}-/)
        .waitFor();
      await dialog.getByLabel('At once').fill('1');
      await dialog.getByLabel('Reason').fill('yearly');
      await dialog.getByText('The same from a terminal').click();
      await dialog
        .getByText(
          "rekey campaign start --all --order smallest_first --canaries 1 --at-once 1 --failures 5 --reason 'yearly'",
        )
        .waitFor();
      await look(page, 'campaign-dialog');
      await dialog.getByLabel('Reason').press('Enter');
      await page.getByRole('heading', { level: 1, name: heading }).waitFor();
      await page.getByText('1 tenant comes first').waitFor();
      await status('completed');
      assert.match(
        (await page.locator('[aria-live=polite]').textContent()) ?? '',
        /The campaign is completed\./,
      );
      await page.getByText('5 tenants: 4 completed, 1 skipped').waitFor();
      await page.getByText('all of these have ended well: 1 ended well.').waitFor();
      assert.deepEqual(await states(campaignId()), { completed: 4, skipped: 1 });
      await look(page, 'campaign');
      await page.getByRole('link', { name: '1 skipped' }).click();
      const skipped = page.getByRole('row').filter({ hasText: large.tenantId.slice(0, 8) });
      await skipped.getByText('rotation in progress').waitFor();
      await page.waitForURL(/\?state=skipped$/);
      const table = page.getByRole('table', { name: 'Its tenants, in their order' });
      assert.equal(await table.locator('tbody tr').count(), 1);
      await skipped.getByRole('link', { name: rotationId.slice(0, 12) }).click();
      await page.getByRole('heading', { level: 1, name: /^Rotation rot-/ }).waitFor();
      await rekey.cancel(rotationId);
    },
  );

  await t.test('it is paused, resumed and cancelled, each with what that will do and why', async () => {
    await ada.open('/campaigns', 'Campaigns');
    await page.getByRole('button', { name: 'Start campaign…' }).click();
    await dialog.getByLabel(/^For\b/).selectOption('tenantIds');
    await dialog.getByLabel('Ids, one in a line').fill(tenants.slice(0, 3).join('\n'));
    await dialog.getByText(/^It is for 3 tenants with [\d,]+ records\.$/).waitFor();
    await dialog.getByLabel('Canaries').fill('0');
    await dialog.getByLabel('Within an hour').fill('1');
    await dialog.getByLabel('Order').selectOption('as_given');
    await start.click();
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await page.getByText('It has started as many as it may within an hour').waitFor();
    const id = campaignId();
    for (const [verb, effect, after] of [
      ['Pause', 'What it has started goes on to its end', 'paused'],
      ['Resume', 'It goes on with those who wait', 'in progress'],
      ['Cancel', 'It starts nobody more, for ever', 'cancelled'],
    ] as const) {
      await page.getByRole('button', { name: `${verb}…` }).click();
      const asked = page.getByRole('dialog', { name: verb });
      await asked.getByText(effect).waitFor();
      await asked.getByLabel('Reason').fill(`${verb} it`);
      await asked.getByRole('button', { name: verb, exact: true }).click();
      await status(after);
    }
    assert.deepEqual(await states(id), { completed: 1, waiting: 2 });
    const { rows } = await rekey.store.query<{ reason: string }>(
      `select payload ->> 'reason' as reason from rekey.events where kind in ('campaign.paused', 'campaign.resumed', 'campaign.cancelled') order by at`,
    );
    assert.deepEqual(
      rows.map(({ reason }) => reason),
      ['Pause it', 'Resume it', 'Cancel it'],
    );
    assert.equal(
      await page.locator('.heading').getByRole('button').count(),
      0,
      'of a finished one nothing is offered',
    );
  });

  await t.test(
    'one that stops by itself says why, and whoever resumes it reads what that accepts',
    async () => {
      const large = await rekey.seedTenant(6_800);
      const { data } = await client.startCampaign({
        headers: {},
        body: { tenantIds: [large.tenantId, busy], order: 'as_given', canaries: 1 },
      });
      const running = await until(
        async () =>
          (await client.listCampaignTenants({ path: data, query: { state: 'running' } })).data.tenants[0]
            ?.workId,
        { what: 'the canary is started' },
      );
      // However long a page takes: it stands still until it is cancelled.
      await client.pauseRotation({ path: { rotationId: running } });
      await ada.open(`/campaigns/${data.campaignId}`, heading);
      await page.getByText('until its canaries have ended well').waitFor();
      await rekey.cancel(running);
      // Nobody touches the page.
      await page.getByText('It stopped by itself: a canary did not end well.').waitFor();
      await page.getByText('1 did not').waitFor();
      await look(page, 'campaign-stopped');
      await page.getByRole('button', { name: 'Resume…' }).click();
      const asked = page.getByRole('dialog', { name: 'Resume' });
      await asked.getByText('the canaries count as passed').waitFor();
      await asked.getByRole('button', { name: 'Resume', exact: true }).click();
      await status('completed with failures');
    },
  );

  await t.test('lists and members go on over pages', async () => {
    const { campaignId: known } = (await client.listCampaigns({})).data.campaigns[0] ?? { campaignId: '' };
    const id = known.replace('campaign-', '');
    await pastTheTriggers(rekey.store, async (tx) => {
      await tx.query(
        `insert into rekey.campaigns select (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(),
           'started_at', c.started_at - n * interval '1 day', 'idempotency_key', null))).*
         from rekey.campaigns c, generate_series(1, 60) n where c.id = $1`,
        [id],
      );
      await tx.query(
        `insert into rekey.campaign_members select (jsonb_populate_record(m, jsonb_build_object(
           'position', 100 + n, 'tenant_id', gen_random_uuid()))).*
         from rekey.campaign_members m, generate_series(1, 60) n where m.campaign_id = $1 and m.position = 1`,
        [id],
      );
    });
    await ada.open('/campaigns', 'Campaigns');
    const rows = page.locator('main tbody tr');
    await until(async () => (await rows.count()) === 50, { what: 'a page of fifty' });
    await look(page, 'campaigns');
    await page.getByRole('link', { name: 'Older ones' }).click();
    await until(async () => (await rows.count()) === 13, { what: 'the rest of them' });
    await ada.open(`/campaigns/${known}`, heading);
    await until(async () => (await rows.count()) === 50, { what: 'a page of members' });
    await page.getByRole('link', { name: 'Further' }).click();
    await until(async () => (await rows.count()) === 12, { what: 'the rest of the members' });
    await page.waitForURL(/\?cursor=\d+$/);
  });

  await t.test(
    'who is bound to a tenant sees none, who may only look starts none, an operator steers by ids',
    async () => {
      const exp = Math.floor(Date.now() / 1_000) + 3_600;
      const tokenOf = (role: string, tenantId: string): string =>
        signHs256(rekey.jwtSecret, { sub: 'otto', roles: [role], tenantId, exp });
      const { data } = await client.startCampaign({
        headers: {},
        body: { tenantIds: tenants, perHourMax: 1 },
      });
      const bound = await visitor(browser, url);
      await bound.signIn(tokenOf('security_admin', busy), '/campaigns', 'Campaigns');
      await bound.page.getByText('They concern the whole installation').waitFor();
      const nav = bound.page.getByRole('navigation', { name: 'Pages' });
      assert.equal(await nav.getByRole('link', { name: 'Campaigns' }).count(), 0);
      const looking = await visitor(browser, url);
      await looking.signIn(tokenOf('security_auditor', '*'), `/campaigns/${data.campaignId}`, heading);
      await looking.page.getByRole('table', { name: 'Its tenants, in their order' }).waitFor();
      await looking.open('/campaigns', 'Campaigns');
      await looking.page.locator('main tbody tr').first().waitFor();
      assert.equal(await looking.page.getByRole('button', { name: '…' }).count(), 0);
      const steering = await visitor(browser, url);
      await steering.signIn(tokenOf('security_operator', '*'), `/campaigns/${data.campaignId}`, 'Steer');
      const section = steering.page.locator('section').filter({ hasText: 'A campaign' });
      await section.getByRole('button', { name: 'Pause…' }).click();
      await steering.page
        .getByRole('dialog', { name: 'Pause' })
        .getByRole('button', { name: 'Pause', exact: true })
        .click();
      await section.getByRole('status').getByText('paused').waitFor();
      await look(steering.page, 'steer-campaign');
      for (const one of [bound, looking, steering]) {
        assert.deepEqual(one.complaints, []);
        await one.context.close();
      }
    },
  );

  await t.test('no page complained', () => assert.deepEqual(ada.complaints, []));
});
