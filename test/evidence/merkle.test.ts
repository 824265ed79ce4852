import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import {
  createFrontier,
  createTree,
  headsTree,
  isConsistent,
  leafHash,
  pinnedKey,
  readCheckpoints,
  rootByInclusion,
  signCheckpoint,
  signerOf,
  signerOfCheckpoint,
  unlessMissing,
} from '@rekey/evidence';

/** RFC 9162's definition, word by word and slowly. */
function rootOf(leaves: readonly Buffer[]): Buffer {
  const [only, ...others] = leaves;
  if (only === undefined) return createHash('sha256').digest();
  if (others.length === 0) return only;
  let split = 1;
  while (2 * split < leaves.length) split *= 2;
  const [left, right] = [rootOf(leaves.slice(0, split)), rootOf(leaves.slice(split))];
  return createHash('sha256')
    .update(Buffer.concat([Buffer.from([1]), left, right]))
    .digest();
}

const leaves = Array.from({ length: 70_000 }, (_, n) => leafHash(Buffer.from(`leaf ${n}`)));
const kept = new Map<string, Buffer>();
/** As a log keeps it: leaves, and every eighth level. */
const treeOf = (size: number) =>
  createTree(size, async (level, from, count) => {
    assert.ok(level % 8 === 0 && count >= 1 && count <= 256 && (from + count) * 2 ** level <= size);
    return Array.from({ length: count }, (_, n) => {
      const [start, key] = [(from + n) * 2 ** level, `${level}/${from + n}`];
      const hash = kept.get(key) ?? rootOf(leaves.slice(start, start + 2 ** level));
      kept.set(key, hash);
      return hash;
    });
  });

test('roots are those of the vectors that implementations of RFC 6962 share', () => {
  const inputs = [
    '',
    '00',
    '10',
    '2021',
    '3031',
    '40414243',
    '5051525354555657',
    '606162636465666768696a6b6c6d6e6f',
  ];
  const roots = [
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ];
  const frontier = createFrontier();
  assert.equal(frontier.root().toString('hex'), roots[0]);
  for (const [n, input] of inputs.entries()) {
    frontier.push(leafHash(Buffer.from(input, 'hex')));
    assert.equal(frontier.root().toString('hex'), roots[n + 1]);
  }
});

test('of every small tree every inclusion and consistency is proved, and no other by the same path', async () => {
  for (let size = 1; size <= 40; size += 1) {
    const root = rootOf(leaves.slice(0, size));
    const tree = treeOf(size);
    assert.deepEqual(await tree.root(), root);
    for (let n = 0; n < size; n += 1) {
      const [leaf = root, path] = [leaves[n], await tree.inclusion(n)];
      assert.deepEqual(rootByInclusion(leaf, n, size, path), root, `${n} of ${size}`);
      for (const other of [n - 1, n + 1, size])
        assert.notDeepEqual(rootByInclusion(leaf, other, size, path), root, `${n} as ${other} of ${size}`);
      assert.notDeepEqual(rootByInclusion(leaf, n, size, [...path, root]), root);
      assert.notDeepEqual(rootByInclusion(leaves[n + 1] ?? root, n, size, path), root);
      if (path.length > 0) assert.notDeepEqual(rootByInclusion(leaf, n, size, path.slice(1)), root);
    }
    for (let first = 1; first <= size; first += 1) {
      const [before, after] = [
        { size: first, root: rootOf(leaves.slice(0, first)) },
        { size, root },
      ];
      const path = await tree.consistency(first);
      assert.ok(isConsistent(before, after, path), `${first} of ${size}`);
      assert.ok(!isConsistent({ ...before, root: leafHash(root) }, after, path));
      assert.ok(!isConsistent(before, { ...after, root: leafHash(root) }, path));
      assert.ok(!isConsistent(before, after, [...path, root]));
    }
  }
});

test('a large tree is read by blocks, over three levels of them', async () => {
  const size = leaves.length;
  const frontier = createFrontier();
  for (const leaf of leaves) frontier.push(leaf);
  const root = frontier.root();
  const tree = treeOf(size);
  assert.deepEqual(await tree.root(), root);
  for (const n of [0, 255, 256, 65_535, 65_536, size - 1]) {
    assert.deepEqual(rootByInclusion(leaves[n] ?? root, n, size, await tree.inclusion(n)), root, `${n}`);
    const first = { size: n + 1, root: await treeOf(n + 1).root() };
    assert.ok(isConsistent(first, { size, root }, await tree.consistency(n + 1)), `${n}`);
  }
});

test('a tree of heads is that of its leaves; where a hash is missing there is no proof', async () => {
  const heads = Array.from({ length: 300 }, (_, n) => ({
    chain: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    sequence: n + 1,
    hash: createHash('sha256').update(`${n}`).digest('hex'),
  }));
  const leaf = ({ chain, sequence, hash }: (typeof heads)[number]): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(BigInt(sequence));
    return leafHash(Buffer.from(`${chain.replaceAll('-', '')}${bytes.toString('hex')}${hash}`, 'hex'));
  };
  assert.deepEqual(await headsTree(heads).root(), rootOf(heads.map(leaf)));
  assert.equal(await unlessMissing(createTree(300, async () => []).root()), null);
  await assert.rejects(
    unlessMissing(createTree(300, () => Promise.reject(new Error('away'))).root()),
    /away/,
  );
});

const origin = 'rekey.dev/log/550e8400-e29b-41d4-a716-446655440001';
const root = rootOf(leaves.slice(0, 7));

test('a checkpoint is a signed note, in the form of C2SP, and nobody else’s', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const note = await signCheckpoint({ origin, size: 7, root }, signerOf(privateKey));
  const [first, second, third, blank, signature = ''] = note.split('\n');
  assert.deepEqual([first, second, third, blank], [origin, '7', root.toString('base64'), '']);
  const bytes = Buffer.from(signature.replace(`— ${origin} `, ''), 'base64');
  const raw = Buffer.from((publicKey as KeyObject).export({ format: 'jwk' }).x ?? '', 'base64url');
  const keyId = createHash('sha256')
    .update(Buffer.concat([Buffer.from(`${origin}\n\u0001`), raw]))
    .digest();
  assert.deepEqual(bytes.subarray(0, 4), keyId.subarray(0, 4));
  assert.equal(bytes.length, 4 + 64);

  const keys = [pinnedKey(publicKey)];
  const [read] = readCheckpoints(note);
  assert.ok(read);
  assert.deepEqual([read.origin, read.size, read.root], [origin, 7, root]);
  assert.equal(signerOfCheckpoint(read, keys)?.kid, keys[0]?.kid);
  const other = pinnedKey(generateKeyPairSync('ed25519').publicKey);
  assert.equal(signerOfCheckpoint(read, [other]), null);
  const compromised = keys.map((key) => ({ ...key, compromisedAt: new Date() }));
  assert.equal(signerOfCheckpoint(read, compromised), null);
  for (const changed of [note.replace('\n7\n', '\n8\n'), note.replace('0001\n7', '0002\n7')]) {
    const [forged] = readCheckpoints(changed);
    assert.ok(forged && signerOfCheckpoint(forged, keys) === null);
  }
});

test('of a file with several, and what a writer that was cut off left, all whole ones are read', async () => {
  const by = signerOf(generateKeyPairSync('ed25519').privateKey);
  const notes = await Promise.all([3, 5, 8].map((size) => signCheckpoint({ origin, size, root }, by)));
  const [one = '', two = '', three = ''] = notes;
  for (let cut = 1; cut < two.length; cut += 7) {
    const text = `\n${one}\n${two.slice(0, cut)}\n${three}`;
    const sizes = readCheckpoints(text).map(({ size }) => size);
    assert.ok(sizes.includes(3) && sizes.at(-1) === 8, text);
  }
  assert.deepEqual(readCheckpoints('hello\n'), []);
});
