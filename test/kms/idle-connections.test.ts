/** Connections that were kept for the next call, and that the other side has given up meanwhile, told or not. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { openKek } from '@rekey/kms';
import { cuttingProxy } from '../harness/cutting-proxy.ts';
import { fourKmss } from '../harness/four-kmss.ts';
import { keyFile } from './key-files.ts';

const aad = dekWrapAad(randomUUID(), randomUUID());
const { kmss, azure } = await fourKmss(keyFile);
/** More than there are attempts of a call. */
const atOnce = 8;

for (const { name, uri, origin, fake } of kmss) {
  /** A KEK by way of a proxy, with connections that lie idle. */
  const withIdleOnes = async (t: { after(end: () => Promise<void>): void }) => {
    const proxy = await cuttingProxy(origin, t);
    if (name === 'azure-kv') Object.assign(azure, { resource: proxy.by(origin), named: proxy.by(origin) });
    const kek = await openKek(proxy.by(uri));
    t.after(() => kek.close());
    const dek = generateDek();
    const wrapped = await kek.wrap(dek, aad);
    const unwrap = async (times: number): Promise<void> => {
      const all = await Promise.all(Array.from({ length: times }, () => kek.unwrap(wrapped, aad)));
      assert.ok(all.every((one) => one.equals(dek)));
    };
    fake.slowMs = 300;
    await unwrap(atOnce);
    fake.slowMs = 0;
    return { proxy, unwrap };
  };

  for (const reuse of ['reset', 'ended', 'begun', 'swallowed'] as const)
    test(`${name}: with ${atOnce} idle connections that are ${reuse} when they are used again, no call fails`, async (t) => {
      const { proxy, unwrap } = await withIdleOnes(t);
      const { made } = proxy;
      assert.ok(made > 3, `${made} connections`);
      proxy.giveUp(reuse);
      await unwrap(1);
      await unwrap(atOnce);
      assert.ok(proxy.made > made, 'others were made');
      proxy.giveUp(reuse);
      await unwrap(atOnce);
    });

  test(`${name}: connections that the other side closes or resets while they are idle are not noticed`, async (t) => {
    const { proxy, unwrap } = await withIdleOnes(t);
    for (const how of ['ended', 'reset'] as const) {
      proxy.cutIdle(how);
      await unwrap(1);
      await unwrap(atOnce);
    }
  });

  test(`${name}: a server that closes each connection behind its answer is asked on a new one each time`, async (t) => {
    const { proxy, unwrap } = await withIdleOnes(t);
    proxy.closes = true;
    await unwrap(atOnce);
    const { made } = proxy;
    for (let n = 0; n < 4; n += 1) await unwrap(1);
    assert.ok(proxy.made >= made + 3, `${proxy.made - made} connections for 4 calls`);
  });
}
