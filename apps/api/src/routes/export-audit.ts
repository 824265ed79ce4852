import { Readable } from 'node:stream';
import { AuditExportQuery, RotationHeaders } from '@rekey/contract';
import Type from 'typebox';
import { auditFilter } from '../audit-filter.ts';
import { csvLines, jsonLines } from '../audit-lines.ts';
import { tenantIssues, timeIssues } from '../list-filters.ts';
import { chooseType } from '../media-types.ts';
import { route } from '../route.ts';

const csv = 'text/csv';
const mediaTypes = ['application/jsonl', csv] as const;

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
    'an export without it was cut off. `npm run audit:verify` checks either form.',
  mediaTypes: [...mediaTypes],
  request: {
    headers: RotationHeaders,
    query: AuditExportQuery,
    rules: [
      (request) => [...timeIssues(request, ['recordedAfter', 'recordedBefore']), ...tenantIssues(request)],
    ],
  },
  answers: { 200: { description: 'The export.', schema: Type.String() } },
  errors: [],
  handler:
    ({ audit, logger }) =>
    async (call) => {
      const filter = auditFilter(call);
      const type = chooseType(call.request.headers.accept, mediaTypes) ?? mediaTypes[0];
      call.reply.type(`${type}; charset=utf-8`).header('vary', 'accept');
      // Without this all of it would be read, for nobody.
      if (call.request.method === 'HEAD') return '';
      const pages = audit.read(filter);
      // What cannot be read at all is answered as an error; later there is nothing left but to break off.
      const first = await pages.next();
      const lines = (type === csv ? csvLines : jsonLines)(filter, first, pages);
      const stream = Readable.from(lines, { objectMode: false });
      stream.on('error', (error) =>
        logger.warn('an export was broken off', { requestId: call.request.id, error }),
      );
      return stream;
    },
});
