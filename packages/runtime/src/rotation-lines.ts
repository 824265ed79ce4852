import type { Logger } from './logger.ts';

/** What a line about the end of a rotation is made of. */
export interface EndedRotation {
  readonly rotationId: string;
  readonly tenantId: string;
  readonly status: 'completed' | 'completed_with_failures' | 'failed' | 'cancelled';
  readonly itemsRotated: Readonly<Record<string, number>>;
  readonly itemsSuperseded: Readonly<Record<string, number>>;
  readonly itemsFailed: Readonly<Record<string, number>>;
  readonly failureReason?: string | null;
}

const lines = {
  completed: ['info', 'rotation completed'],
  completed_with_failures: ['warn', 'rotation completed with failures'],
  failed: ['error', 'rotation failed'],
  cancelled: ['info', 'rotation cancelled'],
} as const satisfies Record<EndedRotation['status'], readonly ['info' | 'warn' | 'error', string]>;

/** One line, with its counts, at the level that its outcome deserves. */
export function logRotationEnd(logger: Logger, rotation: EndedRotation): void {
  const [level, message] = lines[rotation.status];
  const { itemsRotated, itemsSuperseded, itemsFailed, failureReason } = rotation;
  logger[level](message, {
    rotationId: rotation.rotationId,
    tenantId: rotation.tenantId,
    status: rotation.status,
    itemsRotated: { ...itemsRotated },
    itemsSuperseded: { ...itemsSuperseded },
    itemsFailed: { ...itemsFailed },
    ...(failureReason == null ? {} : { reason: failureReason }),
  });
}
