import { type Call, type Command, UsageError } from '../command.ts';
import { confirmCount, yes } from '../confirm.ts';
import { exitCodeOfRewrap, exitCodes } from '../exit-codes.ts';
import { words as said } from '../rotation-text.ts';
import { durationMs, timeout } from '../watch.ts';

type Client = ReturnType<Call['client']>;
type Compromise = Awaited<ReturnType<Client['getKekCompromise']>>['data'];
type Choice = Awaited<ReturnType<Client['getTenantKek']>>['data'];

const everyMs = 1_000;
const reason = { value: 'TEXT', about: 'why; kept with the event' } as const;
const words = ['region', 'location', 'ring', 'namespace', 'key'] as const;
const pathOf = ({ operands: [kek = ''] }: Call) => ({ kek });
const tenantOf = ({ operands: [tenantId = ''] }: Call) => ({ tenantId });

function tellChoice(call: Call, choice: Choice): number {
  call.tell(choice, () => {
    const { tenantId, status, kek, parts, trouble, inUse } = choice;
    const filledIn = Object.entries(parts).map(([part, word]) => ` ${part}=${word}`);
    const name = kek === null ? 'the KEK of the installation' : `${kek}${filledIn.join('')}`;
    call.out.line(`${tenantId}  ${name}: ${said(status)}${trouble === null ? '' : ` (${trouble})`}`);
    call.out.line(`the next key is wrapped under ${inUse?.kekId ?? 'the KEK of the installation'}`);
  });
  return exitCodes.completed;
}

export const kekChoose: Command = {
  name: 'kek choose',
  operands: ['tenant'],
  about: "choose what a tenant's next key is wrapped under; rotate to have one",
  remote: true,
  options: {
    kek: { value: 'NAME', about: 'a template of TENANT_KEKS or, as super_admin, a KEK of KEKS' },
    installation: { about: 'or the KEK of the installation again' },
    region: { value: 'WORD', about: 'fills in the template' },
    location: { value: 'WORD', about: 'fills in the template' },
    ring: { value: 'WORD', about: 'fills in the template' },
    namespace: { value: 'WORD', about: 'fills in the template' },
    key: { value: 'WORD', about: 'fills in the template' },
    reason,
  },
  async run(call) {
    const [kek, why] = [call.option('kek'), call.option('reason')];
    if ((kek === undefined) !== call.on('installation'))
      throw new UsageError('Under which KEK? --kek or --installation is needed.');
    const parts = Object.fromEntries(
      words.flatMap((part) => {
        const word = call.option(part);
        return word === undefined ? [] : [[part, word]];
      }),
    );
    const body = { kek: kek ?? null, ...parts, ...(why === undefined ? {} : { reason: why }) };
    return tellChoice(call, (await call.client().chooseTenantKek({ path: tenantOf(call), body })).data);
  },
};

export const kekChosen: Command = {
  name: 'kek chosen',
  operands: ['tenant'],
  about: 'say what a tenant chose, and what came of it',
  remote: true,
  run: async (call) => tellChoice(call, (await call.client().getTenantKek({ path: tenantOf(call) })).data),
};

function lines(one: Compromise): string[] {
  const { kek, replacedBy, status, phase, keysTotal, keysUnder, keysCompromised, keysDestroyed } = one;
  return [
    `${kek}  ${said(phase ?? status)}: ${keysUnder} of ${keysTotal} keys under it, replaced by ${replacedBy}`,
    `${keysCompromised + keysDestroyed} of ${keysTotal} compromised or destroyed, ${one.rotationsUnderWay} rotations under way`,
    ...(one.keysFailed > 0 ? [`${one.keysFailed} could not be done`] : []),
  ];
}

function show(call: Call, one: Compromise): void {
  call.tell(one, () => {
    for (const line of lines(one)) call.out.line(line);
  });
}

/** Ctrl-C ends the following only. */
async function follow(call: Call): Promise<number> {
  const path = pathOf(call);
  const again = `To follow it again: rekey kek compromise-wait ${path.kek}`;
  const patientUntil = performance.now() + durationMs(call.option('timeout'));
  let noticed = '';
  for (;;) {
    const one = (await call.client(true).getKekCompromise({ path })).data;
    if (one.status !== 'in_progress') {
      show(call, one);
      return exitCodeOfRewrap(one.status);
    }
    const now = lines(one).join(' ');
    if (now !== noticed && !call.on('json')) for (const line of lines(one)) call.out.line(line);
    noticed = now;
    if (performance.now() + everyMs > patientUntil) {
      call.err.line(`It goes on. ${again}`);
      return exitCodes.timeOut;
    }
    await pause(call.signal);
    if (call.signal.aborted) {
      call.err.line(`Not watched any more; it goes on. ${again}`);
      return exitCodes.interrupted;
    }
  }
}

function pause(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, everyMs);
  signal.addEventListener('abort', () => resolve(), { once: true });
  return promise.finally(() => clearTimeout(timer));
}

export const kekCompromise: Command = {
  name: 'kek compromise',
  operands: ['kek'],
  about: 'declare a KEK compromised: replace all keys that are or were under it',
  remote: true,
  options: {
    kek: { value: 'NAME', about: 'the KEK that takes its place' },
    reason,
    force: { about: 'also if processes lack that KEK: they lose what comes under it' },
    watch: { about: 'follow it to its end' },
    timeout: { ...timeout, about: `with --watch: ${timeout.about}` },
    yes,
  },
  async run(call) {
    durationMs(call.option('timeout'));
    const path = pathOf(call);
    const [kek, why] = [call.option('kek'), call.option('reason')];
    if (kek === undefined) throw new UsageError('What takes its place? --kek is needed.');
    if (why === undefined) throw new UsageError('It needs a --reason.');
    if (!call.on('yes')) {
      const { keks } = (await call.client().listKeks()).data;
      const keys = keks.find(({ name }) => name === path.kek)?.keys;
      const count =
        keys === undefined ? 0 : keys.preActive + keys.active + keys.deactivated + keys.compromised;
      await confirmCount(
        call,
        `All ${count} keys under ${path.kek}, of all tenants, are replaced before any other work.`,
        count,
      );
    }
    const body = { kek, reason: why, ...(call.on('force') ? { force: true } : {}) };
    // A repeated request names the operation that the first one began.
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const { data } = await call.client().compromiseKek({ path, headers, body });
    if (call.on('watch')) return follow(call);
    show(call, data);
    return exitCodes.completed;
  },
};

export const kekCompromiseWait: Command = {
  name: 'kek compromise-wait',
  operands: ['kek'],
  about: 'follow what is done about a compromised KEK, and exit as it ended',
  remote: true,
  options: { timeout },
  run: follow,
};
