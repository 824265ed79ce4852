import process from 'node:process';
import { test } from 'node:test';
import { skipWithoutMoto } from '../harness/moto.ts';
import { thereAndBack } from './there-and-back.ts';

/** `npm run rewrap:figures` takes 10,000, or as many as it is told. */
const tenants = Number(process.env.REWRAP_TENANTS ?? 200);

test(`${tenants} tenants' DEKs go from a key file to AWS KMS and back, and nobody notices`, {
  skip: skipWithoutMoto,
}, async (t) => {
  const { ways } = await thereAndBack(tenants, t);
  for (const way of ways) t.diagnostic(JSON.stringify(way));
});
