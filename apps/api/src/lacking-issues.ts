import { type Issue, issuesMax } from '@rekey/contract';
import type { LackingProcess } from '@rekey/control';

/** Who has not proved a KEK that a call names. */
export function lackingIssues(lacking: readonly LackingProcess[]): Issue[] {
  if (lacking.length === 0)
    return [
      { path: 'body.kek', message: 'no live worker has proved this KEK, or it was declared compromised' },
    ];
  const named = lacking.map(({ kind, host, processId }) => ({
    path: 'body.kek',
    message: `${kind} ${processId} on ${host.slice(0, 100)} has not proved this KEK`,
  }));
  if (named.length <= issuesMax) return named;
  const more = { path: 'body.kek', message: `and ${named.length - issuesMax + 1} more processes have not` };
  return [...named.slice(0, issuesMax - 1), more];
}
