import type { Checkpoint } from './checkpoint.ts';
import { type AuditEvent, eventHash, isObject } from './event.ts';
import type { ChainCut, CutLeaf } from './export-lines.ts';
import { eventLeaf } from './log.ts';
import { rootByInclusion } from './merkle.ts';

/** That events are gone because they were older than they are to be kept. */
export interface CutFound {
  /** The size of the log at the checkpoint at which they were cut off. */
  readonly size: number;
  readonly years: number;
  /** So many are gone, of so many chains; of the export of one chain the sequence of the last one. */
  readonly events: number;
  readonly chains: number;
  /** Whether the event that says so is under a checkpoint. */
  readonly isCovered: boolean;
}

type Report = (code: 'NOT_IN_LOG' | 'CUT_NOT_PERMITTED' | 'OUT_OF_PLACE' | 'CHANGED', at: string) => void;

interface Recorded {
  readonly event: AuditEvent;
  readonly hash: string;
}
/** Where a chain stands before the first event that is left of it. */
interface Before {
  readonly sequence: number;
  readonly hash: string;
}

/** What an export says of events that were cut off, held against the log and against the event that allows it. */
export function createCuts(report: Report): {
  begin(head: { readonly cut: ChainCut | null }, against: readonly Checkpoint[]): void;
  /** One that is gone, in the order of the log. */
  leaf(leaf: CutLeaf): void;
  before(chain: string): Before | null;
  /** Each that is left. */
  event(recorded: Recorded, isCovered: boolean): void;
  end(): CutFound | null;
} {
  const befores = new Map<string, Before>();
  let [gone, lastIndex] = [0, -1];
  let allowed: Pick<CutFound, 'size' | 'years' | 'isCovered'> | null = null;

  /** By the latest. */
  const allow = ({ event }: Recorded, isCovered: boolean): void => {
    const { kind, payload } = event;
    if (kind !== 'audit.cut') return;
    if (!isObject(payload) || typeof payload.treeSize !== 'number' || typeof payload.years !== 'number')
      return;
    if (allowed === null || payload.treeSize >= allowed.size)
      allowed = { size: payload.treeSize, years: payload.years, isCovered };
  };

  return {
    begin({ cut }, against) {
      if (cut === null) return;
      const { last, by } = cut;
      const at = `${last.chain}/${last.sequence}`;
      befores.set(last.chain, { sequence: last.sequence, hash: last.hash });
      [gone, lastIndex] = [last.sequence, last.index];
      if (eventHash(by.event) !== by.hash) report('CHANGED', `${by.event.chain}/${by.event.sequence}`);
      const [checkpoint] = against;
      const isIn = (
        leaf: Buffer,
        { index, proof }: { index: number | null; proof: readonly Buffer[] | null },
      ) =>
        checkpoint !== undefined &&
        index !== null &&
        proof !== null &&
        rootByInclusion(leaf, index, checkpoint.size, proof)?.equals(checkpoint.root) === true;
      // Without a checkpoint it is as good as all the rest.
      if (checkpoint !== undefined && !isIn(eventLeaf(last), last)) report('NOT_IN_LOG', at);
      const { chain, sequence } = by.event;
      const isCovered = isIn(eventLeaf({ chain, sequence, hash: by.hash }), by);
      if (checkpoint !== undefined && by.proof !== null && !isCovered)
        report('NOT_IN_LOG', `${chain}/${sequence}`);
      allow(by, isCovered);
    },
    leaf({ chain, sequence, hash, index }) {
      const before = befores.get(chain);
      if (sequence !== (before?.sequence ?? 0) + 1 || index <= lastIndex)
        report('OUT_OF_PLACE', `${chain}/${sequence}`);
      befores.set(chain, { sequence, hash });
      [gone, lastIndex] = [gone + 1, index];
    },
    before: (chain) => befores.get(chain) ?? null,
    event: allow,
    end() {
      if (gone === 0) return null;
      const isAllowed = allowed !== null && lastIndex < allowed.size;
      if (!isAllowed) report('CUT_NOT_PERMITTED', String(lastIndex));
      const { size, years, isCovered } = allowed ?? { size: 0, years: 0, isCovered: false };
      return { size, years, events: gone, chains: befores.size, isCovered };
    },
  };
}
