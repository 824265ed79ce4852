import { createVault, openKek, openStore } from '@rekey/vault';

const url = process.env.DATABASE_URL ?? '';
const store = openStore({ url, onError: (error) => console.error(error.message) });
const kek = await openKek(process.env.KEK_URI ?? ''); // e.g. local:/etc/rekey/kek, as the workers have it
const vault = createVault({ store, kek });

const tenantId = '3fa85f64-5717-4562-b3fc-2c963f66afa6';
await vault.createTenant({ tenantId, name: 'Example Ltd' }); // idempotent

const record = { target: 'secrets', tenantId, id: crypto.randomUUID() };
await vault.put({ ...record, value: Buffer.from('correct horse'), columns: { name: 'mail password' } });
const value = await vault.get(record); // a Buffer, or null
console.log(value?.toString());

// Many at once; a row that a query of your own has fetched; and gone.
const values = await vault.getMany({ target: 'secrets', tenantId, ids: [record.id] });
const { rows } = await store.query('select ciphertext from secrets where id = $1', [record.id]);
const [row] = rows as Array<{ ciphertext: Buffer }>;
if (row) console.log(values.size, (await vault.open({ ...record, ...row })).toString());
console.log(await vault.delete(record)); // whether it was there

await vault.close();
await kek.close();
await store.end();
