import type { Route } from '../route.ts';

type Operation = Pick<Route, 'operationId' | 'method'>;

interface RoleRule {
  readonly tenants: 'any' | 'own';
  readonly may: (operation: Operation) => boolean;
}

const everything = (): boolean => true;

/** Steers what others have decided. By name, so that no operation becomes an operator's unless somebody writes it here. */
const operatorMay: ReadonlySet<string> = new Set([
  'planRotation',
  'getPlan',
  'pauseRotation',
  'resumeRotation',
  'retryRotation',
  'updateRotation',
  'pauseCampaign',
  'resumeCampaign',
]);

/** Which role may what, on whose tenants. At `*` all tenants are one's own. */
export const roles = {
  super_admin: { tenants: 'any', may: everything },
  // A KEK has wrapped the keys of many tenants, and replacing them all comes before everybody's work.
  security_admin: { tenants: 'own', may: ({ operationId }) => operationId !== 'compromiseKek' },
  security_operator: {
    tenants: 'own',
    may: ({ operationId }) => operatorMay.has(operationId),
  },
  security_auditor: { tenants: 'own', may: ({ method }) => method === 'GET' },
} as const satisfies Record<string, RoleRule>;

export type Role = keyof typeof roles;

const roleNames = Object.keys(roles) as Role[];

/** Those of a token's roles that are ours. */
export function rolesAmong(names: ReadonlySet<string>): readonly Role[] {
  return roleNames.filter((role) => names.has(role));
}

/** Whether one of these roles may do that; given whose tenant it concerns, on that one. */
export function permits(given: readonly Role[], operation: Operation, tenant?: 'own' | 'other'): boolean {
  return given.some((role) => {
    const { tenants, may }: RoleRule = roles[role];
    return may(operation) && (tenants === 'any' || tenant !== 'other');
  });
}
