import type { PartyName } from './parties.ts';

/** A safeguard taken out of a database's functions, or of statements: some schedule must show that it is gone. */
export interface Mutant {
  readonly name: string;
  readonly changes: ReadonlyArray<{ readonly fn: string; readonly from: RegExp; readonly to: string }>;
  /** Instead: what becomes of the statements of the sweep. */
  readonly statement?: { readonly from: RegExp; readonly to: string };
  /** Of whom it takes all to show; else any cast. */
  readonly cast?: readonly PartyName[];
}

const fence = 'rekey.fence_secrets()';
const hold = 'rekey.hold_dek(uuid)';
const drain = 'rekey.drain_older(uuid,boolean)';

export const mutants: readonly Mutant[] = [
  {
    name: 'proof before the drain',
    changes: [
      {
        fn: 'rekey.prove_secrets(uuid,integer,uuid,integer)',
        from: /not exists \(\s*select from rekey\.dek_locks l where [^)]*\)/g,
        to: '(true or $&)',
      },
    ],
    cast: ['switch', 'writer', 'sweep'],
  },
  {
    name: 'no comparison in the sweep',
    changes: [],
    statement: {
      from: / and substring\(t\.\S+ from 1 for \$15::int\) = w\.seen(?=\s+returning)/,
      to: '',
    },
  },
  {
    name: 'no share lock',
    changes: [
      { fn: fence, from: /for share of l/g, to: '' },
      { fn: hold, from: /for share of l/g, to: '' },
    ],
  },
  {
    name: 'a closed lock is not looked at again',
    changes: [
      { fn: fence, from: /and l\.closed_at is null/g, to: '' },
      { fn: hold, from: /and l\.closed_at is null/g, to: '' },
    ],
  },
  {
    name: 'the drain waits for who holds a lock',
    changes: [{ fn: drain, from: /for update of o skip locked/, to: '' }],
  },
  {
    name: 'the fence passes every key',
    changes: [{ fn: fence, from: /continue when found;/g, to: 'continue;' }],
  },
];
