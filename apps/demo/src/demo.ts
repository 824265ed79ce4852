/**
 * `npm run demo`: what the product does, on this machine, before your eyes. Brings up the servers and the processes,
 * seeds a tenant, rotates its key through the HTTP API while an application works on the records, proves that nothing
 * was lost, and leaves nothing behind.
 */
import { randomBytes } from 'node:crypto';
import { createClient } from '@rekey/client';
import { runUntilDone } from '@rekey/stack';
import { tell } from './explain.ts';
import { createLedger } from './ledger.ts';
import { perform } from './perform.ts';
import { prove } from './prove.ts';
import { createRecordSet, proportions, tenantId } from './records.ts';
import { prepareScratch } from './scratch.ts';
import { openScreen, type Screen } from './screen.ts';
import { seed } from './seed.ts';
import { type DemoSettings, passOn, readDemoSettings } from './settings.ts';
import { bringUpProcesses, openVault } from './stack-up.ts';
import { nextLines, summaryLines } from './summary.ts';
import { signToken } from './token.ts';
import { whileRunning } from './while-running.ts';

await runUntilDone(
  async (signal) => {
    const screen = openScreen(process.stdout, { term: process.env.TERM, noColor: process.env.NO_COLOR });
    try {
      return await demo(readDemoSettings(process.env), screen, signal);
    } catch (error) {
      screen.close();
      tell(error, signal);
      signal.throwIfAborted();
      return 1;
    } finally {
      screen.close();
    }
  },
  { withParent: process.env.npm_lifecycle_event === 'demo' },
);

async function demo(settings: DemoSettings, screen: Screen, signal: AbortSignal): Promise<number> {
  const { paint } = screen;
  await using cleanup = new AsyncDisposableStack();
  const scaffold = { screen, signal, cleanup };

  screen.print(
    '',
    `  ${paint.bold('Rekey')}  rotates a tenant's data encryption key while its data is in use`,
    '',
  );
  const scratch = await prepareScratch(settings, scaffold);
  const { store, vault, anotherVault } = await openVault(scratch.databaseUrls, scratch.kekUri, scaffold);
  const records = createRecordSet(proportions(settings.DEMO_RECORDS));
  const ledger = createLedger(records);
  await seed(vault, records, scaffold);

  const jwtSecret = randomBytes(32).toString('base64url');
  const processes = await bringUpProcesses(
    {
      ...scratch,
      jwtSecret,
      host: '127.0.0.1',
      port: 0,
      logLevel: settings.LOG_LEVEL,
      env: passOn(process.env),
      restartWorkers: false,
      onLog: (line) => screen.print(paint.dim(`  ${line}`)),
    },
    scaffold,
  );

  // Awaited here, so that nothing is taken down before it ends.
  return await whileRunning(processes, signal, async (signal) => {
    const client = createClient({ url: processes.apiUrl, token: signToken(jwtSecret, tenantId), signal });
    const outcome = await perform({
      screen,
      client,
      vault,
      records,
      ledger,
      running: processes.running,
      signal,
    });
    screen.print('', `  ${paint.bold('Proof')}`);
    // Through a vault that has seen nothing yet: every DEK is unwrapped anew.
    const holds = await prove({ screen, signal, store, vault: anotherVault(), records, ledger }, outcome);
    screen.print('', `  ${paint.bold('Summary')}`, ...summaryLines(outcome, paint));
    if (holds) screen.print('', `  ${paint.bold('Next')}`, ...nextLines(paint));
    screen.print('');
    return holds ? 0 : 1;
  });
}
