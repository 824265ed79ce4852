/**
 * `npm run console:figures -- MINUTES`: the console before a large fleet, in a real browser: when each page has its first content and its
 * data, how long an interaction takes until the next paint, and what the heap does while a rotation is followed, for so many minutes (4).
 * It is no test: what it measures is this machine too.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CDPSession, Page } from 'playwright-core';
import { installation } from '../harness/installation.ts';
import { openBrowser, skipWithoutBrowser } from './browser.ts';
import { visitor } from './console-pages.ts';
import { copyFleet } from './large-fleet.ts';

const minutes = Number(process.env.MINUTES ?? 4);
const heapEveryMs = 10_000;
const stillMaxMs = 120_000;
/** The rotation that is followed takes longer than everything here. */
const perSecond = 20;

/** What the browser itself measured of this page: first paint of content, and each interaction until its next paint. */
const observe = `
  globalThis.measured = { content: null, interactions: [] };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntriesByName('first-contentful-paint')) measured.content = entry.startTime;
  }).observe({ type: 'paint', buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.interactionId) measured.interactions.push([entry.interactionId, entry.duration]);
  }).observe({ type: 'event', durationThreshold: 16, buffered: true });`;

interface Measured {
  readonly content: number | null;
  readonly interactions: ReadonlyArray<readonly [id: number, ms: number]>;
}

const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0;
const ms = (value: number): string => `${Math.round(value)} ms`;
const mb = (bytes: number): string => `${(bytes / 1_000_000).toFixed(2)} MB`;

test('the console before a large fleet', {
  skip: skipWithoutBrowser,
  timeout: (minutes + 20) * 60_000,
}, async (t) => {
  const rekey = await installation({ workerEnv: { ITEMS_PER_SECOND_MAX: '400' } });
  const { tenantId } = await rekey.seedTenant(17);
  const first = (await rekey.rotate(tenantId)).body.data.rotationId;
  await rekey.ended(first);
  const fleet = await copyFleet(rekey, tenantId, first);
  t.diagnostic(`${fleet.tenants} tenants, ${fleet.rotations} rotations, ${fleet.events} events`);
  const large = await rekey.seedTenant(Math.max(1_700, minutes * 60 * perSecond * 3));
  const followed = (await rekey.rotate(large.tenantId)).body.data.rotationId;
  const slowed = await fetch(`${rekey.apis[0]?.url}/api/v1/admin/dek/rotations/${followed}`, {
    method: 'PATCH',
    headers: { authorization: `Bearer ${rekey.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ itemsPerSecondMax: perSecond }),
  });
  assert.equal(slowed.status, 200);

  const browser = await openBrowser();
  const ada = await visitor(browser, rekey.apis[0]?.url ?? '');
  const { page } = ada;
  // A machine on which everything stands still for a minute spoils figures, and no measurement that lasts for ten.
  page.setDefaultTimeout(stillMaxMs);
  await page.addInitScript(observe);
  await ada.signIn(rekey.token, '', 'Now');
  const read = (): Promise<Measured> => page.evaluate<Measured>('measured');

  const pages: ReadonlyArray<[path: string, heading: RegExp, data: string]> = [
    ['', /^Now/, '.sentences'],
    ['/rotations', /^Rotations/, 'tbody tr'],
    [`/rotations/${followed}`, /^Rotation/, '.strip'],
    [`/tenants/${tenantId}`, /^Tenant/, 'tbody tr'],
    ['/keys', /^Keys/, 'tbody tr'],
    ['/campaigns', /^Campaigns/, '.empty'],
    ['/policy', /^Default policy/, 'tbody tr'],
    ['/fleet', /^Fleet/, '.histogram'],
    ['/audit', /^Audit/, 'tbody tr'],
    ['/health', /^Health/, 'tbody tr'],
  ];
  for (const [path, heading, data] of pages) {
    const contents: number[] = [];
    const datas: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      await ada.open(path, heading);
      await page.locator(data).first().waitFor();
      datas.push(await page.evaluate<number>('performance.now()'));
      contents.push((await read()).content ?? Number.NaN);
    }
    t.diagnostic(
      `${path === '' ? '/' : path.replace(/[0-9a-f]{8}-.*/, '…')}: first content ${ms(percentile(contents, 0.5))}, data ${ms(percentile(datas, 0.5))} (the slowest of 5: ${ms(Math.max(...datas))})`,
    );
  }

  const interactions = await interact(page, tenantId, read);
  t.diagnostic(
    `${interactions.length} interactions to the next paint: median ${ms(percentile(interactions, 0.5))}, p95 ${ms(percentile(interactions, 0.95))}, the slowest ${ms(Math.max(...interactions))}`,
  );

  await ada.open(`/rotations/${followed}`, /^Rotation/);
  await page.getByText('live', { exact: true }).waitFor();
  const heaps = await heapsOf(await ada.context.newCDPSession(page));
  t.diagnostic(
    `heap while a rotation is followed for ${minutes} min: ${mb(heaps[0] ?? 0)} at first, ${mb(heaps.at(-1) ?? 0)} in the end, between ${mb(Math.min(...heaps))} and ${mb(Math.max(...heaps))}`,
  );
  assert.deepEqual(ada.complaints, []);
});

/** What somebody does who looks around, by mouse and by keyboard; how long each interaction took. */
async function interact(page: Page, tenantId: string, read: () => Promise<Measured>): Promise<number[]> {
  for (let round = 0; round < 4; round += 1) {
    for (const name of ['Rotations', 'Keys', 'Fleet', 'Audit', 'Health', 'Now']) {
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true }).click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
      await page.waitForTimeout(300);
    }
    await page.getByRole('link', { name: 'Keys', exact: true }).click();
    await page.getByLabel('Tenant').click();
    await page.getByLabel('Tenant').pressSequentially(tenantId, { delay: 20 });
    await page.keyboard.press('Enter');
    await page.getByRole('link', { name: /^dek-/ }).first().click();
    await page.getByText('Nothing new is sealed under it').waitFor();
    await page.goBack();
    await page.getByRole('link', { name: 'Now', exact: true }).click();
    await page.getByRole('button', { name: 'Pause…' }).first().click();
    await page.getByLabel('Reason').pressSequentially('a reason of some length', { delay: 20 });
    await page.keyboard.press('Escape');
  }
  // An interaction is several events; the longest of them counts. Those below 16 ms are not told.
  const longest = new Map<number, number>();
  for (const [id, took] of (await read()).interactions) longest.set(id, Math.max(longest.get(id) ?? 0, took));
  return [...longest.values()];
}

/** Used bytes of the heap, every ten seconds, each behind a full collection; the first minute is for getting warm. */
async function heapsOf(devtools: CDPSession): Promise<number[]> {
  const heaps: number[] = [];
  const warm = Math.min(6, Math.floor((minutes * 60_000) / heapEveryMs / 4));
  for (let at = 0; at < (minutes * 60_000) / heapEveryMs; at += 1) {
    await new Promise((resolve) => setTimeout(resolve, heapEveryMs));
    await devtools.send('HeapProfiler.collectGarbage');
    const { usedSize } = await devtools.send('Runtime.getHeapUsage');
    if (at >= warm) heaps.push(usedSize);
  }
  return heaps;
}
