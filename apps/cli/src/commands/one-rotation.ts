import type { Rotation } from '@rekey/client';
import { type Call, type Command, UsageError } from '../command.ts';
import { confirm, yes } from '../confirm.ts';
import { exitCodes } from '../exit-codes.ts';
import { tellFacts } from '../facts.ts';
import { details, detailsLabel } from '../rotation-text.ts';
import { durationMs, timeout, watch } from '../watch.ts';

const operands = ['rotation'];
const reason = { value: 'TEXT', about: 'why; kept with the event' } as const;
const rotationIdOf = ({ operands: [rotationId = ''] }: Call): string => rotationId;

export async function look(call: Call): Promise<Rotation> {
  return (await call.client().getRotation({ path: { rotationId: rotationIdOf(call) } })).data;
}

function show(call: Call, rotation: Rotation): number {
  call.tell(rotation, () => tellFacts(call.out, details(rotation), { least: detailsLabel }));
  return exitCodes.completed;
}

const steerInput = (call: Call) => {
  const why = call.option('reason');
  const path = { rotationId: rotationIdOf(call) };
  return why === undefined ? { path } : { path, body: { reason: why } };
};

export const status: Command = {
  name: 'status',
  operands,
  about: 'say how a rotation stands',
  remote: true,
  options: {
    watch: { about: 'follow it to its end, and exit as it ended' },
    timeout: { ...timeout, about: `with --watch: ${timeout.about}` },
  },
  async run(call) {
    durationMs(call.option('timeout'));
    const rotation = await look(call);
    return call.on('watch') ? watch(call, rotationIdOf(call)) : show(call, rotation);
  },
};

export const wait: Command = {
  name: 'wait',
  operands,
  about: 'follow a rotation to its end, and exit as it ended',
  remote: true,
  options: { timeout },
  async run(call) {
    // What is not there, or not to be reached, is said at once.
    durationMs(call.option('timeout'));
    await look(call);
    return watch(call, rotationIdOf(call));
  },
};

export const pause: Command = {
  name: 'pause',
  operands,
  about: 'let a rotation stand still',
  remote: true,
  options: { reason },
  run: async (call) => show(call, (await call.client().pauseRotation(steerInput(call))).data),
};

export const resume: Command = {
  name: 'resume',
  operands,
  about: 'let a paused rotation go on',
  remote: true,
  options: { reason },
  run: async (call) => show(call, (await call.client().resumeRotation(steerInput(call))).data),
};

export const retry: Command = {
  name: 'retry',
  operands,
  about: 'sweep what a rotation left, without a new key: a rotation of its own',
  remote: true,
  options: { reason },
  run: async (call) => show(call, (await call.client().retryRotation(steerInput(call))).data),
};

export const limit: Command = {
  name: 'limit',
  operands: ['rotation', 'rate'],
  about: 'hold a rotation back to so many records per second, or `none`',
  remote: true,
  options: { reason },
  async run(call) {
    const [rotationId = '', rate = ''] = call.operands;
    if (rate !== 'none' && !/^[1-9][0-9]{0,7}$/.test(rate))
      throw new UsageError('The rate is a whole number from 1 on, or none.');
    const why = call.option('reason');
    const itemsPerSecondMax = rate === 'none' ? null : Number(rate);
    const body = why === undefined ? { itemsPerSecondMax } : { itemsPerSecondMax, reason: why };
    return show(call, (await call.client().updateRotation({ path: { rotationId }, body })).data);
  },
};

export const cancel: Command = {
  name: 'cancel',
  operands,
  about: 'end a rotation before its end',
  remote: true,
  options: { reason, yes },
  async run(call) {
    const { tenantId } = await look(call);
    await confirm(call, `Cancelling ${rotationIdOf(call)}`, tenantId);
    return show(call, (await call.client().cancelRotation(steerInput(call))).data);
  },
};
