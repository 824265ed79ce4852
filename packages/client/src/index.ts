export type { AuditEvent, AuditQuery } from './audit-export.ts';
export { type Client, createClient } from './client.ts';
export { ClientError } from './client-error.ts';
export type { RotationEvent, Told } from './follow.ts';
export type { Rotation } from './wait-for.ts';
