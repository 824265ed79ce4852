/**
 * `npm start`: the whole stack on this machine, seeded and kept running, for calls of your own. With DATABASE_URL or
 * REDIS_URL set it works on those, and a second start finds what the first one left there.
 */
import { randomBytes } from 'node:crypto';
import { type DatabaseUrls, runUntilDone } from '@rekey/stack';
import { orAborted } from './abort.ts';
import { choosePort } from './choose-port.ts';
import { tell } from './explain.ts';
import { furnish } from './furnish.ts';
import { keptKek, underKek } from './kept-kek.ts';
import { makePassingKek } from './passing-kek.ts';
import { tenantId } from './records.ts';
import { openScreen, type Screen } from './screen.ts';
import { passOn, readStartSettings, type StartSettings } from './settings.ts';
import { signingKeyBeside } from './signing-key.ts';
import { bringUpProcesses, bringUpServers, openVault, prepareDatabase, type Scaffold } from './stack-up.ts';
import { signToken } from './token.ts';
import { welcomeLines } from './welcome.ts';

/** What the API and the workers take when nobody says otherwise. */
const queuePrefixDefault = '{rekey}';

await runUntilDone(
  async (signal) => {
    const screen = openScreen(process.stdout, { term: process.env.TERM, noColor: process.env.NO_COLOR });
    try {
      return await start(readStartSettings(process.env), screen, signal);
    } catch (error) {
      screen.close();
      tell(error, signal);
      return signal.aborted ? 0 : 1;
    } finally {
      screen.close();
    }
  },
  { withParent: process.env.npm_lifecycle_event === 'start' },
);

/** Ends only by a signal, or by throwing. */
async function start(settings: StartSettings, screen: Screen, signal: AbortSignal): Promise<never> {
  const { paint } = screen;
  await using cleanup = new AsyncDisposableStack();
  const scaffold = { screen, signal, cleanup };

  screen.print('', `  ${paint.bold('Rekey')}  the whole stack on this machine`, '');
  const { port, remark } = await choosePort(settings.HOST, settings.PORT);
  const { databaseUrl, redisUrl, embedded } = await bringUpServers(settings, scaffold);
  const databaseUrls = await prepareDatabase(databaseUrl, scaffold);
  const kekUri = settings.KEK_URI ?? (await (embedded.postgres ? makePassingKek(cleanup) : keptKek()));
  await underKek(kekUri, () => seedOnce(databaseUrls, kekUri, settings.DEMO_RECORDS, scaffold));

  // Beside a KEK that was given we keep nothing.
  const signingKeyUri = settings.KEK_URI === undefined ? await signingKeyBeside(kekUri) : undefined;
  const jwtSecret = settings.JWT_SECRET ?? randomBytes(32).toString('base64url');
  const processes = await bringUpProcesses(
    {
      databaseUrls,
      redisUrl,
      queuePrefix: settings.QUEUE_PREFIX ?? queuePrefixDefault,
      kekUri,
      ...(signingKeyUri === undefined ? {} : { signingKeyUri }),
      jwtSecret,
      host: settings.HOST,
      port,
      logLevel: settings.LOG_LEVEL,
      env: passOn(process.env),
      restartWorkers: true,
      onLog: (line) => process.stderr.write(`${line}\n`),
    },
    scaffold,
  );

  const { apiUrl } = processes;
  if (remark !== null) screen.print('', `  ${remark}`);
  const toTry = {
    // Else it is the given one itself, with a password that is not of this run.
    databaseUrl:
      databaseUrls.application === databaseUrl && !embedded.postgres ? null : databaseUrls.application,
    redisUrl: embedded.redis ? redisUrl : null,
    kekUri,
  };
  screen.print(...welcomeLines(apiUrl, signToken(jwtSecret, tenantId), toTry, paint), `ready ${apiUrl}`);
  cleanup.defer(() => screen.print('', '  Stopping.'));
  // Awaited here, so that nothing is taken down before it ends.
  return await orAborted(signal, processes.ended);
}

/** Through connections of its own, gone when it is done. */
async function seedOnce(
  databaseUrls: DatabaseUrls,
  kekUri: string,
  records: number,
  { screen, signal }: Pick<Scaffold, 'screen' | 'signal'>,
): Promise<void> {
  await using cleanup = new AsyncDisposableStack();
  const scaffold = { screen, signal, cleanup };
  await furnish(await openVault(databaseUrls, kekUri, scaffold), records, scaffold);
}
