import {
  BlastRadiusResponse,
  blastRadiusMessage,
  formatKeyId,
  KeyParams,
  keyProcessesMax,
  RotationHeaders,
} from '@rekey/contract';
import { findVisibleKey } from '../find-visible-key.ts';
import { timeOrNull } from '../key-json.ts';
import { route } from '../route.ts';
import { success } from '../success.ts';

/** What somebody who has the bytes of a key could open, and who has used it. */
export const getBlastRadius = route({
  operationId: 'getBlastRadius',
  method: 'GET',
  path: '/api/v1/admin/keys/{keyId}/blast-radius',
  permission: 'by_role',
  tag: 'Keys',
  summary: 'Say what a key opens, and who has used it',
  description:
    'What stands under it now, table by table, counted for this call; how much was ever sealed under it, and in which span; ' +
    'which workers and vaults have used it. What backups, replicas and logs hold nobody here can know.',
  request: { params: KeyParams, headers: RotationHeaders },
  answers: { 200: { description: 'What it reaches.', schema: BlastRadiusResponse } },
  errors: ['KEY_NOT_FOUND'],
  handler:
    ({ keys }) =>
    async (call) => {
      const key = await findVisibleKey(keys, call);
      const [counted, processes] = await Promise.all([
        keys.records(key.tenantId),
        keys.processesOf(key.id, keyProcessesMax),
      ]);
      const targets = counted
        .filter(({ keyNumber }) => keyNumber === key.keyNumber)
        .map(({ target, itemType, records }) => ({ target, itemType, records }));
      return success<BlastRadiusResponse>(blastRadiusMessage, {
        keyId: formatKeyId(key.id),
        tenantId: key.tenantId,
        state: key.state,
        records: targets.reduce((sum, { records }) => sum + records, 0),
        targets,
        seals: key.seals,
        activatedAt: timeOrNull(key.activatedAt),
        deactivatedAt: timeOrNull(key.deactivatedAt),
        lastUsedAt: timeOrNull(key.lastUsedAt),
        processes: processes.map(({ id, usedSince, lastUsedAt, ...process }) => ({
          processId: id,
          ...process,
          usedSince: usedSince.toISOString(),
          lastUsedAt: lastUsedAt.toISOString(),
        })),
        backups: {
          state: 'unknown',
          detail:
            'Backups, WAL archives and replicas from the span in which it was active may hold records under it and its wrapped bytes.',
        },
      });
    },
});
