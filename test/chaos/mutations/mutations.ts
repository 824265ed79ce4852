import type { FaultKind } from '../faults/kinds.ts';

/** A safeguard switched off by changing the text of the code, and what should bring that to light. */
export interface Mutation {
  readonly name: string;
  readonly changes: ReadonlyArray<{ readonly file: string; readonly from: string; readonly to: string }>;
  /** Of the harness; none where no fault of it does what the safeguard is against. */
  readonly faults: readonly FaultKind[];
  /** A file of tests that must fail then. */
  readonly test?: string;
}

export const mutations: readonly Mutation[] = [
  {
    name: 'identity check',
    changes: [
      {
        file: 'packages/schema/functions/integrity_problems.sql',
        from: 'begin\n  return query\n  with registered',
        to: 'begin\n  if true then return; end if;\n  return query\n  with registered',
      },
    ],
    faults: ['table-swapped', 'fence-disabled', 'row-security'],
  },
  {
    name: 'independent count',
    changes: [
      {
        file: 'packages/schema/functions/completion_problems.sql',
        from: 'where abs(c.seen - c.records) > c.churn;',
        to: 'where false;',
      },
    ],
    faults: ['index-loses-a-record'],
  },
  {
    name: 'compare-and-swap',
    changes: [
      {
        file: 'packages/data/src/write-batch.ts',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template
        from: 'return `substring(t.${ciphertext} from 1 for ${bytes}::int) = w.seen`;',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template
        to: 'return `(${bytes}::int > 0 and w.seen is not null or t.${ciphertext} is null)`;',
      },
    ],
    faults: ['freeze-before-batch', 'postgres-link-stalled'],
  },
  {
    name: 'compare-and-swap of joint batches',
    changes: [
      {
        file: 'packages/data/src/write-batches.ts',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template
        from: 'and ${isTenants} and ${isUnchanged}\n      for no key',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template
        to: 'and ${isTenants} and ${bytes}::int > 0\n      for no key',
      },
      {
        file: 'packages/data/src/write-batches.ts',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template
        from: 'and ${isTenants} and ${isUnchanged}\n      returning',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a template
        to: 'and ${isTenants}\n      returning',
      },
    ],
    faults: ['freeze-before-batch', 'postgres-link-stalled'],
  },
  {
    name: 'fence',
    changes: [
      {
        file: 'packages/schema/functions/install_fence.sql',
        from: 'continue when found;\n        -- Only now',
        to: 'continue;\n        -- Only now',
      },
    ],
    faults: ['kill-worker', 'kill-after-switch'],
  },
  {
    name: 'partial unique index',
    changes: [
      {
        file: 'packages/schema/migrations/0004_rotations.sql',
        from: 'create unique index rotations_one_unfinished_per_tenant',
        to: 'create index rotations_one_unfinished_per_tenant',
      },
      {
        file: 'packages/schema/functions/begin_rotation.sql',
        from: "on conflict (tenant_id) where status in ('in_progress', 'paused') do nothing returning",
        to: 'returning',
      },
    ],
    faults: ['kill-api', 'rotate-while-one-runs'],
  },
  {
    name: 're-enqueueing',
    changes: [
      {
        file: 'apps/worker/src/recovery.ts',
        from: 'if (rotations.length > 0)',
        to: 'if (rotations.length < 0)',
      },
      { file: 'apps/worker/src/recovery.ts', from: 'if (ranges.length > 0)', to: 'if (ranges.length < 0)' },
    ],
    faults: ['redis-flushall', 'kill-api-after-commit'],
  },
  {
    name: 'recount before completed',
    changes: [
      {
        file: 'packages/schema/functions/install_proof.sql',
        from: 'if left_over > 0 then',
        to: 'if false then',
      },
    ],
    faults: ['kill-worker', 'postgres-link-200ms'],
  },
  {
    name: 'proof after the drain',
    changes: [
      {
        file: 'packages/schema/functions/install_proof.sql',
        from: 'if not drained then',
        to: 'if false then',
      },
    ],
    faults: ['kill-after-switch', 'kill-worker'],
  },
  {
    name: 'commit-first',
    changes: [
      {
        file: 'packages/keyring/src/make-dek.ts',
        from: 'const bytes = generateDek();',
        to: 'const bytes = generateDek();\n  globalThis.made = (globalThis.made ?? new Map()).set(dekId, Buffer.from(bytes));',
      },
      {
        file: 'packages/keyring/src/keyring.ts',
        from: 'news.of(kekId, () => unwrapStored(keks, tenantId, stored)),',
        to: 'globalThis.made?.has(stored.id) ? Promise.resolve(Buffer.from(globalThis.made.get(stored.id))) : news.of(kekId, () => unwrapStored(keks, tenantId, stored)),',
      },
    ],
    faults: ['freeze-before-key-stored', 'same-job-twice', 'kms-slow'],
  },
  {
    name: 'the drain is ended by somebody',
    changes: [
      {
        file: 'apps/worker/src/drain-timer.ts',
        from: 'const tenants = await drainingTenants(store);',
        to: 'const tenants: string[] = [];\n    if (tenants.length > 0) await drainingTenants(store);',
      },
    ],
    faults: ['transaction-forgotten'],
  },
  {
    name: 'locks are closed by a statement that commits at once',
    changes: [
      {
        file: 'packages/schema/functions/drain_older.sql',
        from: '  delete from rekey.dek_drains h',
        to: '  perform pg_sleep(1);\n  delete from rekey.dek_drains h',
      },
    ],
    faults: ['kill-api'],
  },
  {
    name: 'a fresh IV for each seal',
    changes: [{ file: 'packages/envelope/src/iv-pool.ts', from: 'fill(bytes);', to: 'bytes.fill(7);' }],
    faults: ['kill-worker'],
  },
  {
    name: "a ciphertext is bound to its record's id",
    changes: [
      {
        file: 'packages/envelope/src/record-cipher.ts',
        from: 'recordId.copy(aad, place.length);',
        to: 'aad.fill(0, place.length);',
      },
    ],
    faults: ['ciphertext-swapped'],
  },
  {
    name: 'deletes are counted',
    changes: [
      {
        file: 'packages/schema/functions/install_counting.sql',
        from: "elsif tg_op = 'DELETE' then",
        to: "elsif tg_op = 'DELETE' and false then",
      },
    ],
    faults: ['kill-worker'],
  },
  {
    name: "a snapshot's seal is looked at",
    changes: [
      {
        file: 'packages/jobs/src/snapshot-seal.ts',
        from: "return timingSafeEqual(expected, Buffer.from(mac, 'base64url')) ? parts : null;",
        to: "return timingSafeEqual(expected, Buffer.from(mac, 'base64url')) ? parts : parts;",
      },
    ],
    faults: ['redis-snapshot-forged'],
  },
  {
    name: 'a DEK is recognised before it is used',
    changes: [
      {
        file: 'packages/keyring/src/unwrap-stored.ts',
        from: 'if (check === null || isDek(bytes, tenantId, id, check)) return;',
        to: 'if (check === null || isDek(bytes, tenantId, id, check) || bytes.length > 0) return;',
      },
    ],
    // No KMS of the harness gives other bytes: each of them tells.
    faults: [],
    test: 'test/keyring/dek-check.test.ts',
  },
  {
    name: 'a wrapped DEK is bound to its tenant',
    changes: [
      {
        file: 'packages/envelope/src/dek-wrap-aad.ts',
        from: 'return Buffer.concat([uuidBytes(tenantId), uuidBytes(dekId)]);',
        to: 'return Buffer.concat([uuidBytes(tenantId).fill(0), uuidBytes(dekId)]);',
      },
    ],
    faults: [],
    test: 'test/kms/local-kek.test.ts',
  },
  {
    name: 'what an inner key seals is bound to tenant and DEK',
    changes: [
      {
        file: 'packages/kms/src/inner-key.ts',
        from: 'gcmSeal(createSecretKey(inner), Buffer.concat([told, aad]), dek)',
        to: 'gcmSeal(createSecretKey(inner), Buffer.concat([told, aad.subarray(aad.length)]), dek)',
      },
      {
        file: 'packages/kms/src/inner-key.ts',
        from: 'gcmOpen(createSecretKey(inner), Buffer.concat([told, aad]), sealed)',
        to: 'gcmOpen(createSecretKey(inner), Buffer.concat([told, aad.subarray(aad.length)]), sealed)',
      },
    ],
    faults: [],
    test: 'test/kms/azure-kv.test.ts',
  },
  {
    name: 'a token’s RSA key is known by its fingerprint',
    changes: [
      {
        file: 'packages/kms/src/providers/pkcs11-rsa.ts',
        from: 'if (!half.fingerprint.equals(told.subarray(1, 9)))',
        to: 'if (half.fingerprint.length !== told.subarray(1, 9).length)',
      },
    ],
    faults: [],
    test: 'test/kms/pkcs11-rsa.test.ts',
  },
  {
    name: 'a rewrap puts a DEK only where the bytes stand that it unwrapped',
    changes: [
      {
        file: 'packages/schema/functions/rewrap_deks.sql',
        from: 'where m.wrapped = g.old_bytes and (',
        to: 'where g.old_bytes is not null and (',
      },
    ],
    faults: [],
    test: 'test/schema/attacks-on-wrapped-deks.test.ts',
  },
  {
    name: 'a rewrap has read back what it puts',
    changes: [
      {
        file: 'packages/rotation/src/rewrap/rewrap-dek.ts',
        from: 'const isSame = back.equals(bytes);',
        to: 'const isSame = back.length === bytes.length;',
      },
    ],
    faults: [],
    test: 'test/keyring/dek-check.test.ts',
  },
];
