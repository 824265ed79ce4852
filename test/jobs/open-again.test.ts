import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createOpener } from '../../packages/jobs/src/open-again.ts';
import { sealSnapshot } from '../../packages/jobs/src/snapshot-seal.ts';

const seal = createSecretKey(randomBytes(32));
const of = { rotationId: 'a', tenantId: 't' };
const sealed = (version: number, view: object, rotation = of, key = seal): string =>
  sealSnapshot(key, { ...rotation, version, final: false, view: JSON.stringify(view) });

test('a text that was opened is not proved and parsed again, and every other one is', () => {
  let parsed = 0;
  const open = createOpener((json) => {
    parsed += 1;
    return json;
  });
  const first = sealed(1, { n: 1 });
  for (let read = 0; read < 3; read += 1)
    assert.deepEqual(open(seal, of, first), { version: 1, final: false, view: { n: 1 } });
  assert.equal(parsed, 1);
  const second = sealed(2, { n: 2 });
  assert.deepEqual(open(seal, of, second)?.view, { n: 2 });
  assert.equal(parsed, 2);

  // Nothing is believed because something else was: neither a forgery, nor a text of another tenant, rotation or key.
  const forged = second.replace('{"n":2}', '{"n":3}');
  assert.notEqual(forged, second);
  assert.equal(open(seal, of, forged), null);
  assert.equal(open(seal, { ...of, tenantId: 'u' }, second), null);
  assert.equal(open(seal, { ...of, rotationId: 'b' }, second), null);
  assert.equal(open(createSecretKey(randomBytes(32)), of, second), null);
  assert.deepEqual(open(seal, of, second)?.view, { n: 2 });
  assert.equal(open(seal, of, first)?.version, 1);
});

test('what is kept is bounded in number and in size', () => {
  let parsed = 0;
  const open = createOpener((json) => {
    parsed += 1;
    return json;
  });
  const large = sealed(1, { text: 'x'.repeat(5_000) });
  open(seal, of, large);
  open(seal, of, large);
  assert.equal(parsed, 2);
  const texts = Array.from({ length: 2_001 }, (_, n) => {
    const rotation = { rotationId: `${n}`, tenantId: 't' };
    return { rotation, text: sealed(1, { n }, rotation) };
  });
  for (const { rotation, text } of texts) open(seal, rotation, text);
  parsed = 0;
  const [first] = texts;
  assert.ok(first !== undefined);
  open(seal, first.rotation, first.text);
  assert.equal(parsed, 1, 'the oldest is gone');
  for (const { rotation, text } of texts.slice(2)) open(seal, rotation, text);
  assert.equal(parsed, 1, 'the others are not');
});
