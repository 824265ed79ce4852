export type { AuditEvent, AuditQuery } from './audit-export.ts';
export { type Client, createClient } from './client.ts';
export { ClientError, type ClientErrorCode, type Issue } from './client-error.ts';
export type { RotationEvent, Told } from './follow.ts';
export type { Plan, Rotation } from './wait-for.ts';
