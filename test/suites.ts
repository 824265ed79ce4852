/** Parts of the tests, for whoever wants an answer sooner than all of them give one: `npm run test:fast`, `npm run test:core`. */
interface Suite {
  /** Without them the tests have neither Postgres nor Redis, and one that asks for them fails. */
  readonly servers: boolean;
  readonly files: readonly string[];
}

export const suites = {
  all: { servers: true, files: ['test/**/*.test.ts'] },
  /** What needs no server, in seconds: cryptography, parsing, documents, the map of rooms. */
  fast: {
    servers: false,
    files: [
      'test/{arrows,calendar,times}.test.ts',
      'test/cases/*.test.ts',
      'test/cli/{explain,list-of-commands}.test.ts',
      'test/client/{odd-answers,operations,retries}.test.ts',
      'test/data/packed-records.test.ts',
      'test/demo/{proof,records,rendering,screen}.test.ts',
      'test/docs/{decisions,docs,glossary,settings,suites}.test.ts',
      'test/evidence/certificates.test.ts',
      'test/evidence/coverage.test.ts',
      'test/evidence/merkle.test.ts',
      'test/evidence/second-signatures.test.ts',
      'test/evidence/stamp-command.test.ts',
      'test/evidence/stamps.test.ts',
      'test/evidence/tampered-exports.test.ts',
      'test/envelope/{dek,formats,gcm,record-cipher,record-id,reencrypt,vectors}.test.ts',
      'test/jobs/{open-again,redis-trouble,redis-url}.test.ts',
      'test/kms/{keks,key-file,local-kek}.test.ts',
      'test/rotation/adaptive-statement-limiter.test.ts',
    ],
  },
  /** What the product promises: no write lost, none under an older DEK, no end without its proof, none without its rights. */
  core: {
    servers: true,
    files: [
      'test/control/{counts,drain,guards,integrity,start-rotation,states,switch}.test.ts',
      'test/keyring/keyring.test.ts',
      'test/processes/cancel.test.ts',
      'test/rotation/{compare-and-swap,lease,plan-ranges,straight}.test.ts',
      'test/schema/{dek-guards,event-chains,events,fence,resulting-schema,rights,rotation-guards,ways-to-write}.test.ts',
      'test/vault/{put,reading}.test.ts',
    ],
  },
} as const satisfies Record<string, Suite>;

/**
 * What a clock judges while all of the machine is at work on it: how long somebody waits beside rotations, faults or hostile input.
 * Of a whole run these files come first, one after the other with nothing beside them; the others share the cores.
 */
export const alone: readonly string[] = [
  'test/chaos/short.test.ts',
  'test/processes/crash-under-load.test.ts',
  'test/drill/fire-drill.test.ts',
  'test/schema/register-large.test.ts',
  'test/schema/repair-large.test.ts',
  'test/api/linear-headers.test.ts',
];

export const isSuite = (name: string): name is keyof typeof suites => Object.hasOwn(suites, name);
