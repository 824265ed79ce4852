import type { Checkpoint } from './checkpoint.ts';
import { type AuditEvent, eventHash, isObject } from './event.ts';
import type { ChainCut, CutLeaf, InstallationProof } from './export-lines.ts';
import { eventLeaf, headsLeaf, installationLeaf } from './log.ts';
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
  /** Whether a checkpoint shows that its chain is the installation's: no other allows anything. */
  readonly isOfInstallation: boolean;
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
type Allowed = Pick<CutFound, 'size' | 'years' | 'isCovered'>;

/** What an export says of events that were cut off, held against the log and against the event that allows it. */
export function createCuts(report: Report): {
  begin(
    head: { readonly cut: ChainCut | null; readonly installation: InstallationProof | null },
    against: readonly Checkpoint[],
  ): void;
  /** One that is gone, in the order of the log. */
  leaf(leaf: CutLeaf): void;
  before(chain: string): Before | null;
  /** Each that is left. */
  event(recorded: Recorded, isCovered: boolean): void;
  /** @param leafAt of an export of everything what it has at a place that a checkpoint covers */
  end(leafAt: (index: number) => Buffer | undefined): CutFound | null;
} {
  const befores = new Map<string, Before>();
  let [gone, lastIndex] = [0, -1];
  let installation: InstallationProof | null = null;
  let isOfInstallation = false;
  // The latest of each kind: what reaches furthest.
  const allowed: { covered: Allowed | null; uncovered: Allowed | null } = { covered: null, uncovered: null };

  const allow = ({ event }: Recorded, isCovered: boolean): void => {
    const { chain, kind, payload } = event;
    if (kind !== 'audit.cut' || !isObject(payload)) return;
    const { treeSize: size, years } = payload;
    if (!Number.isSafeInteger(size) || !Number.isSafeInteger(years)) return;
    if (installation !== null && chain !== installation.chain) return;
    const known = isCovered ? 'covered' : 'uncovered';
    const one = { size: size as number, years: years as number, isCovered };
    if (one.size >= (allowed[known]?.size ?? 0)) allowed[known] = one;
  };

  return {
    begin({ cut, installation: stated }, against) {
      installation = stated;
      if (cut === null) return;
      const { last, by } = cut;
      const at = `${last.chain}/${last.sequence}`;
      befores.set(last.chain, { sequence: last.sequence, hash: last.hash });
      [gone, lastIndex] = [last.sequence, last.index];
      if (eventHash(by.event) !== by.hash) report('CHANGED', `${by.event.chain}/${by.event.sequence}`);
      const [checkpoint] = against;
      const isIn = (leaf: Buffer, { index, proof }: Shown): boolean =>
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
      if (stated !== null) {
        const leaf = headsWith(stated);
        isOfInstallation = leaf !== null && isIn(leaf, stated);
        if (checkpoint !== undefined && stated.proof !== null && !isOfInstallation)
          report('NOT_IN_LOG', String(stated.index));
      }
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
    end(leafAt) {
      if (gone === 0) return null;
      const leaf = installation === null ? undefined : leafAt(installation.index);
      if (installation !== null && leaf !== undefined) {
        isOfInstallation = headsWith(installation)?.equals(leaf) === true;
        if (!isOfInstallation) report('NOT_IN_LOG', String(installation.index));
      }
      const reaches = (one: Allowed | null): boolean => one !== null && lastIndex < one.size;
      const by = reaches(allowed.covered) ? allowed.covered : allowed.uncovered;
      if (!reaches(by)) report('CUT_NOT_PERMITTED', String(lastIndex));
      const { size, years, isCovered } = by ?? { size: 0, years: 0, isCovered: false };
      return { size, years, events: gone, chains: befores.size, isCovered, isOfInstallation };
    },
  };
}

interface Shown {
  readonly index: number | null;
  readonly proof: readonly Buffer[] | null;
}

/** The leaf of the log whose tree of heads ends with that chain as the installation's; null: no tree has such a path. */
function headsWith({ chain, count, path }: InstallationProof): Buffer | null {
  const root = rootByInclusion(installationLeaf(chain), count - 1, count, path);
  return root === null ? null : headsLeaf(count, root);
}
