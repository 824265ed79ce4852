import { createHash } from 'node:crypto';

/** RFC 9162, section 2.1: hashes of leaves, of trees, and what proves them. */
export function leafHash(data: Uint8Array): Buffer {
  return createHash('sha256').update(leafPrefix).update(data).digest();
}

function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(nodePrefix).update(left).update(right).digest();
}

const leafPrefix = Buffer.from([0]);
const nodePrefix = Buffer.from([1]);

/** Of a tree that grows leaf by leaf: few hashes are kept, however many leaves there are. */
export function createFrontier(): { push(leaf: Buffer): void; root(): Buffer } {
  // Of complete subtrees from left to right, each with its number of leaves, a power of two.
  const roots: Array<{ leaves: number; hash: Buffer }> = [];
  return {
    push(leaf) {
      let grown = { leaves: 1, hash: leaf };
      for (let last = roots.at(-1); last?.leaves === grown.leaves; last = roots.at(-1)) {
        grown = { leaves: 2 * grown.leaves, hash: nodeHash(last.hash, grown.hash) };
        roots.pop();
      }
      roots.push(grown);
    },
    root() {
      const last = roots.at(-1);
      if (last === undefined) return createHash('sha256').digest();
      return roots.slice(0, -1).reduceRight((right, { hash }) => nodeHash(hash, right), last.hash);
    },
  };
}

/** The root that follows from a leaf, its place and its path; null: no tree of that size has such a path. */
export function rootByInclusion(
  leaf: Buffer,
  index: number,
  size: number,
  path: readonly Buffer[],
): Buffer | null {
  if (!(index >= 0 && index < size)) return null;
  let [node, last] = [index, size - 1];
  let hash = leaf;
  for (const sibling of path) {
    if (last === 0) return null;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 ? hash : null;
}

/** Whether a tree of that many leaves and that root begins with the smaller one. */
export function isConsistent(
  first: { readonly size: number; readonly root: Buffer },
  second: { readonly size: number; readonly root: Buffer },
  path: readonly Buffer[],
): boolean {
  if (first.size > second.size || first.size < 1) return false;
  if (first.size === second.size) return path.length === 0 && first.root.equals(second.root);
  const isPowerOfTwo = Number.isInteger(Math.log2(first.size));
  const [start, ...rest] = isPowerOfTwo ? [first.root, ...path] : path;
  if (start === undefined) return false;
  let [node, last] = [first.size - 1, second.size - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  let [one, two] = [start, start];
  for (const hash of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      [one, two] = [nodeHash(hash, one), nodeHash(hash, two)];
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      two = nodeHash(two, hash);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && one.equals(first.root) && two.equals(second.root);
}

/** Without the 32 bits of `>>`. */
function half(count: number): number {
  return Math.floor(count / 2);
}

/** Hashes of complete subtrees of `2 ** level` leaves, from an index on: what a log keeps. */
export type ReadHashes = (level: number, from: number, count: number) => Promise<readonly Buffer[]>;

class HashMissing extends Error {
  override readonly name = 'HashMissing';
}

/** Null where the log lacks a hash that it should have: somebody took it away. */
export function unlessMissing<Value>(proof: Promise<Value>): Promise<Value | null> {
  return proof.catch((error: unknown) => {
    if (error instanceof HashMissing) return null;
    throw error;
  });
}

export interface Tree {
  root(): Promise<Buffer>;
  /** The path of a leaf. */
  inclusion(index: number): Promise<Buffer[]>;
  /** What shows that the tree of that many first leaves is the beginning of this one. */
  consistency(size: number): Promise<Buffer[]>;
}

const hashesMax = 20_000;

/** A tree of that size, of which as much is read as a question takes. `read` has every so many levels, from the leaves on. */
export function createTree(size: number, read: ReadHashes, keptEvery = 8): Tree {
  // By level and index; what was read or computed last is likely to be asked for again.
  const known = new Map<string, Buffer>();

  async function subtree(level: number, index: number): Promise<Buffer> {
    const found = known.get(`${level}/${index}`);
    if (found !== undefined) return found;
    if (level % keptEvery === 0) {
      await readBlock(level, index);
      const hash = known.get(`${level}/${index}`);
      if (hash === undefined) throw new HashMissing(`The log has no hash ${index} of level ${level}`);
      return hash;
    }
    const hash = nodeHash(await subtree(level - 1, 2 * index), await subtree(level - 1, 2 * index + 1));
    known.set(`${level}/${index}`, hash);
    return hash;
  }

  async function readBlock(level: number, index: number): Promise<void> {
    if (known.size > hashesMax) known.clear();
    const from = index - (index % 256);
    const count = Math.min(256, Math.floor(size / 2 ** level) - from);
    for (const [n, hash] of (await read(level, from, count)).entries())
      known.set(`${level}/${from + n}`, hash);
  }

  async function range(start: number, end: number): Promise<Buffer> {
    const level = Math.log2(end - start);
    if (Number.isInteger(level)) return subtree(level, start / (end - start));
    const middle = start + splitOf(end - start);
    return nodeHash(await range(start, middle), await range(middle, end));
  }

  async function path(index: number, start: number, end: number): Promise<Buffer[]> {
    if (end - start === 1) return [];
    const middle = start + splitOf(end - start);
    return index < middle
      ? [...(await path(index, start, middle)), await range(middle, end)]
      : [...(await path(index, middle, end)), await range(start, middle)];
  }

  async function growth(first: number, start: number, end: number, isWhole: boolean): Promise<Buffer[]> {
    if (first === end - start) return isWhole ? [] : [await range(start, end)];
    const split = splitOf(end - start);
    const middle = start + split;
    return first <= split
      ? [...(await growth(first, start, middle, isWhole)), await range(middle, end)]
      : [...(await growth(first - split, middle, end, false)), await range(start, middle)];
  }

  return {
    root: async () => (size === 0 ? createFrontier().root() : range(0, size)),
    inclusion: (index) => path(index, 0, size),
    consistency: (first) => growth(first, 0, size, true),
  };
}

/** The largest power of two below. */
function splitOf(leaves: number): number {
  return 2 ** Math.ceil(Math.log2(leaves) - 1);
}
