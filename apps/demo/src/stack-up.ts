import { openStore, type Store } from '@rekey/db';
import { openKek } from '@rekey/kms';
import { migrate } from '@rekey/schema';
import {
  type DatabaseUrls,
  makeRoles,
  oneRole,
  type Servers,
  type ServerUrls,
  startServers,
} from '@rekey/stack';
import { createVault, type Vault } from '@rekey/vault';
import { orAborted } from './abort.ts';
import { needDatabase, needRedis } from './given-servers.ts';
import { isShown } from './log-lines.ts';
import { type Processes, type ProcessesOptions, startProcesses } from './processes.ts';
import type { Screen } from './screen.ts';
import { step } from './step.ts';

/** Enough for the application, and for a proof that opens many records at once. */
const connectionsMax = 16;

/** Where a piece of the stack shows itself, what ends it, and where it leaves how to take it down again. */
export interface Scaffold {
  readonly screen: Screen;
  readonly signal: AbortSignal;
  readonly cleanup: AsyncDisposableStack;
}

/**
 * Postgres and Redis, given or embedded, seen answering.
 *
 * @throws DemoError `DATABASE` or `REDIS` when a given one does not answer; StackError when one of ours does not start
 */
export async function bringUpServers(urls: ServerUrls, scaffold: Scaffold): Promise<Servers> {
  const { screen, signal, cleanup } = scaffold;
  const remarks: string[] = [];
  const servers = await step(screen, {
    doing: 'Postgres and Redis are starting',
    work: async () => {
      if (urls.DATABASE_URL) await needDatabase(urls.DATABASE_URL);
      if (urls.REDIS_URL) await needRedis(urls.REDIS_URL);
      return startServers(urls, { log: (line) => remarks.push(line) });
    },
    done: ({ embedded }) => ['Postgres and Redis', describe(embedded)],
  });
  cleanup.defer(() => servers.stop());
  signal.throwIfAborted();
  return servers;
}

function describe({ postgres, redis }: Servers['embedded']): string {
  if (postgres && redis) return 'embedded, for this run only';
  const from = (ours: boolean, variable: string): string => (ours ? 'embedded' : variable);
  return `${from(postgres, 'DATABASE_URL')}, ${from(redis, 'REDIS_URL')}`;
}

/** The schema, and roles of this run in which everybody works with it. */
export async function prepareDatabase(
  databaseUrl: string,
  { screen, cleanup }: Pick<Scaffold, 'screen' | 'cleanup'>,
): Promise<DatabaseUrls> {
  await migrate(databaseUrl);
  const urls = await makeRoles(databaseUrl, cleanup);
  if (urls !== null) return urls;
  screen.print(
    '  The role of DATABASE_URL cannot make roles of this run: API, workers and application all work as it.',
  );
  return oneRole(databaseUrl);
}

/** What an application opens to get at its records; and, as the owner, a look at what there is. */
export async function openVault(
  databaseUrls: DatabaseUrls,
  kekUri: string,
  { cleanup }: Pick<Scaffold, 'cleanup'>,
): Promise<{ store: Store; vault: Vault; anotherVault: () => Vault }> {
  const kek = await openKek(kekUri);
  cleanup.defer(() => kek.close());
  const open = (url: string, max: number): Store => {
    const onError = (): void => {}; // whoever needs the connection hears of it
    const opened = openStore({ url, max, applicationName: 'rekey-demo', onError });
    cleanup.defer(() => opened.end());
    return opened;
  };
  const store = open(databaseUrls.owner, 2);
  const ofApplication = open(databaseUrls.application, connectionsMax);
  const vault = createVault({ store: ofApplication, kek });
  cleanup.defer(() => vault.close());
  return { store, vault, anotherVault: () => createVault({ store: ofApplication, kek, prefetch: false }) };
}

/** The API and the workers, ready; the lines of their logs that are asked for go where `onLog` puts them. */
export async function bringUpProcesses(
  options: Omit<ProcessesOptions, 'onLog'> & { readonly onLog: (line: string) => void },
  { screen, signal, cleanup }: Scaffold,
): Promise<Processes> {
  const { onLog, ...rest } = options;
  return step(screen, {
    doing: 'The API and the workers are starting',
    work: () =>
      orAborted(
        signal,
        startProcesses(
          {
            ...rest,
            onLog: (name, { level, text }) => {
              if (isShown(level, options.logLevel)) onLog(`${name.padEnd(8)} ${level.padEnd(5)} ${text}`);
            },
          },
          cleanup,
        ),
      ),
    done: ({ apiUrl }) => ['1 API and 2 workers', `a process each, ${apiUrl}`],
  });
}
