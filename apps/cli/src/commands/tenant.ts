import { randomUUID } from 'node:crypto';
import { type Command, UsageError } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { durationMs, timeout, watch } from '../watch.ts';

export const tenantCreate: Command = {
  name: 'tenant create',
  about: 'make a tenant, whose first key a worker makes',
  remote: true,
  options: {
    name: { value: 'NAME', about: 'what it is called' },
    tenant: { value: 'ID', about: 'its id; made unless said' },
    watch: { about: 'until it has its key' },
    timeout: { ...timeout, about: `with --watch: ${timeout.about}` },
  },
  async run(call) {
    const name = call.option('name');
    if (name === undefined) throw new UsageError('What is it called? --name is needed.');
    durationMs(call.option('timeout'));
    const tenantId = (call.option('tenant') ?? randomUUID()).toLowerCase();
    // It may be sent twice: by its id the tenant is made once.
    const headers = { 'idempotency-key': `tenant-${tenantId}` };
    const { data } = await call.client().createTenant({ headers, body: { tenantId, name } });
    const { rotationId } = data;
    if (!(call.on('watch') && call.on('json'))) call.tell(data, () => call.out.line(data.tenantId));
    if (rotationId === null) return exitCodes.completed;
    if (call.on('watch')) return watch(call, rotationId);
    if (!call.on('json')) call.err.line(`Its first key is being made: rekey wait ${rotationId}`);
    return exitCodes.completed;
  },
};
