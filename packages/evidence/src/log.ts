import { createTree, leafHash, type ReadHashes, type Tree } from './merkle.ts';

/** Where a chain stands. */
export interface ChainHead {
  readonly chain: string;
  readonly sequence: number;
  /** Of its last event, in hex. */
  readonly hash: string;
}

/** An event as a leaf of the log, and as a leaf of the tree of heads. */
export function eventLeaf({ chain, sequence, hash }: ChainHead): Buffer {
  return leafHash(Buffer.concat([idBytes(chain), eightBytes(sequence), Buffer.from(hash, 'hex')]));
}

/** Where all chains stand, as a leaf of the log. Never as many bytes as an event has. */
export function headsLeaf(count: number, root: Buffer): Buffer {
  return leafHash(Buffer.concat([Buffer.from('rekey heads'), eightBytes(count), root]));
}

/** That a chain is the installation's, as a leaf of the tree of heads. Never as many bytes as a head has. */
export function installationLeaf(chain: string): Buffer {
  return leafHash(Buffer.concat([Buffer.from('rekey installation'), idBytes(chain)]));
}

/** The tree of the heads of all chains, in the order of their ids, and last which of all chains is the installation's. */
export function headsTree(heads: readonly ChainHead[], installation: string | null = null): Tree {
  const leaves = [
    ...heads.map(eventLeaf),
    ...(installation === null ? [] : [installationLeaf(installation)]),
  ];
  const read: ReadHashes = async (_level, from, count) => leaves.slice(from, from + count);
  return createTree(leaves.length, read, Number.POSITIVE_INFINITY);
}

function idBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}

function eightBytes(count: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(count));
  return bytes;
}
