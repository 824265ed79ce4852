/**
 * The condition that nothing can be written under any DEK of the tenant but the new one: none of their locks is open. It
 * stands in the very statement that counts, since only what is counted after the drain is proved. SQL expressions.
 */
export function drained(tenant: string, newKeyNumber: string): string {
  return `not exists (select from rekey.dek_locks l
    where l.tenant_id = ${tenant} and l.closed_at is null and l.key_number <> ${newKeyNumber})`;
}
