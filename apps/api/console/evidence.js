import { count, counted, duration, time, words } from './format.js';

/**
 * What a condition of a key's destruction rests on. Which facts come is the database's to say: each is read as what it is,
 * or as absent.
 * @param {Record<string, unknown>} facts
 */
function reading(facts) {
  const number = (/** @type {string} */ name) => {
    const value = facts[name];
    return typeof value === 'number' ? value : null;
  };
  const ms = (/** @type {string} */ name) => {
    const value = facts[name];
    const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
    return Number.isNaN(at) ? null : at;
  };
  const moment = (/** @type {number} */ at) => `${time(new Date(at).toISOString())} UTC`;
  return {
    number,
    /** @param {string} name */
    text: (name) => (typeof facts[name] === 'string' ? facts[name] : null),
    /** @param {string} name */
    at(name) {
      const at = ms(name);
      return at === null ? null : moment(at);
    },
    /** When so long has passed since then. @param {string} since @param {string} seconds */
    later(since, seconds) {
      const [from, more] = [ms(since), number(seconds)];
      const at = from === null || more === null ? Number.NaN : from + more * 1_000;
      // The last moment that a date can hold.
      return Math.abs(at) <= 8.64e15 ? moment(at) : null;
    },
    /** @param {string} name */
    span(name) {
      const seconds = number(name);
      return seconds === null ? 'a time' : duration(seconds * 1_000);
    },
    /** @param {string} name */
    texts: (name) => list(facts[name]).filter((one) => typeof one === 'string'),
    /** @param {string} name */
    records: (name) => list(facts[name]).map((one) => /** @type {Record<string, unknown>} */ (one ?? {})),
    /** @param {string} name */
    counts: (name) =>
      Object.entries(facts[name] ?? {}).flatMap(([of, n]) =>
        typeof n === 'number' && n > 0 ? [[of, n]] : [],
      ),
  };
}

/** @param {unknown} value @returns {unknown[]} */
const list = (value) => (Array.isArray(value) ? value : []);

/** @typedef {ReturnType<typeof reading>} Reading */
/** @typedef {(state: string, of: Reading) => string} Sentence */

/** By condition. The command line has the same in `destruction-text.ts`. @type {Record<string, Sentence>} */
const sentences = {
  out_of_use(state, of) {
    const is = words(of.text('state') ?? (state === 'met' ? 'out of use' : 'in use'));
    const since = of.at('deactivatedAt');
    return state === 'met'
      ? `It is ${is}${since === null ? '' : `, since ${since}`}.`
      : `It is ${is}: a rotation has to put another key in its place first.`;
  },
  drained: (state, of) =>
    state === 'met'
      ? 'None that began before it went out of use is left.'
      : `${counted(of.number('openLocks') ?? 0, 'transaction')} from before it went out of use may still write under it.`,
  no_records(state, of) {
    const when = of.at('countedAt');
    const at = when === null ? '' : `, counted ${when}`;
    if (state === 'met') return `None${at}.`;
    const found = of.counts('records').map(([target, n]) => `${count(Number(n))} in ${target}`);
    if (state === 'unmet') return `Records stand under it: ${found.join(', ')}${at}.`;
    const problems = of.texts('problems');
    const why = problems.length === 0 ? 'a registered table could not be read' : problems.join(', ');
    return `It cannot be told: ${why}. rekey doctor says what to do.`;
  },
  unused(state, of) {
    const last = of.at('lastUsedAt');
    const used =
      last === null ? 'nobody is known to have opened anything with it' : `it was last used ${last}`;
    const span = of.span('seconds');
    if (state === 'met') return `Nobody has used it for ${span}: ${used}.`;
    if (state === 'unmet')
      return `It must not have been used for ${span}, and ${used}: not before ${of.later('lastUsedAt', 'seconds') ?? 'then'}.`;
    return `Whether it was used within ${span} cannot be told: ${unheard(of).join('; ')}.`;
  },
  backups(state, of) {
    if (of.number('horizonSeconds') === null)
      return 'Nobody has said how long backups are kept: set backup_horizon_seconds in rekey.settings.';
    const [empty, proof] = [of.at('emptySince'), of.text('provedBy')];
    if (empty === null || proof === null)
      return 'No completed rotation has proved that nothing stands under it any more.';
    const kept = of.span('horizonSeconds');
    const over = of.later('emptySince', 'horizonSeconds') ?? `${kept} after that`;
    return `Backups from before ${empty}, when ${proof} had proved it empty, are kept for ${kept}: ${state === 'met' ? 'gone since' : 'until'} ${over}.`;
  },
  grace(state, of) {
    const due = of.at('dueAt');
    if (due === null)
      return `It is ${of.span('seconds')}, and begins when somebody asks for its destruction.`;
    return `It is ${of.span('seconds')}, and ${state === 'met' ? 'ended' : 'ends'} ${due}.`;
  },
  approvals(_, of) {
    const [given, needed] = [of.number('given') ?? 0, of.number('needed') ?? 0];
    if (needed === 0) return 'Nobody else has to agree.';
    return `${given} of ${needed} have agreed, besides who asked. An approval counts for ${of.number('validDays') ?? 7} days, while the conditions stand as they were.`;
  },
};

/** Why silence is no evidence. @param {Reading} of */
function unheard(of) {
  const silent = of.records('silentProcesses').map(({ kind, host }) => {
    const [what, where] = [kind, host].map((one) => (typeof one === 'string' ? one : null));
    return `the ${what ?? 'process'} on ${where ?? 'some host'} is silent`;
  });
  const roles = of.texts('unheardRoles');
  const they = roles.length === 1 ? 'it' : 'they';
  const mute =
    roles.length === 0
      ? []
      : [`no process of ${roles.join(', ')} has ever reported, and ${they} may read wrapped keys`];
  const since = of.at('watchedSince');
  return [
    ...silent,
    ...mute,
    since === null ? 'this database has not been watched' : `use is watched since ${since} only`,
  ];
}

/**
 * A condition in a sentence; one that is not known here as it came.
 * @param {{ name: string, state: string, evidence: Record<string, unknown> }} condition
 */
export const evidenceText = ({ name, state, evidence }) =>
  Object.hasOwn(sentences, name)
    ? /** @type {Sentence} */ (sentences[name])(state, reading(evidence))
    : JSON.stringify(evidence);
