import {
  cutLeaves,
  headsAfter,
  headsInLog,
  installationChain,
  lastCutOf,
  latestCut,
  listCheckpoints,
  listEvents,
  logHeadsAt,
  readEvents,
  readLogHashes,
} from '@rekey/control';
import type { Store } from '@rekey/db';
import { createTree, headsTree, unlessMissing } from '@rekey/evidence';
import type { Audit, Proofs } from './dependencies.ts';

/** What is read of the audit, bound to one pool. */
export function connectAudit(store: Store): Audit {
  return {
    list: (filter, page) => listEvents(store, filter, page),
    read: (filter) => readEvents(store, filter),
    checkpoints: (page) => listCheckpoints(store, page),
    proofs: (size) => proofsOf(store, size),
  };
}

const headsAtOnce = 1_000;

function proofsOf(store: Store, size: number): Proofs {
  const tree = createTree(size, (level, from, count) => readLogHashes(store, level, from, count));
  return {
    ofEvent: (index) => unlessMissing(tree.inclusion(index)),
    async ofHead(chain) {
      // A checkpoint's last leaf says where all chains stood.
      const inLog = await headsInLog(store, size - 1);
      const heads = await logHeadsAt(store, size);
      const place = heads.findIndex((head) => head.chain === chain);
      const head = heads[place];
      if (inLog === null || head === undefined) return null;
      const logPath = await unlessMissing(tree.inclusion(size - 1));
      if (logPath === null) return null;
      const named = inLog.count > heads.length ? await installationChain(store) : null;
      const path = await headsTree(heads, named).inclusion(place);
      return { sequence: head.sequence, hash: head.hash, place, count: inLog.count, path, logPath };
    },
    async ofCut(chain) {
      const cut = await latestCut(store);
      const last = cut === null ? null : await lastCutOf(store, chain, cut.cutTo);
      if (cut === null || last === null) return null;
      const proofOf = async (index: number | null): Promise<Buffer[] | null> =>
        index === null || index >= size ? null : unlessMissing(tree.inclusion(index));
      const { event, hash, index } = cut.event;
      return {
        last: { ...last, proof: await proofOf(last.index) },
        by: { event, hash, index, proof: await proofOf(index) },
      };
    },
    async ofInstallation() {
      const cut = await latestCut(store);
      if (cut === null || cut.event.index === null) return null;
      const chain = cut.event.event.chain;
      // The first behind the cut is under every checkpoint that covers the cut.
      const [first] = await headsAfter(store, cut.event.index, 1);
      const last = await headsInLog(store, size - 1);
      const inLog = [first, last === null ? undefined : { index: size - 1, ...last }];
      for (const at of inLog.filter((heads) => heads !== undefined)) {
        const heads = await logHeadsAt(store, at.index);
        // A version before this one did not say which chain is the installation's.
        if (at.count === heads.length) continue;
        const path = await headsTree(heads, chain).inclusion(heads.length);
        const proof = at.index < size ? await unlessMissing(tree.inclusion(at.index)) : null;
        return { chain, index: at.index, count: at.count, path, proof };
      }
      return null;
    },
    async *cut() {
      const cut = await latestCut(store);
      for (let last = -1; cut !== null; ) {
        const page = await cutLeaves(store, last, cut.cutTo, headsAtOnce);
        if (page.length > 0) yield page;
        if (page.length < headsAtOnce) return;
        last = page.at(-1)?.index ?? last;
      }
    },
    async *heads(after) {
      for (let last = after; ; ) {
        const page = await headsAfter(store, last, headsAtOnce);
        if (page.length > 0) yield page;
        if (page.length < headsAtOnce) return;
        last = page.at(-1)?.index ?? last;
      }
    },
  };
}
