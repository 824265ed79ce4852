import type { AnswerOf, InputOf } from './operation.ts';

/** Not among the generated operations, which all answer JSON to be read at once: an export may be larger than memory. */
export const exportRoute = { method: 'GET', path: '/api/v1/admin/audit/export' } as const;

export const exportForms = { jsonl: 'application/jsonl', csv: 'text/csv' } as const;
export type ExportForm = keyof typeof exportForms;

/** The filters of list and export. */
export type AuditQuery = Omit<NonNullable<InputOf<'listAudit'>['query']>, 'cursor' | 'limit'>;
export type AuditEvent = AnswerOf<'listAudit'>['data']['events'][number];
