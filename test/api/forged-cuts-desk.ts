/** An audit with a cut, and what a tenant's own chain says of another: each file that imports it has a database of its own. */
import { appendLogHeads, logHeads } from '@rekey/control';
import { headsTree } from '@rekey/evidence';
import { cutDesk } from './cut-desk.ts';

export const desk = await cutDesk();
const { checkpointNow, cutAll, fetchInto, isSound, keepLog, now, pool, record, setYears } = desk;
const { verify, worker } = desk;
export const [tenant = '', other = ''] = desk.tenants;
await setYears(2);
await cutAll();
// As a version before this one signed: nothing names the installation.
await keepLog.append(true);
const heads = await logHeads(worker);
await appendLogHeads(worker, heads.length, await headsTree(heads).root());
await keepLog.checkpoint();
const older = await Promise.all(['', `?tenantId=${tenant}`].map((query) => fetchInto(query)));
export const ofOlder = await Promise.all(older.map((file) => verify(file, ...now)));
await isSound();
// What a tenant's chain says of a cut is recorded with all triggers on, and signed.
export const forged = { treeSize: 1_000_000, years: 2 };
await record(tenant, 'test.later', 5);
await pool.query(`select rekey.append_event($1, 'audit.cut', null, $2)`, [tenant, forged]);
await record(tenant, 'test.last', 5);
await checkpointNow();
/** The query for the tenant's export. */
export const ofTenant = `?tenantId=${tenant}`;
