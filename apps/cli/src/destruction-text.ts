import type { Client } from '@rekey/client';
import { type Part, styled } from './output.ts';
import { count, words } from './rotation-text.ts';
import { moment, span } from './times.ts';

type Destruction = Awaited<ReturnType<Client['getDestruction']>>['data'];
type Condition = Destruction['conditions'][number];

/** What a condition rests on. Which facts come is the database's to say: each is read as what it is, or as absent. */
class Evidence {
  readonly #facts: Readonly<Record<string, unknown>>;

  constructor(facts: Readonly<Record<string, unknown>>) {
    this.#facts = facts;
  }

  number(name: string): number | null {
    const value = this.#facts[name];
    return typeof value === 'number' ? value : null;
  }

  text(name: string): string | null {
    const value = this.#facts[name];
    return typeof value === 'string' ? value : null;
  }

  time(name: string): string | null {
    const ms = this.ms(name);
    return ms === null ? this.text(name) : moment(new Date(ms).toISOString());
  }

  ms(name: string): number | null {
    const ms = Date.parse(this.text(name) ?? '');
    return Number.isNaN(ms) ? null : ms;
  }

  /** When so long has passed since then. */
  later(since: string, seconds: string): string | null {
    const [from, more] = [this.ms(since), this.number(seconds)];
    if (from === null || more === null) return null;
    const at = new Date(from + more * 1_000);
    return Number.isNaN(at.getTime()) ? null : moment(at.toISOString());
  }

  span(name: string): string {
    const seconds = this.number(name);
    return seconds === null ? 'a time' : span(seconds);
  }

  list(name: string): readonly unknown[] {
    const value = this.#facts[name];
    return Array.isArray(value) ? value : [];
  }

  counts(name: string): ReadonlyArray<readonly [name: string, count: number]> {
    const value = this.#facts[name];
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([of, records]) =>
      typeof records === 'number' && records > 0 ? [[of, records] as const] : [],
    );
  }
}

const since = (time: string | null): string => (time === null ? '' : `, since ${time}`);

const sentences: Readonly<Record<string, (state: Condition['state'], of: Evidence) => string>> = {
  out_of_use: (state, of) =>
    state === 'met'
      ? `Nothing new is sealed under it: it is ${words(of.text('state') ?? 'out of use')}${since(of.time('deactivatedAt'))}.`
      : `It is ${words(of.text('state') ?? 'in use')}: a rotation has to put another key in its place first.`,
  drained: (state, of) => {
    const locks = of.number('openLocks') ?? 0;
    if (state === 'met') return 'No transaction that began before it went out of use is left.';
    return `${count(locks)} ${locks === 1 ? 'transaction' : 'transactions'} from before it went out of use may still write under it.`;
  },
  no_records: (state, of) => {
    const counted = of.time('countedAt');
    const at = counted === null ? '' : ` (counted ${counted})`;
    if (state === 'met') return `No record stands under it${at}.`;
    const found = of.counts('records').map(([target, records]) => `${count(records)} in ${target}`);
    if (state === 'unmet') return `Records stand under it: ${found.join(', ')}${at}.`;
    const problems = of.list('problems').filter((one) => typeof one === 'string');
    const why = problems.length === 0 ? 'a registered table could not be read' : problems.join(', ');
    return `Whether a record stands under it cannot be told: ${why}. rekey doctor says what to do.`;
  },
  unused: (state, of) => {
    const last = of.time('lastUsedAt');
    const used =
      last === null ? 'nobody is known to have opened anything with it' : `it was last used ${last}`;
    if (state === 'met') return `Nobody has used it for ${of.span('seconds')}: ${used}.`;
    const until = of.later('lastUsedAt', 'seconds');
    if (state === 'unmet')
      return `It must not have been used for ${of.span('seconds')}, and ${used}: not before ${until ?? 'then'}.`;
    return `Whether it was used within ${of.span('seconds')} cannot be told: ${unheard(of).join('; ')}.`;
  },
  backups: (state, of) => {
    if (of.number('horizonSeconds') === null)
      return 'Nobody has said how long backups are kept: set backup_horizon_seconds in rekey.settings.';
    const [empty, proof] = [of.time('emptySince'), of.text('provedBy')];
    if (empty === null || proof === null)
      return 'No completed rotation has proved that nothing stands under it any more.';
    const over = of.later('emptySince', 'horizonSeconds') ?? `${of.span('horizonSeconds')} after that`;
    return `Backups from before ${empty}, when ${proof} had proved it empty, are kept for ${of.span('horizonSeconds')}: ${state === 'met' ? 'gone since' : 'until'} ${over}.`;
  },
  grace: (state, of) => {
    const due = of.time('dueAt');
    if (due === null)
      return `The grace period, ${of.span('seconds')}, begins when somebody asks for its destruction.`;
    return `The grace period of ${of.span('seconds')} ${state === 'met' ? 'ended' : 'ends'} ${due}.`;
  },
  approvals: (_, of) => {
    const [given, needed] = [of.number('given') ?? 0, of.number('needed') ?? 0];
    if (needed === 0) return 'Nobody else has to agree.';
    return `${given} of ${needed} people have agreed, besides who asked; an approval counts for ${of.number('validDays') ?? 7} days, and while the conditions stand as they were.`;
  },
};

/** Why silence is no evidence. */
function unheard(of: Evidence): string[] {
  const silent = of.list('silentProcesses').map((one) => {
    const { kind, host } = (one ?? {}) as { kind?: unknown; host?: unknown };
    return `the ${typeof kind === 'string' ? kind : 'process'} on ${typeof host === 'string' ? host : 'some host'} is silent`;
  });
  const roles = of.list('unheardRoles').filter((one) => typeof one === 'string');
  const watched = of.time('watchedSince');
  return [
    ...silent,
    ...(roles.length === 0
      ? []
      : [
          `no process of ${roles.join(', ')} has ever reported, and ${roles.length === 1 ? 'it' : 'they'} may read wrapped keys`,
        ]),
    watched === null ? 'this database has not been watched' : `use is watched since ${watched} only`,
  ];
}

/** One that this program does not know is told as it came. */
export function conditionText({ name, state, evidence }: Condition): string {
  const sentence = sentences[name];
  return sentence === undefined
    ? `${words(name)}: ${JSON.stringify(evidence)}`
    : sentence(state, new Evidence(evidence));
}

const states: Readonly<Record<string, Part>> = {
  met: styled('good', 'met'),
  unmet: styled('bad', 'not met'),
  unknown: styled('bad', 'unknown'),
};

export const conditionState = ({ state }: Condition): Part => states[state] ?? styled('bad', state);

/** How it stands, before its conditions. */
export function destructionLines({
  keyId,
  tenantId,
  state,
  safeToDestroy,
  request,
  conditions,
  destroyedAt,
}: Destruction): string[] {
  const head = `${keyId} of tenant ${tenantId}: ${words(state)}.`;
  if (destroyedAt !== null) return [head, `It was destroyed ${moment(destroyedAt)}.`];
  const open = conditions.filter((one) => one.state !== 'met').length;
  return [
    head,
    safeToDestroy
      ? 'Safe to destroy: every condition is met.'
      : `Not to be destroyed: ${open} of ${conditions.length} conditions ${open === 1 ? 'is' : 'are'} not met.`,
    request === null
      ? 'Nobody has asked for its destruction.'
      : `${request.subject} asked for its destruction${request.reason === null ? '' : ` (${request.reason})`}: due ${moment(request.dueAt)}.`,
  ];
}
