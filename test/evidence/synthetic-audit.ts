import { createHash, generateKeyPairSync } from 'node:crypto';
import {
  type AuditEvent,
  createTree,
  csvHead,
  csvLine,
  eventHash,
  exportEnd,
  exportHead,
  exportHeads,
  exportLine,
  headsTree,
  pinnedKey,
  readCheckpoints,
  signCheckpoint,
  signerOf,
} from '@rekey/evidence';
import { eventLeaf, headsLeaf } from '../../packages/evidence/src/log.ts';

/** The same numbers for the same seed, from 0 up to 1. */
export function randomBy(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Logged {
  readonly event: AuditEvent;
  readonly hash: string;
  index: number | null;
}

const uuidOf = (text: string): string => {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};
/** What differs in bytes and hardly to the eye, and what spreadsheets and parsers of JSON take for something else. */
const words = [
  ...[
    'Eve',
    'eve',
    'café',
    'cafe\u0301',
    'Å',
    'Å',
    'ﬁ',
    'I',
    'ı',
    'a"b',
    'a\\b',
    '=1+1',
    "'=1+1",
    '-1',
    '@x',
    '\t',
    'a,b',
  ],
  ...[
    'a\r\nb',
    '',
    ' ',
    ' a',
    'a ',
    '\u2028',
    '\ufffd',
    '\u0000',
    '𝔞',
    'null',
    'true',
    '1',
    '1.0',
    '1e3',
    '{"event":1}',
  ],
];
const numbers = [0, 1, 10, 1e21, 1e-7, 0.1, 1.5, -1, 9007199254740991, 100];

/**
 * An audit as an installation exports it, made without one: so many events of three tenants and the installation, under two
 * checkpoints, and some that are newer.
 */
export async function syntheticAudit(seed: number, count: number) {
  const random = randomBy(seed);
  const pick = <Value>(from: readonly Value[]): Value => from[Math.floor(random() * from.length)] as Value;
  const chains = ['installation', 'a', 'b', 'c'].map((name) => uuidOf(`${seed} ${name}`));
  const [installation = ''] = chains;
  const heads = new Map<string, { chain: string; sequence: number; hash: string }>();
  const events: Logged[] = [];
  const leaves: Buffer[] = [];
  const others: Array<{ index: number; count: number; root: Buffer }> = [];
  const notes: string[] = [];
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');

  function record(isLogged: boolean): void {
    const chain = pick(chains);
    const before = heads.get(chain);
    const event: AuditEvent = {
      actor: { kind: 'user', realm: pick([null, ...words]), id: pick(words) || 'x', nameHash: null },
      at: `2026-11-30T00:00:${String(events.length % 60).padStart(2, '0')}.${String(events.length % 1_000_000).padStart(6, '0')}Z`,
      chain,
      databaseRole: pick(words),
      kind: pick(['rotation.requested', 'key.compromised', 'test.event', ...words]),
      payload: {
        n: pick(numbers),
        list: [pick(numbers), pick(words), null, true],
        [pick(words)]: { [pick(words)]: pick(words) },
      },
      previous: before?.hash ?? '0'.repeat(64),
      rotationId: pick([null, uuidOf(String(events.length))]),
      sequence: (before?.sequence ?? 0) + 1,
      version: 1,
    };
    const head = { chain, sequence: event.sequence, hash: eventHash(event) };
    heads.set(chain, head);
    events.push({ event, hash: head.hash, index: isLogged ? leaves.length : null });
    if (isLogged) leaves.push(eventLeaf(head));
  }
  const sorted = () => [...heads.values()].sort((a, b) => (a.chain < b.chain ? -1 : 1));
  async function sign(): Promise<void> {
    const tree = headsTree(sorted(), installation);
    const [index, root] = [leaves.length, await tree.root()];
    others.push({ index, count: heads.size + 1, root });
    leaves.push(headsLeaf(heads.size + 1, root));
    const signed = {
      origin: 'rekey.dev/log/0011223344556677',
      size: leaves.length,
      root: await treeOf().root(),
    };
    notes.push(await signCheckpoint(signed, signerOf(privateKey)));
  }
  const treeOf = () => {
    const levels = [leaves];
    for (let below = leaves; below.length > 1; levels.push(below))
      below = Array.from({ length: below.length >> 1 }, (_, n) =>
        createHash('sha256')
          .update(Buffer.concat([Buffer.from([1]), below[2 * n] as Buffer, below[2 * n + 1] as Buffer]))
          .digest(),
      );
    return createTree(
      leaves.length,
      async (level, from, many) => levels[level]?.slice(from, from + many) ?? [],
    );
  };

  for (let n = 0; n < count; n += 1) {
    record(true);
    if (n === Math.floor(count / 2)) await sign();
  }
  await sign();
  const [covered, tree, atEnd] = [leaves.length, treeOf(), sorted()];
  const note = notes.at(-1) ?? '';
  for (let n = 0; n < 20; n += 1) record(n < 10);

  const tenant = chains[1] ?? '';
  const proved = async (index: number | null) =>
    index !== null && index < covered ? tree.inclusion(index) : null;
  const place = atEnd.findIndex(({ chain }) => chain === tenant);
  const head = {
    ...(atEnd[place] as (typeof atEnd)[number]),
    place,
    count: atEnd.length + 1,
    path: await headsTree(atEnd, installation).inclusion(place),
    logPath: await tree.inclusion(covered - 1),
  };
  const { chain: _, ...headProof } = head;
  type Line = readonly [line: string, record: Logged | null];
  const exported = async (chain: string | null, kind: string | null): Promise<Line[]> => {
    const wanted = events
      .filter(
        ({ event }) => (chain === null || event.chain === chain) && (kind === null || event.kind === kind),
      )
      .sort(({ event: a }, { event: b }) =>
        a.chain === b.chain ? a.sequence - b.sequence : a.chain < b.chain ? -1 : 1,
      );
    const isOfAll = chain === null && kind === null;
    const lines: Line[] = [
      [
        exportHead({
          chain,
          isFiltered: kind !== null,
          checkpoint: note,
          head: chain !== null && kind === null ? headProof : null,
        }),
        null,
      ],
    ];
    for (const one of wanted)
      lines.push([exportLine(one, isOfAll ? undefined : await proved(one.index)), one]);
    if (isOfAll) for (const one of others) lines.push([exportHeads(one), null]);
    return [...lines, [exportEnd(wanted.length), null]];
  };
  const forms: Record<string, string[]> = {};
  for (const [name, chain, kind] of [
    ['everything', null, null],
    ['chain', tenant, null],
    ['filtered', null, 'test.event'],
  ] as const) {
    const lines = await exported(chain, kind);
    forms[name] = lines.map(([line]) => `${line}\n`);
    forms[`${name}, CSV`] = [csvHead, ...lines.map(([line, one]) => csvLine(line, one))];
  }
  const trust = {
    checkpoints: readCheckpoints(notes.join('\n')),
    keys: [pinnedKey(publicKey)],
    witnesses: [],
  };
  return { forms, trust, covered, random, pick };
}
export type SyntheticAudit = Awaited<ReturnType<typeof syntheticAudit>>;
