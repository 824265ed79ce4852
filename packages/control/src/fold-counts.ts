import { type Queryable, row } from '@rekey/db';

/**
 * Folds some of the appended changes of record counts into the counts; returns how many were folded. Several may do
 * it at once: each takes rows that no other has.
 */
export async function foldRecordCounts(on: Queryable, deltasMax = 10_000): Promise<number> {
  const { folded } = await row<{ folded: string }>(
    on,
    `with taken as (
       delete from rekey.record_deltas where ctid = any (array(
         select ctid from rekey.record_deltas limit $1 for update skip locked))
       returning tenant_id, target, delta),
     changed as (
       insert into rekey.record_counts as c (tenant_id, target, records, churn)
       select tenant_id, target, sum(delta), sum(abs(delta)) from taken group by 1, 2 order by 1, 2
       on conflict (tenant_id, target) do update
         set records = c.records + excluded.records, churn = c.churn + excluded.churn)
     select count(*) as folded from taken`,
    [deltasMax],
  );
  return Number(folded);
}
