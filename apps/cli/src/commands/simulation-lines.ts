import type { Call } from '../command.ts';

type Simulation = Awaited<ReturnType<ReturnType<Call['client']>['simulateCampaign']>>['data'];

const unitSeconds = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;

function length(seconds: number): string {
  const [unit, each] = unitSeconds.find(([, least]) => seconds >= 2 * least) ?? ['s', 1];
  return `${Math.round(seconds / each)} ${unit}`;
}

/** For people. */
export function simulationLines({
  tenantsTotal,
  itemsTotal,
  skipped,
  seconds,
  endsAt,
  assumed,
  policyNotKept,
}: Simulation): string[] {
  const { workers, atOnce } = assumed;
  const { count, certain, tenants } = policyNotKept;
  return [
    `${tenantsTotal} tenants, ${skipped.count} of them skipped; ${itemsTotal} records`,
    `  takes ${length(seconds.low)} to ${length(seconds.high)} (${seconds.by}), with ${workers} workers and ${atOnce.low} to ${atOnce.high} at once`,
    endsAt === null
      ? '  starts nobody just now: a compromised key is replaced first'
      : `  begun now, the last one would have ended between ${endsAt.earliest} and ${endsAt.latest}`,
    ...skipped.tenants.map(({ tenantId, reason, workId }) => `  skips ${tenantId}: ${reason} ${workId}`),
    ...(count === 0
      ? []
      : [`  the policies of ${count} tenants may not be kept, of ${certain} of them for certain:`]),
    ...tenants.map(
      ({ tenantId, overdueAt, endsAt: { latest } }) =>
        `  ${tenantId}  overdue at ${overdueAt}, done by ${latest}`,
    ),
  ];
}
