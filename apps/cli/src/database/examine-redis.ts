import {
  checkRedis,
  clusterProblems,
  fitnessOf,
  keysOf,
  openRedis,
  otherPrefixes,
  type RedisClient,
  redisFacts,
  troubleOf,
} from '@rekey/jobs';
import type { Finding } from '@rekey/schema';

export interface RedisPlace {
  readonly url: string;
  readonly prefix: string;
  /** As Postgres tells it; null: it was not to be asked. */
  readonly installation: string | null;
}

interface Examined {
  readonly facts: Record<string, string>;
  readonly findings: Finding[];
  readonly unseen: string[];
}

/** As long as a worker waits at its start: a Cluster that cannot be reached says nothing at all. */
const patienceMs = 5_000;

/** On a busy machine an answer may be late once. */
const attempts = 4;

export async function examineRedis(place: RedisPlace): Promise<Examined> {
  let found = await attempt(place);
  const isSilent = (): boolean => found.findings.some(({ code }) => code === 'REDIS_SILENT');
  for (let again = 1; isSilent() && again < attempts; again += 1) found = await attempt(place);
  return found;
}

async function attempt({ url, prefix, installation }: RedisPlace): Promise<Examined> {
  const found: Examined = { facts: {}, findings: [], unseen: [] };
  for (const problem of clusterProblems(url, prefix))
    found.findings.push(
      error('QUEUE_PREFIX', `${problem}.`, 'set QUEUE_PREFIX to one in braces, everywhere'),
    );
  const client = openRedis(url, 'prompt', () => {});
  try {
    await ready(client);
    await look(client, { prefix, installation }, found);
  } catch (trouble) {
    const { code, message } = troubleOf(trouble);
    found.findings.push(ofTrouble(code, message));
  } finally {
    client.disconnect();
  }
  return found;
}

async function ready(client: RedisClient): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.once('ready', resolve);
    client.once('error', reject);
    setTimeout(() => reject(new Error('Redis is not connected')), patienceMs).unref();
  });
}

async function look(
  client: RedisClient,
  { prefix, installation }: Pick<RedisPlace, 'prefix' | 'installation'>,
  { facts, findings, unseen }: Examined,
): Promise<void> {
  const fit = await fitnessOf(client);
  if (fit.trouble !== null) findings.push(ofTrouble(fit.trouble.code, fit.trouble.message));
  if (fit.hidesVersion) unseen.push('version and eviction of Redis: its user may not ask INFO');
  const keys = installation === null ? prefix : keysOf(prefix, { id: installation });
  const trouble = await checkRedis(client, { keys, takesJobs: true });
  if (trouble !== null) findings.push(ofTrouble(trouble.code, trouble.message));
  const { version, persistent, role } = await redisFacts(client);
  if (version !== null) facts.redis = `${version}${role === null ? '' : `, ${role}`}`;
  if (persistent === null) unseen.push('whether Redis keeps anything on disk: its user may not ask');
  if (persistent === false)
    findings.push({
      code: 'REDIS_NOT_PERSISTENT',
      level: 'warning',
      what: 'Redis keeps nothing on disk: after a restart workers put the tickets back, which is a pause of seconds.',
      todo: 'set appendonly yes, or leave it: no rotation is lost',
    });
  if (installation === null) return;
  const others = await otherPrefixes(client, { prefix, installation });
  if (others === null) unseen.push('other prefixes in Redis: it is a Cluster, or its user may not look');
  else if (others.length > 0)
    findings.push(
      error(
        'QUEUE_PREFIX',
        `This installation has keys below another prefix as well: ${others.join(', ')}. Some process has another QUEUE_PREFIX.`,
        `give API, workers and this command the same one; here it is ${prefix}`,
      ),
    );
}

const error = (code: string, what: string, todo: string): Finding => ({ code, level: 'error', what, todo });

function ofTrouble(code: string, message: string): Finding {
  const what = `Redis does not do its part: ${message}.`;
  return error(
    `REDIS_${code}`,
    what,
    'see REDIS_URL, its server and the rights of its user (docs/operations.md, Redis)',
  );
}
