import { Readable } from 'node:stream';
import { AuditExportQuery, RotationHeaders } from '@rekey/contract';
import { csvHead, csvLine, exportEnd, exportHead } from '@rekey/evidence';
import Type from 'typebox';
import { ApiError } from '../api-error.ts';
import { auditFilter } from '../audit-filter.ts';
import { csvLines, jsonLines } from '../audit-lines.ts';
import { tenantIssues, timeIssues } from '../list-filters.ts';
import { chooseType } from '../media-types.ts';
import { route } from '../route.ts';

const csv = 'text/csv';
const mediaTypes = ['application/jsonl', csv] as const;

/** Of an export without an event. */
const emptyHead = exportHead({ chain: null, isFiltered: false, checkpoint: null, head: null });

/** A file to keep, and to check without this server. */
export const exportAudit = route({
  operationId: 'exportAudit',
  method: 'GET',
  path: '/api/v1/admin/audit/export',
  permission: 'by_role',
  tag: 'Evidence',
  summary: 'Export what was recorded, as JSON Lines or CSV',
  description:
    'With the filters of the list, in the order of chains and sequences. A last line says how many events came before it: ' +
    'an export without it was cut off. Proofs lead to the latest checkpoint, or to the one whose size is given as ' +
    '`checkpoint`. `npm run audit:verify` checks either form.',
  mediaTypes: [...mediaTypes],
  request: {
    headers: RotationHeaders,
    query: AuditExportQuery,
    rules: [
      (request) => [...timeIssues(request, ['recordedAfter', 'recordedBefore']), ...tenantIssues(request)],
    ],
  },
  answers: {
    200: {
      description: 'The export.',
      schema: Type.String(),
      media: {
        'application/jsonl': { example: `${emptyHead}\n${exportEnd(0)}\n` },
        [csv]: { example: `${csvHead}${csvLine(emptyHead, null)}${csvLine(exportEnd(0), null)}` },
      },
    },
  },
  errors: [],
  handler:
    ({ audit, logger }) =>
    async (call) => {
      const filter = auditFilter(call);
      const type = chooseType(call.request.headers.accept, mediaTypes) ?? mediaTypes[0];
      call.reply.type(`${type}; charset=utf-8`).header('vary', 'accept');
      // Without this all of it would be read, for nobody.
      if (call.request.method === 'HEAD') return '';
      const { checkpoint: size } = call.query;
      // Before the first event is read, so that what it covers is there to be read.
      const [checkpoint] = await audit.checkpoints({
        before: size === undefined ? null : size + 1,
        limit: 1,
      });
      if (size !== undefined && checkpoint?.size !== size)
        throw new ApiError('INVALID_REQUEST', {
          issues: [{ path: 'query.checkpoint', message: 'is not the size of a checkpoint of this log' }],
        });
      const proved = checkpoint === undefined ? null : { checkpoint, proofs: audit.proofs(checkpoint.size) };
      const write = type === csv ? csvLines : jsonLines;
      const stream = Readable.from(write({ filter, pages: audit.read(filter), proved }), {
        objectMode: false,
      });
      stream.on('error', (error) =>
        logger.warn('an export was broken off', { requestId: call.request.id, error }),
      );
      return stream;
    },
});
